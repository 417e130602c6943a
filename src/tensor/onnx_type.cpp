#include "tensor/onnx_type.h"

#include "base/error.h"

namespace q8 {
namespace {

struct CodeRow {
  std::int64_t code;
  DType dtype;
};

constexpr CodeRow kCodes[] = {
    {1, DType::kF32},  {2, DType::kU8},   {3, DType::kS8},    {4, DType::kU16},  {5, DType::kS16},
    {6, DType::kS32},  {7, DType::kS64},  {9, DType::kBool},  {10, DType::kF16}, {11, DType::kF64},
    {12, DType::kU32}, {13, DType::kU64}, {16, DType::kBF16}, {21, DType::kU4},  {22, DType::kS4},
    {25, DType::kU2},  {26, DType::kS2},
};

}  // namespace

std::optional<DType> dtype_of_onnx(std::int64_t code) {
  for (const CodeRow& row : kCodes)
    if (row.code == code) return row.dtype;
  return std::nullopt;
}

std::int64_t onnx_code(DType dtype) {
  for (const CodeRow& row : kCodes)
    if (row.dtype == dtype) return row.code;
  Q8_ASSERT(false);
  return 0;
}

}  // namespace q8

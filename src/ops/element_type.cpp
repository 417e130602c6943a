#include "ops/element_type.h"

#include <string>

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

DType element_type(std::int64_t onnx_code) {
  for (const CodeRow& row : kCodes)
    if (row.code == onnx_code) return row.dtype;
  throw unsupported("element type number " + std::to_string(onnx_code) +
                    " of ONNX is not supported");
}

}  // namespace q8

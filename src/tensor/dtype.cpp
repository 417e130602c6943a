#include "tensor/dtype.h"

#include <array>
#include <bit>

#include "tensor/half_bits.h"

namespace q8 {
namespace {

struct DTypeRow {
  std::string_view name;
  std::size_t size;
};

// In the order of DType.
constexpr std::array kRows = {
    DTypeRow{"float", 4}, DTypeRow{"float16", 2}, DTypeRow{"bfloat16", 2}, DTypeRow{"double", 8},
    DTypeRow{"int8", 1},  DTypeRow{"uint8", 1},   DTypeRow{"int16", 2},    DTypeRow{"uint16", 2},
    DTypeRow{"int32", 4}, DTypeRow{"uint32", 4},  DTypeRow{"int64", 8},    DTypeRow{"uint64", 8},
    DTypeRow{"bool", 1},  DTypeRow{"int4", 1},    DTypeRow{"uint4", 1},    DTypeRow{"int2", 1},
    DTypeRow{"uint2", 1},
};

const DTypeRow& row(DType dtype) {
  return kRows[static_cast<std::size_t>(dtype)];
}

}  // namespace

std::size_t dtype_size(DType dtype) {
  return row(dtype).size;
}
int dtype_bits(DType dtype) {
  if (dtype == DType::kS2 || dtype == DType::kU2) return 2;
  if (dtype == DType::kS4 || dtype == DType::kU4) return 4;
  return static_cast<int>(8 * dtype_size(dtype));
}
std::string_view dtype_name(DType dtype) {
  return row(dtype).name;
}

bool is_floating(DType dtype) {
  return dtype <= DType::kF64;
}
bool is_integer(DType dtype) {
  return !is_floating(dtype) && dtype != DType::kBool;
}

float to_float(Half h) {
  return float_of_half(h.bits);
}

float to_float(BFloat16 b) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(b.bits) << 16);
}

Half to_half(float f) {
  return Half{half_of_float(f)};
}

BFloat16 to_bfloat16(float f) {
  const auto bits = std::bit_cast<std::uint32_t>(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return BFloat16{static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
  return BFloat16{static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

}  // namespace q8

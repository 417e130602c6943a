#include "tensor/dtype.h"

#include <array>
#include <bit>
#include <cmath>

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
  const std::uint32_t sign = static_cast<std::uint32_t>(h.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (h.bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = h.bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float value = std::ldexp(static_cast<float>(mantissa), -24);
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

float to_float(BFloat16 b) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(b.bits) << 16);
}

Half to_half(float f) {
  const auto bits = std::bit_cast<std::uint32_t>(f);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  const auto with_sign = [sign](std::uint32_t rest) {
    return Half{static_cast<std::uint16_t>(sign | rest)};
  };
  if (magnitude > 0x7f800000u) return with_sign(0x7e00u | (magnitude >> 13 & 0x3ffu));  // NaN
  if (magnitude >= 0x47800000u) return with_sign(0x7c00u);  // >= 65536: inf
  if (magnitude < 0x38800000u) {                            // below 2^-14: subnormal
    const float scaled = std::ldexp(std::bit_cast<float>(magnitude), 24);
    return with_sign(static_cast<std::uint32_t>(std::nearbyint(scaled)));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return with_sign((rounded - 0x38000000u) >> 13);  // a carry ends in inf, as it must
}

BFloat16 to_bfloat16(float f) {
  const auto bits = std::bit_cast<std::uint32_t>(f);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return BFloat16{static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
  return BFloat16{static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

}  // namespace q8

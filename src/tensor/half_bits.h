#pragma once

#include <bit>
#include <cstdint>

namespace q8 {

// Floats of 16 bits by their bits. Masks in the place of branches: compilers make vectors of loops
// over these.

// All bits where a < b, or none; neither is negative. A comparison would become a branch.
constexpr std::int32_t mask_of_less(std::int32_t a, std::int32_t b) {
  return (a - b) >> 31;
}

inline float float_of_half(std::uint16_t half) {
  const std::int32_t sign = (half & 0x8000) << 16, rest = (half & 0x7fff) << 13;
  // The exponent is 112 too low; a product makes it right for subnormals, too.
  const auto scaled = std::bit_cast<std::int32_t>(std::bit_cast<float>(rest) * 0x1p112f);
  const std::int32_t not_finite = ~mask_of_less(rest, 0x0f800000) & 0x7f800000;
  return std::bit_cast<float>(sign | scaled | not_finite);
}

// Rounds half to even; overflow gives inf, a NaN stays one.
inline std::uint16_t half_of_float(float f) {
  const auto bits = std::bit_cast<std::int32_t>(f);
  const std::int32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  // A carry ends in inf, as it must.
  const std::int32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
  // Below 2^-14 one unit is 2^-24, which is the last bit of a float from 0.5 to 1.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
  const std::int32_t subnormal = std::bit_cast<std::int32_t>(shifted) - 0x3f000000;
  const std::int32_t payload =
      mask_of_less(0x7f800000, magnitude) & (0x200 | (magnitude >> 13 & 0x3ff));
  const std::int32_t is_subnormal = mask_of_less(magnitude, 0x38800000);
  const std::int32_t overflows = ~mask_of_less(magnitude, 0x47800000);
  const std::int32_t finite = (is_subnormal & subnormal) | (~is_subnormal & normal);
  return static_cast<std::uint16_t>(sign | (overflows & (0x7c00 | payload)) |
                                    (~overflows & finite));
}

}  // namespace q8

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/f32/elementwise_kernels.h"

namespace q8 {
namespace {

using V = std::array<float, 16>;

template <typename Function, typename... Vectors>
V each(Function function, const Vectors&... v) {
  V out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = function(v[i]...);
  return out;
}

V set(float x) {
  V out;
  out.fill(x);
  return out;
}
V load_first(const float* p, std::int64_t n, float fill) {
  V out = set(fill);
  std::copy_n(p, n, out.begin());
  return out;
}
V load(const float* p) {
  return load_first(p, 16, 0.0f);
}
void store_first(float* p, const V& v, std::int64_t n) {
  std::copy_n(v.begin(), n, p);
}
void store(float* p, const V& v) {
  store_first(p, v, 16);
}
V add(const V& a, const V& b) {
  return each([](float x, float y) { return x + y; }, a, b);
}
V sub(const V& a, const V& b) {
  return each([](float x, float y) { return x - y; }, a, b);
}
V mul(const V& a, const V& b) {
  return each([](float x, float y) { return x * y; }, a, b);
}
V divide(const V& a, const V& b) {
  return each([](float x, float y) { return x / y; }, a, b);
}
V fma(const V& a, const V& b, const V& c) {
  return each([](float x, float y, float z) { return std::fma(x, y, z); }, a, b, c);
}
V square_root(const V& a) {
  return each([](float x) { return std::sqrt(x); }, a);
}
V larger(const V& a, const V& b) {
  return each([](float x, float y) { return x > y ? x : y; }, a, b);
}
V smaller(const V& a, const V& b) {
  return each([](float x, float y) { return x < y ? x : y; }, a, b);
}
V magnitude(const V& a) {
  return each([](float x) { return std::fabs(x); }, a);
}
V minus_magnitude(const V& a) {
  return each([](float x) { return -std::fabs(x); }, a);
}
V with_sign_of(const V& a, const V& sign) {
  return each([](float x, float s) { return std::copysign(x, s); }, a, sign);
}
V where_less(const V& a, const V& b, const V& x, const V& y) {
  return each([](float l, float r, float p, float q) { return l < r ? p : q; }, a, b, x, y);
}
float power_of_two(std::int32_t n) {
  return std::bit_cast<float>((n + 127) << 23);
}
V times_power_of_two(const V& a, const V& n) {
  return each(
      [](float x, float power) {
        if (std::isnan(x)) return x;
        const auto whole = static_cast<std::int32_t>(power);
        const std::int32_t half = whole >> 1;
        return x * power_of_two(half) * power_of_two(whole - half);
      },
      a, n);
}

template <typename Join>
float join_lanes(V v, Join join) {
  for (std::size_t width = 8; width > 0; width /= 2)
    for (std::size_t i = 0; i < width; ++i) v[i] = join(v[i], v[i + width]);
  return v[0];
}
float lanes_sum(const V& v) {
  return join_lanes(v, [](float a, float b) { return a + b; });
}
float lanes_max(const V& v) {
  return join_lanes(v, [](float a, float b) { return a > b ? a : b; });
}

#include "kernels/f32/elementwise_formulas.h"

}  // namespace

constexpr ElementwiseF32Functions kElementwiseF32Scalar = kFunctions;

}  // namespace q8

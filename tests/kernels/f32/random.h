#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace q8 {

// Uniform in [-1, 1).
inline std::vector<float> random_f32(std::int64_t size, std::mt19937& generator) {
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::vector<float> values(static_cast<std::size_t>(size));
  for (float& value : values) value = uniform(generator);
  return values;
}

// How far an FP32 sum of n products of such numbers may be from the exact one: half an ulp of a
// number below 4 for each addition. Longer sums pass 4, but their roundings partly cancel.
inline double sum_tolerance(std::int64_t n) {
  return 0.12e-6 * static_cast<double>(n + 4);
}

}  // namespace q8

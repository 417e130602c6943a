#include "recover/paired_gain.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "recover/output_judge.h"

namespace q8 {
namespace {

double sum_of(std::span<const double> noises) {
  return std::accumulate(noises.begin(), noises.end(), 0.0);
}

}  // namespace

PairedGain paired_gain(std::span<const double> before, std::span<const double> after) {
  constexpr double kMostDb = 20;
  if (before.empty()) return {};
  const double n = static_cast<double>(before.size());
  double sum = 0, squares = 0;
  for (std::size_t s = 0; s < before.size(); ++s) {
    if (before[s] == after[s]) continue;
    const double gain = std::clamp(decibels(before[s], after[s]), -kMostDb, kMostDb);
    sum += gain;
    squares += gain * gain;
  }
  const double noise_before = sum_of(before), noise_after = sum_of(after);
  const double sum_db = noise_before == noise_after ? 0 : decibels(noise_before, noise_after);
  if (n < 2) return {.mean_db = sum, .sum_db = sum_db};
  const double variance = std::max(0.0, squares - sum * sum / n) / (n - 1);
  return {.mean_db = sum / n, .error_db = std::sqrt(variance / n), .sum_db = sum_db};
}

bool is_clearly_less(std::span<const double> some, std::span<const double> others) {
  constexpr double kClearly = 2;  // standard errors
  const auto n = static_cast<double>(some.size());
  double sum = 0, squares = 0;
  for (std::size_t s = 0; s < some.size(); ++s) {
    const double gain = others[s] - some[s];
    if (!std::isfinite(gain)) return sum_of(some) < sum_of(others);
    sum += gain;
    squares += gain * gain;
  }
  const double variance = std::max(0.0, squares - sum * sum / n);
  return n > 1 && sum > kClearly * std::sqrt(variance * n / (n - 1));
}

}  // namespace q8

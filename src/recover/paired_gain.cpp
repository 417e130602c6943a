#include "recover/paired_gain.h"

#include <algorithm>
#include <cmath>

#include "recover/output_judge.h"

namespace q8 {

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
  if (n < 2) return {.mean_db = sum};
  const double variance = std::max(0.0, squares - sum * sum / n) / (n - 1);
  return {.mean_db = sum / n, .error_db = std::sqrt(variance / n)};
}

}  // namespace q8

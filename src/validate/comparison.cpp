#include "validate/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace q8 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool same_not_finite(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (std::isinf(a) && a == b);
}

}  // namespace

std::vector<double> flat_values(const Tensor& tensor) {
  const Tensor doubles = cast(tensor, DType::kF64);
  const auto values = doubles.values<double>();
  return {values.begin(), values.end()};
}

void OutputError::add(const Tensor& reference, const Tensor& tensor) {
  if (reference.shape() != tensor.shape()) {
    ++not_compared_;
    return;
  }
  const std::vector<double> a = flat_values(reference), b = flat_values(tensor);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isfinite(a[i]) && std::isfinite(b[i])) {
      const double difference = a[i] - b[i];
      signal_ += a[i] * a[i];
      noise_ += difference * difference;
      max_abs_ = std::max(max_abs_, std::abs(difference));
    } else if (!same_not_finite(a[i], b[i])) {
      ++not_finite_;
    }
  }
}

void OutputError::merge(const OutputError& other) {
  signal_ += other.signal_;
  noise_ += other.noise_;
  max_abs_ = std::max(max_abs_, other.max_abs_);
  not_finite_ += other.not_finite_;
  not_compared_ += other.not_compared_;
}

double OutputError::sqnr_db() const {
  if (not_finite_ > 0) return -kInfinity;
  if (noise_ == 0) return kInfinity;
  if (signal_ == 0) return -kInfinity;
  return 10 * std::log10(signal_ / noise_);
}

std::int64_t argmax(std::span<const double> scores) {
  std::int64_t best = -1;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (!std::isnan(scores[i]) && (best < 0 || scores[i] > scores[static_cast<std::size_t>(best)]))
      best = static_cast<std::int64_t>(i);
  return best;
}

std::int64_t rank_of(std::span<const double> scores, std::int64_t index) {
  const double score = scores[static_cast<std::size_t>(index)];
  if (std::isnan(score)) return std::ssize(scores);
  std::int64_t before = 0;
  for (std::int64_t i = 0; i < std::ssize(scores); ++i) {
    const double other = scores[static_cast<std::size_t>(i)];
    if (other > score || (other == score && i < index)) ++before;
  }
  return before;
}

}  // namespace q8

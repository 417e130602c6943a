#include "calib/observers/exact_log.h"

#include <bit>
#include <cstdint>

namespace q8 {
namespace {

// x = m · 2^e with m in [√½, √2); log m = 2 artanh(s), s = (m − 1) / (m + 1), |s| < 0.172: terms
// beyond s^23 are below 2^-53 of the first. No branch and no call, so that loops over it run
// several at a time.
inline double log_of(double x) {
  constexpr std::uint64_t kMantissa = (std::uint64_t{1} << 52) - 1,
                          kHalf = std::uint64_t{1022} << 52;
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const double half = std::bit_cast<double>((bits & kMantissa) | kHalf);  // [½, 1)
  // 2^52 + e is exact, and its bits are made by masks alone.
  constexpr double kShift = 4503599627370496.0;
  const double biased =
      std::bit_cast<double>((bits >> 52) | std::bit_cast<std::uint64_t>(kShift)) - kShift;
  const bool is_low = half < 0.70710678118654752;
  const double m = is_low ? 2 * half : half;
  const double exponent = biased - (is_low ? 1023.0 : 1022.0);
  const double s = (m - 1) / (m + 1), square = s * s;
  double series = 0;
  for (int k = 23; k >= 1; k -= 2) series = series * square + 1.0 / k;
  return 2 * s * series + 0.69314718055994531 * exponent;
}

}  // namespace

double exact_log(double x) {
  return log_of(x);
}

void exact_logs(std::span<double> numbers) {
  for (double& x : numbers) x = log_of(x);
}

}  // namespace q8

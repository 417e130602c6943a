#include "compare.h"

#include <cmath>
#include <functional>
#include <sstream>

namespace q8 {
namespace {

constexpr double kRtol = 1e-3;  // both: onnx.backend.test's defaults
constexpr double kAtol = 1e-7;

bool is_close(double actual, double expected) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (actual == expected) return true;  // infinities too
  return std::abs(actual - expected) <= kAtol + kRtol * std::abs(expected) &&
         std::isfinite(expected);
}

template <typename T, typename Agree>
std::string first_difference(const Tensor& actual, const Tensor& expected, Agree agree) {
  const auto a = actual.values<T>(), e = expected.values<T>();
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!agree(a[i], e[i])) {
      std::ostringstream text;
      text << "element " << i << " is " << a[i] << ", not " << e[i];
      return text.str();
    }
  return {};
}

}  // namespace

std::string difference(const Tensor& actual, const Tensor& expected) {
  if (actual.dtype() != expected.dtype() || actual.shape() != expected.shape())
    return actual.str() + " instead of " + expected.str();
  if (is_floating(actual.dtype()))
    return first_difference<double>(cast(actual, DType::kF64), cast(expected, DType::kF64),
                                    is_close);
  if (actual.dtype() == DType::kU64)
    return first_difference<std::uint64_t>(actual, expected, std::equal_to<>{});
  return first_difference<std::int64_t>(cast(actual, DType::kS64), cast(expected, DType::kS64),
                                        std::equal_to<>{});
}

}  // namespace q8

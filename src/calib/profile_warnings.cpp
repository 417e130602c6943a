#include <algorithm>

#include "calib/calibrate.h"

namespace q8 {
namespace {

// What the field advises: at least so many samples, and so large a share of the data there is.
constexpr std::int64_t kFewSamples = 100;
constexpr double kSmallShare = 0.01;
constexpr std::size_t kNamesShown = 5;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > kNamesShown)
    text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

}  // namespace

std::vector<std::string> profile_warnings(const CalibrationProfile& profile) {
  std::vector<std::string> warnings;
  const std::int64_t samples = std::ssize(profile.samples);
  if (samples < kFewSamples)
    warnings.push_back("calibration saw only " + std::to_string(samples) +
                       " samples; take at least " + std::to_string(kFewSamples) + ".");
  std::int64_t available = 0;
  for (const DataSource& source : profile.sources) available += source.size;
  if (static_cast<double>(samples) < kSmallShare * static_cast<double>(available))
    warnings.push_back("calibration saw " + std::to_string(samples) + " of " +
                       std::to_string(available) + " samples: less than 1 % of the data.");
  std::vector<std::string> constant;
  for (const TensorStatistics& tensor : profile.tensors)
    if (tensor.count > 1 && samples > 1 && tensor.extrema.minimum == tensor.extrema.maximum)
      constant.push_back(tensor.name);
  if (!constant.empty())
    warnings.push_back(
        std::to_string(constant.size()) +
        (constant.size() == 1 ? " activation never changes: " : " activations never change: ") +
        listed(constant) + ".");
  return warnings;
}

}  // namespace q8

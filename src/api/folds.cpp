#include "api/folds.h"

#include <algorithm>

#include "api/calibrate_again.h"
#include "base/error.h"

namespace q8 {
namespace {

constexpr std::int64_t kFolds = 4;

}  // namespace

std::vector<Fold> make_folds(const CalibrationData& data, const Graph& graph, const Host& host) {
  const auto& samples = data.profile().samples;
  const std::int64_t count = std::min(kFolds, std::ssize(samples));
  if (count < 2) throw bad_input("the profile has fewer than two samples");
  std::vector<CalibrationProfile> parts;
  for (std::int64_t i = 1; i <= count; ++i) {
    const Shard part{.index = i, .count = count};
    parts.push_back(calibrate_again(data, graph, {.shard = part, .values = {}}, host));
  }
  if (merge_profiles(parts).samples != samples)
    throw bad_input("samples have changed since calibration saw them");
  std::vector<Fold> folds;
  for (std::size_t out = 0; out < parts.size(); ++out) {
    std::vector<CalibrationProfile> others = parts;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(out));
    Fold& fold = folds.emplace_back(Fold{.profile = merge_profiles(others), .samples = {}});
    for (const CalibrationSample& sample : parts[out].samples)
      fold.samples.push_back(data.dataset().sample(data.find(sample)).inputs);
  }
  return folds;
}

}  // namespace q8

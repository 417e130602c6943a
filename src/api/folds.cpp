#include "api/folds.h"

#include <algorithm>

#include "base/error.h"
#include "calib/calibrate.h"

namespace q8 {
namespace {

constexpr std::int64_t kFolds = 4;

CalibrationProfile calibrate_part(const CalibrationData& data, const ModelFile& source,
                                  const Shard& shard, const Host& host) {
  const CalibrationProfile& whole = data.profile();
  const SessionOptions machine = session_options(host);
  return calibrate(source.model.graph, whole.model, data.dataset(), whole.sources.at(0),
                   {.q8_version = whole.q8_version,
                    .settings = whole.settings,
                    .mask = whole.mask,
                    .shard = shard,
                    .threads = machine.threads,
                    .isa = machine.isa,
                    .stop = host.stop})
      .profile;
}

}  // namespace

std::vector<Fold> make_folds(const CalibrationData& data, const ModelFile& source,
                             const Host& host) {
  const auto& samples = data.profile().samples;
  const std::int64_t count = std::min(kFolds, std::ssize(samples));
  if (count < 2) throw bad_input("the profile has fewer than two samples");
  std::vector<CalibrationProfile> parts;
  for (std::int64_t i = 1; i <= count; ++i) {
    parts.push_back(calibrate_part(data, source, {.index = i, .count = count}, host));
    if (!parts.back().complete) throw interrupted();
  }
  if (merge_profiles(parts).samples != samples)
    throw bad_input("the profile's samples are not those that its settings choose");
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

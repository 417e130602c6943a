#include "calib/profile_builder.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"

namespace q8 {

ProfileBuilder::ProfileBuilder(CalibrationProfile start) : profile_(std::move(start)) {
  for (const std::size_t i : profile_.kept_samples())
    kept_.emplace_back(profile_.samples[i].sha256, profile_.samples[i].name);
}

void ProfileBuilder::end_sample(CalibrationSample sample, const std::vector<Extrema>& extrema) {
  Q8_ASSERT(extrema.size() == profile_.tensors.size());
  std::pair key(sample.sha256, sample.name);
  profile_.samples.push_back(std::move(sample));
  const auto place = std::upper_bound(kept_.begin(), kept_.end(), key);
  const auto at = place - kept_.begin();
  if (at == static_cast<std::ptrdiff_t>(CalibrationProfile::kKeptSamples)) return;
  kept_.insert(place, std::move(key));
  const bool is_full = kept_.size() > CalibrationProfile::kKeptSamples;
  if (is_full) kept_.pop_back();
  for (std::size_t t = 0; t < extrema.size(); ++t) {
    std::vector<Extrema>& samples = profile_.tensors[t].samples;
    samples.insert(samples.begin() + at, extrema[t]);
    if (is_full) samples.pop_back();
  }
}

CalibrationProfile ProfileBuilder::finish(bool complete) && {
  profile_.complete = complete;
  std::stable_sort(profile_.samples.begin(), profile_.samples.end(),
                   [](const CalibrationSample& a, const CalibrationSample& b) {
                     return std::tie(a.name, a.sha256) < std::tie(b.name, b.sha256);
                   });
  for (TensorStatistics& tensor : profile_.tensors) tensor.histogram.trim();
  return std::move(profile_);
}

}  // namespace q8

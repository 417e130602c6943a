#include "calib/profile.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/sha256.h"

namespace q8 {

const TensorStatistics* CalibrationProfile::find(std::string_view tensor) const {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const TensorStatistics& t) { return t.name == tensor; });
  return found == tensors.end() ? nullptr : &*found;
}

std::vector<std::size_t> CalibrationProfile::kept_samples() const {
  std::vector<std::size_t> order(samples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t kept = std::min(order.size(), kKeptSamples);
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return std::tie(samples[a].sha256, samples[a].name) <
                             std::tie(samples[b].sha256, samples[b].name);
                    });
  order.resize(kept);
  return order;
}

std::string CalibrationProfile::data_sha256() const {
  std::vector<std::string_view> hashes;
  for (const CalibrationSample& sample : samples) hashes.push_back(sample.sha256);
  std::sort(hashes.begin(), hashes.end());
  Sha256 sum;
  for (const std::string_view hash : hashes) sum.add(hash).add("\n");
  return sum.hex();
}

std::string CalibrationProfile::preprocess_sha256() const {
  return preprocess.empty() ? "" : Sha256().add(preprocess).hex();
}

std::string CalibrationProfile::sha256() const {
  CalibrationProfile anywhere = *this;
  anywhere.model.path.clear();
  anywhere.sources.clear();
  anywhere.stamp.clear();
  return Sha256().add(serialize_profile(anywhere, {})).hex();
}

}  // namespace q8

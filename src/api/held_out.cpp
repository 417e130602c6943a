#include "api/held_out.h"

#include <unordered_map>

#include "base/error.h"
#include "data/sampling.h"

namespace q8 {
namespace {

std::vector<std::int64_t> spread(const std::vector<std::int64_t>& from, std::int64_t count) {
  const std::int64_t size = std::ssize(from);
  if (count >= size) return from;
  std::vector<std::int64_t> taken;
  for (std::int64_t i = 0; i < count; ++i)
    taken.push_back(from[static_cast<std::size_t>(i * size / count)]);
  return taken;
}

}  // namespace

DataPaths data_of_profile(const CalibrationProfile& profile) {
  if (profile.sources.empty())
    throw bad_input("the profile does not say where its data is; name data with --data");
  if (profile.sources.size() > 1)
    throw bad_input("the profile was made of several data sets; name one with --data");
  const DataSource& source = profile.sources[0];
  for (const auto& folder : source.folders)
    if (!std::filesystem::exists(folder))
      throw bad_input(folder.string() +
                      ": the folder that calibration read is not there; name data with --data");
  return {.folders = source.folders,
          .manifest = source.manifest,
          .labels = source.labels,
          .preprocess = {}};
}

std::vector<std::int64_t> held_out_samples(const Dataset& dataset,
                                           const CalibrationProfile& profile,
                                           std::optional<std::int64_t> count) {
  std::unordered_set<std::string> seen;
  for (const CalibrationSample& sample : profile.samples) seen.insert(sample.sha256);
  const std::vector<std::int64_t> rest = samples_without(dataset, seen);
  if (rest.empty())
    throw bad_input("calibration used all " + std::to_string(dataset.size()) +
                    " samples of its data, so none is left to validate with; name others with "
                    "--data, or calibrate on fewer (--samples)");
  return spread(rest, count.value_or(std::ssize(rest)));
}

void check_no_overlap(const Dataset& dataset, const std::vector<std::int64_t>& samples,
                      const CalibrationProfile& profile) {
  std::unordered_map<std::string, const CalibrationSample*> seen;
  for (const CalibrationSample& sample : profile.samples) seen.emplace(sample.sha256, &sample);
  std::int64_t overlap = 0;
  std::string first;
  for (const std::int64_t index : samples)
    if (const auto it = seen.find(dataset.sha256(index)); it != seen.end() && ++overlap == 1)
      first = "'" + dataset.name(index) + "' (there '" + it->second->name + "')";
  if (overlap > 0)
    throw bad_input("calibration saw " + std::to_string(overlap) + " of the " +
                    std::to_string(samples.size()) + " samples, such as " + first +
                    "; validate on others, or say --allow-overlap");
}

}  // namespace q8

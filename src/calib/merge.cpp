#include <algorithm>
#include <map>
#include <tuple>

#include "base/error.h"
#include "calib/profile.h"

namespace q8 {
namespace {

bool source_before(const DataSource& a, const DataSource& b) {
  return std::tie(a.folders, a.manifest, a.labels, a.size) <
         std::tie(b.folders, b.manifest, b.labels, b.size);
}

template <typename T, typename Less = std::less<T>>
void sort_unique(std::vector<T>& list, Less less = {}) {
  std::sort(list.begin(), list.end(), less);
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

// Shards that are all of one division are no shards any more.
void join_shards(std::vector<Shard>& shards) {
  sort_unique(shards);
  if (shards.empty()) return;
  const std::int64_t count = shards.front().count;
  const bool same =
      std::all_of(shards.begin(), shards.end(), [&](const Shard& s) { return s.count == count; });
  if (same && std::ssize(shards) == count) shards.clear();
}

std::string text(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "all";
}

std::string describe(const CalibrationSettings& s) {
  return "samples " + text(s.samples) + ", seed " +
         (s.seed ? std::to_string(*s.seed) : std::string("none")) +
         (s.stratified ? ", by class" : ", not by class") +
         (s.clamped_values ? ", clamped values too" : "");
}

void require_same(std::string_view what, const std::string& a, const std::string& b) {
  if (a != b)
    throw bad_input("profiles cannot be merged: the " + std::string(what) + " differs: '" + a +
                    "' and '" + b + "'");
}

void check_mergeable(const CalibrationProfile& a, const CalibrationProfile& b) {
  require_same("q8 version", a.q8_version, b.q8_version);
  if (a.model.sha256 != b.model.sha256)
    throw bad_input("profiles cannot be merged: the model differs: '" + a.model.path.string() +
                    "' (SHA-256 " + a.model.sha256 + ") and '" + b.model.path.string() + "' (" +
                    b.model.sha256 + ")");
  require_same("preprocessing", a.preprocess, b.preprocess);
  require_same("mask", a.mask, b.mask);
  require_same("sampling", describe(a.settings), describe(b.settings));
  for (std::size_t i = 0; i < std::max(a.tensors.size(), b.tensors.size()); ++i)
    require_same("list of tensors", i < a.tensors.size() ? a.tensors[i].name : "nothing",
                 i < b.tensors.size() ? b.tensors[i].name : "nothing");
}

using SampleKey = std::pair<std::string_view, std::string_view>;  // sha256, name

// Per-sample extrema of the samples that the merged profile keeps, taken from where they are.
void merge_kept(std::span<const CalibrationProfile> parts, CalibrationProfile& merged) {
  struct Place {
    std::size_t part, index;
  };
  std::map<SampleKey, Place> places;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const std::vector<std::size_t> kept = parts[p].kept_samples();
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const CalibrationSample& sample = parts[p].samples[kept[i]];
      places.insert({{sample.sha256, sample.name}, {p, i}});
    }
  }
  const std::vector<std::size_t> kept = merged.kept_samples();
  for (std::size_t t = 0; t < merged.tensors.size(); ++t) {
    merged.tensors[t].samples.clear();
    for (const std::size_t k : kept) {
      const Place place = places.at({merged.samples[k].sha256, merged.samples[k].name});
      merged.tensors[t].samples.push_back(parts[place.part].tensors[t].samples.at(place.index));
    }
  }
}

}  // namespace

CalibrationProfile merge_profiles(std::span<const CalibrationProfile> profiles) {
  if (profiles.empty()) throw usage_error("there are no profiles to merge");
  CalibrationProfile merged = profiles.front();
  merged.stamp.clear();
  for (const CalibrationProfile& part : profiles.subspan(1)) {
    check_mergeable(profiles.front(), part);
    merged.model.path = std::min(merged.model.path, part.model.path);
    merged.sources.insert(merged.sources.end(), part.sources.begin(), part.sources.end());
    merged.shards.insert(merged.shards.end(), part.shards.begin(), part.shards.end());
    merged.samples.insert(merged.samples.end(), part.samples.begin(), part.samples.end());
    merged.complete = merged.complete && part.complete;
    for (std::size_t t = 0; t < merged.tensors.size(); ++t)
      merged.tensors[t].merge(part.tensors[t]);
  }
  sort_unique(merged.sources, source_before);
  join_shards(merged.shards);
  std::sort(merged.samples.begin(), merged.samples.end(),
            [](const CalibrationSample& a, const CalibrationSample& b) {
              return std::tie(a.name, a.sha256) < std::tie(b.name, b.sha256);
            });
  const auto twice = std::adjacent_find(merged.samples.begin(), merged.samples.end(),
                                        [](const CalibrationSample& a, const CalibrationSample& b) {
                                          return a.name == b.name && a.sha256 == b.sha256;
                                        });
  if (twice != merged.samples.end() && profiles.size() > 1)
    throw bad_input("profiles cannot be merged: the sample '" + twice->name +
                    "' is in more than one of them");
  merge_kept(profiles, merged);
  for (TensorStatistics& tensor : merged.tensors) tensor.histogram.trim();
  return merged;
}

}  // namespace q8

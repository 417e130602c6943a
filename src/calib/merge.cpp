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

using TensorNames = std::vector<std::string>;

TensorNames tensor_names(const CalibrationProfile& profile, bool in_bodies) {
  TensorNames names;
  for (const TensorStatistics& tensor : profile.tensors)
    if (tensor.in_body == in_bodies) names.push_back(tensor.name);
  return names;
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
  const TensorNames mine = tensor_names(a, false), theirs = tensor_names(b, false);
  for (std::size_t i = 0; i < std::max(mine.size(), theirs.size()); ++i)
    require_same("list of tensors", i < mine.size() ? mine[i] : "nothing",
                 i < theirs.size() ? theirs[i] : "nothing");
}

// The tensors of bodies that any part has, ascending by name as in each (find_all_observed_values):
// a part lacks those that none of its samples ran.
TensorNames body_tensors(std::span<const CalibrationProfile> parts) {
  TensorNames all;
  for (const CalibrationProfile& part : parts) {
    const TensorNames names = tensor_names(part, true);
    all.insert(all.end(), names.begin(), names.end());
  }
  sort_unique(all);
  return all;
}

// With statistics of nothing for the tensors of bodies that it lacks.
CalibrationProfile with_tensors(CalibrationProfile part, const TensorNames& in_bodies) {
  const auto own = std::ranges::find(part.tensors, true, &TensorStatistics::in_body);
  std::vector<TensorStatistics> found;
  std::move(own, part.tensors.end(), std::back_inserter(found));
  part.tensors.erase(own, part.tensors.end());
  for (const std::string& name : in_bodies) {
    const auto it = std::ranges::find(found, name, &TensorStatistics::name);
    if (it != found.end()) {
      part.tensors.push_back(std::move(*it));
      continue;
    }
    TensorStatistics& none = part.tensors.emplace_back();
    none.name = name;
    none.in_body = true;
    none.samples.resize(part.kept_samples().size());
  }
  return part;
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

CalibrationProfile merge_profiles(std::span<const CalibrationProfile> given) {
  if (given.empty()) throw usage_error("there are no profiles to merge");
  for (const CalibrationProfile& part : given.subspan(1)) check_mergeable(given.front(), part);
  std::vector<CalibrationProfile> profiles;
  const TensorNames in_bodies = body_tensors(given);
  for (const CalibrationProfile& part : given) profiles.push_back(with_tensors(part, in_bodies));
  CalibrationProfile merged = profiles.front();
  merged.stamp.clear();
  for (const CalibrationProfile& part : std::span(profiles).subspan(1)) {
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

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "data/dataset.h"

namespace q8 {

struct SampleSelection {
  std::optional<std::int64_t> count = {};  // at most so many; nothing: all
  std::optional<std::uint64_t> seed = {};  // nothing: spread evenly over the dataset's order
  bool stratified = true;  // take the same number of each class (as far as they go), if labelled
};

// Indices into the dataset, ascending and without repeats; the same on every machine. With a seed,
// which samples are taken is random but fixed by (seed, order of the dataset).
std::vector<std::int64_t> select_samples(const Dataset& dataset, const SampleSelection& selection);

// Part `shard` (from 1) of `shards`: every shards-th of the given indices. The parts are disjoint
// and together they are all. Throws usage_error for a shard outside 1…shards.
std::vector<std::int64_t> shard_of(const std::vector<std::int64_t>& indices, std::int64_t shard,
                                   std::int64_t shards);

// The numbers from 0 to before `count`, those of any beginning spread over all: steps of the golden
// section. Samples come sorted by name, and often by class; who uses only the first ones shall not
// see only the first class.
std::vector<std::int64_t> spread_order(std::int64_t count);

// The indices of the samples whose content is not among the given hashes (Dataset::sha256).
std::vector<std::int64_t> samples_without(const Dataset& dataset,
                                          const std::unordered_set<std::string>& sha256);

}  // namespace q8

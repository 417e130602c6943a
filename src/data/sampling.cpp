#include "data/sampling.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace q8 {
namespace {

// SplitMix64 (Steele, Lea and Flood, 2014): the standard library's distributions differ between
// implementations.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) {  // without bias: the surplus at the top is thrown away
    const std::uint64_t surplus = (0 - limit) % limit;
    std::uint64_t value = next();
    while (value < surplus) value = next();
    return value % limit;
  }

 private:
  std::uint64_t state_;
};

using Indices = std::vector<std::int64_t>;

// `count` of the given, ascending.
Indices take(Indices from, std::int64_t count, Random* random) {
  const std::int64_t size = std::ssize(from);
  if (count >= size) return from;
  Indices taken;
  for (std::int64_t i = 0; i < count; ++i) {
    if (random == nullptr) {
      taken.push_back(from[static_cast<std::size_t>(i * size / count)]);
    } else {  // the first steps of a Fisher–Yates shuffle
      const auto other =
          static_cast<std::size_t>(i) + random->below(static_cast<std::uint64_t>(size - i));
      std::swap(from[static_cast<std::size_t>(i)], from[other]);
      taken.push_back(from[static_cast<std::size_t>(i)]);
    }
  }
  std::ranges::sort(taken);
  return taken;
}

// How many of each group to take so that `count` are taken in all and no group gets more than one
// more than another, unless it has no more. Where not every group can get one more, those that do
// are spread evenly over the groups, or drawn.
std::vector<std::int64_t> quotas(const std::vector<Indices>& groups, std::int64_t count,
                                 Random* random) {
  std::vector<std::int64_t> quota(groups.size(), 0);
  while (count > 0) {
    Indices open;
    for (std::size_t g = 0; g < groups.size(); ++g)
      if (quota[g] < std::ssize(groups[g])) open.push_back(static_cast<std::int64_t>(g));
    if (open.empty()) break;
    const Indices chosen = take(open, count, random);
    for (const std::int64_t g : chosen) ++quota[static_cast<std::size_t>(g)];
    count -= std::ssize(chosen);
  }
  return quota;
}

}  // namespace

std::vector<std::int64_t> select_samples(const Dataset& dataset, const SampleSelection& selection) {
  if (selection.count && *selection.count < 1)
    throw usage_error("the number of samples is " + std::to_string(*selection.count) +
                      ": at least 1 is expected");
  Indices all(static_cast<std::size_t>(dataset.size()));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  const std::int64_t count = selection.count.value_or(dataset.size());
  if (count >= dataset.size()) return all;
  std::optional<Random> random;
  if (selection.seed) random.emplace(*selection.seed);
  Random* source = random ? &*random : nullptr;
  if (!selection.stratified || !dataset.has_labels()) return take(std::move(all), count, source);

  std::map<std::int64_t, Indices> by_class;  // samples without a label are a class of their own
  for (const std::int64_t i : all) by_class[dataset.label(i).value_or(-1)].push_back(i);
  std::vector<Indices> groups;
  for (auto& [label, indices] : by_class) groups.push_back(std::move(indices));
  const auto quota = quotas(groups, count, source);
  Indices taken;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const Indices part = take(std::move(groups[g]), quota[g], source);
    taken.insert(taken.end(), part.begin(), part.end());
  }
  std::ranges::sort(taken);
  return taken;
}

std::vector<std::int64_t> shard_of(const std::vector<std::int64_t>& indices, std::int64_t shard,
                                   std::int64_t shards) {
  if (shards < 1 || shard < 1 || shard > shards)
    throw usage_error("shard " + std::to_string(shard) + "/" + std::to_string(shards) +
                      ": shards count from 1 to their number");
  Indices part;
  for (std::int64_t i = shard - 1; i < std::ssize(indices); i += shards)
    part.push_back(indices[static_cast<std::size_t>(i)]);
  return part;
}

std::vector<std::int64_t> spread_order(std::int64_t count) {
  std::int64_t step = std::max<std::int64_t>(1, count * 633 / 1024);  // 633/1024: golden section
  while (std::gcd(step, count) > 1) ++step;
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < count; ++i) order.push_back(i * step % count);
  return order;
}

std::vector<std::int64_t> samples_without(const Dataset& dataset,
                                          const std::unordered_set<std::string>& sha256) {
  Indices rest;
  for (std::int64_t i = 0; i < dataset.size(); ++i)
    if (!sha256.contains(dataset.sha256(i))) rest.push_back(i);
  return rest;
}

}  // namespace q8

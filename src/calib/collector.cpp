#include "calib/collector.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "calib/block_part.h"
#include "calib/counters.h"
#include "kernels/isa_rows.h"

namespace q8 {
namespace {

// Below so many values a tensor is counted by one thread: waking the others would cost as much.
constexpr std::int64_t kSmall = 32768;
// Below so many they are counted straight into the histogram, one after the other: emptying the
// sub-histograms would cost as much.
constexpr std::int64_t kFew = 4096;

}  // namespace

Oddity find_oddity(std::span<const float> values) {
  Oddity found = Oddity::kNone;
  for (const float x : values) {
    if (std::isnan(x)) return Oddity::kNaN;
    if (!std::isinf(x)) continue;
    if (x > 0) found = Oddity::kPositiveInfinity;
    if (x < 0 && found == Oddity::kNone) found = Oddity::kNegativeInfinity;
  }
  return found;
}

struct StatisticsCollector::Scratch {
  const StatisticsF32Row& kernels;
  std::vector<Counters> counters;  // per part
};

StatisticsCollector::StatisticsCollector(Threads& threads, Isa isa)
    : threads_(threads),
      scratch_(new Scratch{
          .kernels = select(statistics_f32_rows(), isa),
          .counters = std::vector<Counters>(static_cast<std::size_t>(threads.count()))}) {}

StatisticsCollector::~StatisticsCollector() = default;

// Counts what the histogram covers; returns how many values are not zero.
std::uint64_t StatisticsCollector::count(std::span<const float> values, Histogram& histogram) {
  const auto size = static_cast<std::int64_t>(values.size());
  if (size < kFew) return histogram.add(values, scratch_->kernels);
  const std::int64_t parts = parts_of(size);
  std::vector<std::uint64_t> nonzeros(static_cast<std::size_t>(parts));
  threads_.parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const auto from = static_cast<std::size_t>(size * part / parts),
                 to = static_cast<std::size_t>(size * (part + 1) / parts);
      Counters& counters = scratch_->counters[static_cast<std::size_t>(part)];
      counters.begin(histogram);
      std::size_t found = 0;
      for (std::size_t at = from; at < to; at += Counters::kBlock) {
        const auto block = values.subspan(at, std::min(Counters::kBlock, to - at));
        const bool fits = counters.count(scratch_->kernels, block, found);
        Q8_ASSERT(fits);
        nonzeros[static_cast<std::size_t>(part)] += found;
      }
      counters.end();
    }
  });
  flush(parts, histogram);
  return std::accumulate(nonzeros.begin(), nonzeros.end(), std::uint64_t{0});
}

std::int64_t StatisticsCollector::parts_of(std::int64_t size) const {
  return size < kSmall ? 1 : threads_.count();
}

// Adds what the parts counted to the histogram.
void StatisticsCollector::flush(std::int64_t parts, Histogram& histogram) {
  for (std::int64_t p = 0; p < parts; ++p)
    histogram.add_counts(scratch_->counters[static_cast<std::size_t>(p)].counts());
}

StatisticsCollector::Added StatisticsCollector::add(const ValueBlock& block,
                                                    TensorStatistics& statistics) {
  const std::int64_t size = block.size();
  const std::span<const float> values(block.data, static_cast<std::size_t>(size));
  if (size == 0) return {};
  // Where earlier samples have made bins, a piece that fits into them is counted on the spot, while
  // it is in the cache. A histogram does not depend on the order, so the others may come later.
  Histogram& histogram = statistics.histogram;
  const bool at_once = size >= kFew && !histogram.empty() && histogram.first() <= 0;
  std::vector<BlockPart> parts(static_cast<std::size_t>(parts_of(size)));
  look_through_parts(block, at_once ? &histogram : nullptr, parts);
  const BlockPart all = joined(parts);
  if (!all.all_finite) return {.oddity = find_oddity(values), .extrema = {}};

  // Adding +0 turns −0 into +0, whichever of the two the order of values made the extremum.
  const Extrema extrema{all.extrema.minimum + 0.0f, all.extrema.maximum + 0.0f};
  statistics.count += static_cast<std::uint64_t>(size);
  statistics.extrema.include(extrema);
  statistics.channels.merge(channel_extrema(block, all));
  if (at_once) flush(std::ssize(parts), histogram);
  histogram.cover(extrema.minimum, extrema.maximum);
  std::uint64_t nonzeros = all.nonzeros;
  if (!at_once && !extrema.all_zero()) nonzeros = count(values, histogram);
  for (const BlockPart& part : parts)
    for (const std::span<const float> piece : part.late)
      nonzeros += histogram.add(piece, scratch_->kernels);
  statistics.zeros += values.size() - nonzeros;
  return {.oddity = Oddity::kNone, .extrema = extrema};
}

// In parallel; counted where there is a histogram.
void StatisticsCollector::look_through_parts(const ValueBlock& block, const Histogram* histogram,
                                             std::span<BlockPart> parts) {
  const std::int64_t items = items_of(block), count = std::ssize(parts);
  threads_.parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const auto at = static_cast<std::size_t>(p);
      Counters* counters = histogram != nullptr ? &scratch_->counters[at] : nullptr;
      if (counters != nullptr) counters->begin(*histogram);
      parts[at] = look_through(block, items * p / count, items * (p + 1) / count, scratch_->kernels,
                               counters);
      if (counters != nullptr) counters->end();
    }
  });
}

StatisticsCollector::Added StatisticsCollector::add_with_infinities(std::span<const float> values,
                                                                    TensorStatistics& statistics) {
  const Oddity oddity = find_oddity(values);
  if (oddity == Oddity::kNaN || oddity == Oddity::kPositiveInfinity)
    return {.oddity = oddity, .extrema = {}};
  std::vector<float> finite;
  finite.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](float x) { return std::isfinite(x); });
  ChannelExtrema dropped;
  dropped.state = ChannelExtrema::State::kVaries;
  statistics.channels.merge(dropped);
  statistics.negative_infinities += values.size() - finite.size();
  return add({.data = finite.data(), .inner = static_cast<std::int64_t>(finite.size())},
             statistics);
}

}  // namespace q8

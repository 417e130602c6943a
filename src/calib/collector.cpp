#include "calib/collector.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "kernels/isa_rows.h"
#include "kernels/statistics_f32_rows.h"

namespace q8 {
namespace {

// Below so many values a tensor is counted by one thread: waking the others would cost as much.
constexpr std::int64_t kSmall = 32768;
// Below so many they are counted straight into the histogram, one after the other: emptying the
// sub-histograms would cost as much.
constexpr std::int64_t kFew = 4096;
constexpr std::size_t kBlock = 1024;  // values whose bins are found before they are counted: 4 KB
constexpr std::size_t kSlots = Histogram::kMaxBins + 1;

// Runs shorter than this are summarized as columns.
constexpr std::int64_t kShortRun = 32;

// What one thread found in its part of a block.
struct Part {
  Extrema extrema;
  std::uint64_t zeros = 0;
  bool all_finite = true;
  std::vector<float> minimum, maximum;  // per channel, or per channel and inner position
  // Pieces that the histogram did not cover, to be counted when it does.
  std::vector<std::span<const float>> late;

  void include(const SummaryF32& s) {
    extrema.include({s.minimum, s.maximum});
    zeros += s.zeros;
    all_finite = all_finite && s.all_finite;
  }
};

// Where a thread counts what fits into the bins that earlier samples have made. One bin is hit by
// many neighbouring values; two sub-histograms in turn keep the processor from waiting for its own
// stores (four gain no more and fall out of the L1 cache).
class Counters {
 public:
  Counters() : counts_(2 * kSlots) {}

  // Threads empty their own counts, which lie in their cache.
  void begin(const Histogram& histogram) {
    std::fill_n(counts_.begin(), used_, 0u);
    used_ = histogram.counts().size();
    inverse_width_ = std::ldexp(1.0f, -histogram.exponent());
    first_ = histogram.first();
    last_ = first_ + static_cast<std::int32_t>(used_) - 1;
  }

  // At most kBlock values; false where some do not fit: then nothing was counted.
  bool count(const StatisticsF32Row& kernels, std::span<const float> block, std::size_t& found) {
    std::int32_t bins[kBlock + kBinSlack];
    const BinsF32 b = kernels.find_bins(block.data(), block.size(), inverse_width_, bins);
    if (b.lowest < first_ || b.highest > last_) return false;
    found = b.found;
    std::uint32_t *even = counts_.data() - first_, *odd = even + kSlots;
    std::size_t i = 0;
    for (; i + 4 <= found; i += 4) {
      ++even[bins[i]];
      ++odd[bins[i + 1]];
      ++even[bins[i + 2]];
      ++odd[bins[i + 3]];
    }
    for (; i < found; ++i) ++even[bins[i]];
    return true;
  }

  // What does not fit is left for later. Zeros are added to the part, unless someone has counted
  // them already.
  void count_or_leave(const StatisticsF32Row& kernels, std::span<const float> values, Part& part,
                      bool zeros_too) {
    for (std::size_t begin = 0; begin < values.size() && part.all_finite; begin += kBlock) {
      const auto block = values.subspan(begin, std::min(kBlock, values.size() - begin));
      std::size_t found = 0;
      if (count(kernels, block, found)) {
        if (zeros_too) part.zeros += block.size() - found;
        continue;
      }
      SummaryF32 s;
      kernels.summarize(block.data(), block.size(), &s);
      part.all_finite = part.all_finite && s.all_finite;
      if (zeros_too) part.zeros += s.zeros;
      part.late.push_back(block);
    }
  }

  // After the last value: what another thread is to read is half as much then.
  void end() {
    for (std::size_t j = 0; j < used_; ++j) {
      counts_[j] += counts_[kSlots + j];
      counts_[kSlots + j] = 0;
    }
  }
  // After end(): of the histogram's bins.
  std::span<const std::uint32_t> counts() const { return std::span(counts_).first(used_); }

 private:
  std::vector<std::uint32_t> counts_;  // by bin − first: the one sub-histogram, the other
  std::size_t used_ = 0;               // bins that may hold something
  float inverse_width_ = 0;
  std::int32_t first_ = 0, last_ = -1;
};

// Values that are looked at together: 16 KB, so that what reads them next finds them in the nearest
// cache.
constexpr std::int64_t kPiece = 4096;

// All that follow call seen(values, summary) with every piece; what is not finite ends them.

template <typename Seen>
void summarize_pieces(const StatisticsF32Row& kernels, const float* data, std::int64_t begin,
                      std::int64_t end, Part& part, Seen&& seen) {
  for (; begin < end && part.all_finite; begin += kPiece) {
    const std::span<const float> piece(data + begin,
                                       static_cast<std::size_t>(std::min(kPiece, end - begin)));
    SummaryF32 s;
    kernels.summarize(piece.data(), piece.size(), &s);
    part.include(s);
    seen(piece, s);
  }
}

// Channels whose values lie together: run r is channel r % channels.
template <typename Seen>
void summarize_runs(const StatisticsF32Row& kernels, const ValueBlock& block, std::int64_t begin,
                    std::int64_t end, Part& part, Seen&& seen) {
  for (std::int64_t run = begin; run < end && part.all_finite; ++run) {
    const auto c = static_cast<std::size_t>(run % block.channels);
    summarize_pieces(kernels, block.data, run * block.inner, (run + 1) * block.inner, part,
                     [&](std::span<const float> piece, const SummaryF32& s) {
                       part.minimum[c] = std::min(part.minimum[c], s.minimum);
                       part.maximum[c] = std::max(part.maximum[c], s.maximum);
                       seen(piece, s);
                     });
  }
}

// Channels that lie side by side: rows of channels · inner columns.
template <typename Seen>
void summarize_columns(const StatisticsF32Row& kernels, const ValueBlock& block, std::int64_t begin,
                       std::int64_t end, Part& part, Seen&& seen) {
  const std::int64_t columns = block.channels * block.inner;
  const std::int64_t step = std::max<std::int64_t>(1, kPiece / std::max<std::int64_t>(columns, 1));
  for (std::int64_t row = begin; row < end; row += step) {
    const std::int64_t rows = std::min(step, end - row);
    const std::span<const float> piece(block.data + row * columns,
                                       static_cast<std::size_t>(rows * columns));
    SummaryF32 s;
    kernels.summarize(piece.data(), piece.size(), &s);
    part.include(s);
    if (!part.all_finite) return;
    kernels.column_extrema(piece.data(), static_cast<std::size_t>(rows),
                           static_cast<std::size_t>(columns), part.minimum.data(),
                           part.maximum.data());
    seen(piece, s);
  }
}

// The same where values can be counted at once: finding their bins also tells zeros and what is not
// finite, and the extrema of the columns are those of all.
void count_columns(const StatisticsF32Row& kernels, const ValueBlock& block, std::int64_t begin,
                   std::int64_t end, Part& part, Counters& counters) {
  const std::int64_t columns = block.channels * block.inner;
  const std::int64_t step = std::max<std::int64_t>(1, kPiece / std::max<std::int64_t>(columns, 1));
  for (std::int64_t row = begin; row < end && part.all_finite; row += step) {
    const std::int64_t rows = std::min(step, end - row);
    const std::span<const float> piece(block.data + row * columns,
                                       static_cast<std::size_t>(rows * columns));
    kernels.column_extrema(piece.data(), static_cast<std::size_t>(rows),
                           static_cast<std::size_t>(columns), part.minimum.data(),
                           part.maximum.data());
    counters.count_or_leave(kernels, piece, part, true);
  }
  for (std::size_t c = 0; c < part.minimum.size(); ++c)
    part.extrema.include({part.minimum[c], part.maximum[c]});
}

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

void StatisticsCollector::count(std::span<const float> values, Histogram& histogram) {
  const auto size = static_cast<std::int64_t>(values.size());
  if (size < kFew) {
    histogram.add(values, scratch_->kernels);
    return;
  }
  Q8_ASSERT(histogram.first() <= 0);  // as cover() leaves it
  const std::int64_t parts = parts_of(size);
  threads_.parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const auto from = static_cast<std::size_t>(size * part / parts),
                 to = static_cast<std::size_t>(size * (part + 1) / parts);
      Counters& counters = scratch_->counters[static_cast<std::size_t>(part)];
      counters.begin(histogram);
      std::size_t found = 0;
      for (std::size_t at = from; at < to; at += kBlock) {
        const auto block = values.subspan(at, std::min(kBlock, to - at));
        const bool fits = counters.count(scratch_->kernels, block, found);
        Q8_ASSERT(fits);
      }
      counters.end();
    }
  });
  flush(parts, histogram);
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
  const bool has_channels = block.channels > 0, in_columns = block.inner < kShortRun;
  const std::int64_t columns = in_columns ? block.channels * block.inner : block.channels;
  const std::int64_t items =
      !has_channels ? size : (in_columns ? block.outer : block.outer * block.channels);
  const std::int64_t parts = parts_of(size);

  // Where earlier samples have made bins, a piece that fits into them is counted on the spot, while
  // it is in the cache. A histogram does not depend on the order, so the others may come later.
  Histogram& histogram = statistics.histogram;
  const bool at_once = size >= kFew && !histogram.empty() && histogram.first() <= 0;

  std::vector<Part> found(static_cast<std::size_t>(parts));
  threads_.parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      Part& part = found[static_cast<std::size_t>(p)];
      part.minimum.assign(static_cast<std::size_t>(columns), FLT_MAX);
      part.maximum.assign(static_cast<std::size_t>(columns), -FLT_MAX);
      const std::int64_t from = items * p / parts, to = items * (p + 1) / parts;
      const StatisticsF32Row& kernels = scratch_->kernels;
      Counters& counters = scratch_->counters[static_cast<std::size_t>(p)];
      if (at_once) counters.begin(histogram);
      const auto seen = [&](std::span<const float> piece, const SummaryF32& s) {
        if (at_once && s.all_finite) counters.count_or_leave(kernels, piece, part, false);
      };
      if (!has_channels)
        summarize_pieces(kernels, block.data, from, to, part, seen);
      else if (in_columns && at_once)
        count_columns(kernels, block, from, to, part, counters);
      else if (in_columns)
        summarize_columns(kernels, block, from, to, part, seen);
      else
        summarize_runs(kernels, block, from, to, part, seen);
      if (at_once) counters.end();
    }
  });

  Part& all = found.front();
  for (std::size_t p = 1; p < found.size(); ++p) {
    all.extrema.include(found[p].extrema);
    all.zeros += found[p].zeros;
    all.all_finite = all.all_finite && found[p].all_finite;
    for (std::size_t c = 0; c < all.minimum.size(); ++c) {
      all.minimum[c] = std::min(all.minimum[c], found[p].minimum[c]);
      all.maximum[c] = std::max(all.maximum[c], found[p].maximum[c]);
    }
  }
  if (!all.all_finite) return {.oddity = find_oddity(values), .extrema = {}};

  // Adding +0 turns −0 into +0, whichever of the two the order of values made the extremum.
  const Extrema extrema{all.extrema.minimum + 0.0f, all.extrema.maximum + 0.0f};
  ChannelExtrema channels;
  if (has_channels) {
    channels.state = ChannelExtrema::State::kKept;
    channels.axis = block.channel_axis;
    channels.channels.resize(static_cast<std::size_t>(block.channels));
    const std::int64_t width = in_columns ? block.inner : 1;
    for (std::int64_t j = 0; j < columns; ++j)
      channels.channels[static_cast<std::size_t>(j / width)].include(
          {all.minimum[static_cast<std::size_t>(j)] + 0.0f,
           all.maximum[static_cast<std::size_t>(j)] + 0.0f});
  }
  statistics.count += static_cast<std::uint64_t>(size);
  statistics.zeros += all.zeros;
  statistics.extrema.include(extrema);
  statistics.channels.merge(channels);
  if (at_once) flush(parts, histogram);
  histogram.cover(extrema.minimum, extrema.maximum);
  if (!at_once && !histogram.empty()) count(values, histogram);
  for (const Part& part : found)
    for (const std::span<const float> piece : part.late) histogram.add(piece, scratch_->kernels);
  return {.oddity = Oddity::kNone, .extrema = extrema};
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

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calib/counters.h"
#include "calib/statistics.h"
#include "calib/value_block.h"

namespace q8 {

// What one thread finds in its part of a block.
struct BlockPart {
  Extrema extrema;
  bool all_finite = true;      // else nothing else holds
  std::uint64_t nonzeros = 0;  // counted by the counters that look_through() was given
  // One for each of columns_of(block).
  std::vector<float> minimum, maximum;
  // Pieces that the histogram did not cover, to be counted when it does.
  std::vector<std::span<const float>> late;
};

// A block is parted into whole items: values, where it has no channels; the runs of single channels
// where these are long; else rows of all channels.
std::int64_t items_of(const ValueBlock& block);
// What extrema are kept of: channels, or, where these are short runs, places in a row; 0 without
// channels.
std::int64_t columns_of(const ValueBlock& block);

// Looks through the items from `begin` to before `end`, in pieces that fit into the nearest cache.
// With counters (begun), what fits there is counted while it is in the cache; null: nothing is.
BlockPart look_through(const ValueBlock& block, std::int64_t begin, std::int64_t end,
                       const StatisticsF32Row& kernels, Counters* counters);

// The parts of a block as one; `late` stays theirs.
BlockPart joined(std::span<const BlockPart> parts);

// The extrema of the block's channels from those of its columns.
ChannelExtrema channel_extrema(const ValueBlock& block, const BlockPart& whole);

}  // namespace q8

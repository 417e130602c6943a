#include "calib/block_part.h"

#include <algorithm>

namespace q8 {
namespace {

// Runs shorter than this are summarized as columns.
constexpr std::int64_t kShortRun = 32;
// Values that are looked at together: 16 KB, so that what reads them next finds them in the nearest
// cache.
constexpr std::int64_t kPiece = 4096;

bool in_columns(const ValueBlock& block) {
  return block.channels > 0 && block.inner < kShortRun;
}

// Works on one part; what is not finite ends it.
class Looker {
 public:
  Looker(const ValueBlock& block, const StatisticsF32Row& kernels, Counters* counters)
      : block_(block), kernels_(kernels), counters_(counters) {
    const auto columns = static_cast<std::size_t>(columns_of(block));
    part_.minimum.assign(columns, Extrema::kNone);
    part_.maximum.assign(columns, -Extrema::kNone);
  }

  BlockPart look(std::int64_t begin, std::int64_t end) && {
    if (block_.channels == 0)
      values(begin, end, nullptr);
    else if (in_columns(block_))
      rows(begin, end);
    else
      runs(begin, end);
    return std::move(part_);
  }

 private:
  std::span<const float> piece(std::int64_t begin, std::int64_t end) const {
    return {block_.data + begin, static_cast<std::size_t>(end - begin)};
  }

  // Extrema go to the whole and, where there is one, to the channel.
  void values(std::int64_t begin, std::int64_t end, Extrema* channel) {
    for (; begin < end && part_.all_finite; begin += kPiece) {
      const std::span<const float> some = piece(begin, std::min(begin + kPiece, end));
      SummaryF32 s;
      kernels_.summarize(some.data(), some.size(), &s);
      part_.all_finite = s.all_finite;
      part_.extrema.include({s.minimum, s.maximum});
      if (channel != nullptr) channel->include({s.minimum, s.maximum});
      count(some);
    }
  }

  // Channels whose values lie together: run r is of channel r % channels.
  void runs(std::int64_t begin, std::int64_t end) {
    for (std::int64_t run = begin; run < end && part_.all_finite; ++run) {
      const auto c = static_cast<std::size_t>(run % block_.channels);
      Extrema channel{part_.minimum[c], part_.maximum[c]};
      values(run * block_.inner, (run + 1) * block_.inner, &channel);
      part_.minimum[c] = channel.minimum;
      part_.maximum[c] = channel.maximum;
    }
  }

  // Channels that lie side by side: rows of channels · inner columns. The extrema of all values are
  // those of the columns.
  void rows(std::int64_t begin, std::int64_t end) {
    const std::int64_t columns = columns_of(block_);
    const std::int64_t step = std::max<std::int64_t>(1, kPiece / columns);
    for (std::int64_t row = begin; row < end && part_.all_finite; row += step) {
      const std::int64_t past = std::min(row + step, end);
      const std::span<const float> some = piece(row * columns, past * columns);
      part_.all_finite = kernels_.column_extrema(some.data(), static_cast<std::size_t>(past - row),
                                                 static_cast<std::size_t>(columns),
                                                 part_.minimum.data(), part_.maximum.data());
      count(some);
    }
    for (std::size_t c = 0; c < part_.minimum.size(); ++c)
      part_.extrema.include({part_.minimum[c], part_.maximum[c]});
  }

  // What does not fit is left for later.
  void count(std::span<const float> values) {
    if (counters_ == nullptr || !part_.all_finite) return;
    for (std::size_t begin = 0; begin < values.size(); begin += Counters::kBlock) {
      const auto block = values.subspan(begin, std::min(Counters::kBlock, values.size() - begin));
      std::size_t found = 0;
      if (counters_->count(kernels_, block, found))
        part_.nonzeros += found;
      else
        part_.late.push_back(block);
    }
  }

  const ValueBlock& block_;
  const StatisticsF32Row& kernels_;
  Counters* counters_;
  BlockPart part_;
};

}  // namespace

std::int64_t items_of(const ValueBlock& block) {
  if (block.channels == 0) return block.size();
  return in_columns(block) ? block.outer : block.outer * block.channels;
}

std::int64_t columns_of(const ValueBlock& block) {
  return in_columns(block) ? block.channels * block.inner : block.channels;
}

BlockPart look_through(const ValueBlock& block, std::int64_t begin, std::int64_t end,
                       const StatisticsF32Row& kernels, Counters* counters) {
  return Looker(block, kernels, counters).look(begin, end);
}

BlockPart joined(std::span<const BlockPart> parts) {
  BlockPart all{.extrema = {},
                .minimum = parts.front().minimum,
                .maximum = parts.front().maximum,
                .late = {}};
  for (const BlockPart& part : parts) {
    all.extrema.include(part.extrema);
    all.nonzeros += part.nonzeros;
    all.all_finite = all.all_finite && part.all_finite;
    for (std::size_t c = 0; c < all.minimum.size(); ++c) {
      all.minimum[c] = std::min(all.minimum[c], part.minimum[c]);
      all.maximum[c] = std::max(all.maximum[c], part.maximum[c]);
    }
  }
  return all;
}

ChannelExtrema channel_extrema(const ValueBlock& block, const BlockPart& whole) {
  if (block.channels == 0) return {};
  ChannelExtrema kept{.state = ChannelExtrema::State::kKept,
                      .axis = block.channel_axis,
                      .channels = std::vector<Extrema>(static_cast<std::size_t>(block.channels))};
  const std::size_t width = whole.minimum.size() / kept.channels.size();
  std::size_t j = 0;
  for (Extrema& channel : kept.channels)
    for (std::size_t k = 0; k < width; ++k, ++j)
      channel.include({whole.minimum[j] + 0.0f, whole.maximum[j] + 0.0f});
  return kept;
}

}  // namespace q8

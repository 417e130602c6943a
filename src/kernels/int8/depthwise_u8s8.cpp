#include "kernels/int8/depthwise_u8s8.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/indirection.h"
#include "kernels/int8/overflow.h"

namespace q8 {
namespace {

// Pixels of a run: where there are few runs, as many for every thread.
std::int64_t run_length(std::int64_t pixels, std::int64_t images, int threads) {
  constexpr std::int64_t kFewRunsPerThread = 4, kFewestPixels = 8;
  std::int64_t runs = (pixels + kDepthwiseRun - 1) / kDepthwiseRun;
  if (threads > 1 && images * runs < kFewRunsPerThread * threads)
    while (images * runs % threads != 0 && pixels / (runs + 1) >= kFewestPixels) ++runs;
  return runs == 0 ? 1 : (pixels + runs - 1) / runs;
}

}  // namespace

std::optional<DepthwiseWeightsU8S8> DepthwiseWeightsU8S8::pack(
    const DepthwiseU8S8Row& row, const void* data, bool is_signed,
    std::span<const std::int32_t> zero_point, std::int64_t channels, std::int64_t taps) {
  DepthwiseWeightsU8S8 w;
  w.row_ = &row;
  w.channels_ = channels;
  w.taps_ = taps;
  w.stride_ = (channels + 63) / 64 * 64;
  w.data_ = AlignedBuffer<std::int8_t>(static_cast<std::size_t>(taps * w.stride_));
  w.sums_ = AlignedBuffer<std::int32_t>(static_cast<std::size_t>(w.stride_));
  std::fill_n(w.data_.data(), w.data_.size(), std::int8_t{0});
  std::fill_n(w.sums_.data(), w.sums_.size(), 0);
  for (std::int64_t c = 0; c < channels; ++c) {
    const std::int32_t zero =
        zero_point.empty() ? 0
                           : zero_point[zero_point.size() == 1 ? 0 : static_cast<std::size_t>(c)];
    for (std::int64_t t = 0; t < taps; ++t) {
      const std::int64_t at = c * taps + t;
      const std::int32_t value = (is_signed ? static_cast<const std::int8_t*>(data)[at]
                                            : static_cast<const std::uint8_t*>(data)[at]) -
                                 zero;
      if (value < -128 || value > 127) return std::nullopt;
      w.data_[static_cast<std::size_t>(t * w.stride_ + c)] = static_cast<std::int8_t>(value);
      w.sums_[static_cast<std::size_t>(c)] += value;
    }
  }
  return w;
}

EpilogueU8S8 DepthwiseWeightsU8S8::make_epilogue(std::int32_t input_zero_point,
                                                 const OutputU8S8& output) const {
  return EpilogueU8S8(EpilogueU8S8::Columns{.n = channels_,
                                            .padded = stride_,
                                            .depth = taps_,
                                            .sum = sums_.data(),
                                            .zero_point = nullptr},
                      input_zero_point, output);
}

std::int64_t DepthwiseWeightsU8S8::largest_sum() const {
  std::int64_t largest = 0;
  for (std::int64_t c = 0; c < channels_; ++c) {
    std::int64_t up = 0, down = 0;
    for (std::int64_t t = 0; t < taps_; ++t) {
      const std::int64_t w = data_[static_cast<std::size_t>(t * stride_ + c)];
      (w > 0 ? up : down) += 255 * w;
    }
    largest = std::max({largest, up, -down});
  }
  return largest;
}

void DepthwiseWeightsU8S8::run(const ConvGeometry& g, const std::uint8_t* input,
                               std::int32_t input_zero_point, const EpilogueU8S8& epilogue,
                               void* out, Threads& threads) const {
  constexpr std::int64_t kRun = kDepthwiseRun;
  const std::int64_t pixels = product(g.output());
  const std::int64_t input_bytes = product(g.input) * channels_;
  const std::int64_t most = run_length(pixels, g.batch, threads.count());
  const std::int64_t runs = (pixels + most - 1) / most;
  const Indirection indirection(g, channels_);
  const std::vector<std::uint8_t> padding(static_cast<std::size_t>(channels_),
                                          static_cast<std::uint8_t>(input_zero_point));
  threads.parallel_for(g.batch * runs, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<const std::byte*> rows(static_cast<std::size_t>(taps_ * kRun));
    AlignedBuffer<std::int8_t> scratch(static_cast<std::size_t>(depthwise_scratch_bytes(taps_)));
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t image = r / runs;
      const std::int64_t first = r % runs * most;
      const std::int64_t count = std::min(most, pixels - first);
      indirection.fill(reinterpret_cast<const std::byte*>(input + image * input_bytes),
                       reinterpret_cast<const std::byte*>(padding.data()), first, count, kRun,
                       rows.data());
      for (std::int64_t tap = 0; tap < taps_; ++tap)
        std::fill_n(rows.data() + tap * kRun + count, (4 - count % 4) % 4,
                    reinterpret_cast<const std::byte*>(padding.data()));
      DepthwiseU8S8Tile tile{};
      tile.rows = reinterpret_cast<const std::uint8_t* const*>(rows.data());
      tile.taps = taps_;
      tile.pixels = count;
      tile.channels = channels_;
      tile.weights = data_.data();
      tile.weight_stride = stride_;
      tile.out = static_cast<char*>(out) +
                 (image * pixels + first) * channels_ * element_bytes(epilogue.kind());
      tile.out_stride = channels_;
      tile.scratch = scratch.data();
      epilogue.fill(tile, 0);
      row_->tile(tile);
      epilogue.look_up(tile, count, channels_);
      if (row_->overflow != nullptr) row_->overflow->add(count_overflow(tile));
    }
  });
}

}  // namespace q8

#include "kernels/f32/conv_rows.h"

#include <algorithm>
#include <cstddef>

#include "kernels/f32/indirect_gemm.h"

namespace q8 {
namespace {

// Kernel rows become taps (kernel width · channels long) where a pixel alone is too short a run for
// the inner loop; the price is a padded copy of the input.
constexpr std::int64_t kShortPixel = 8;

bool takes_kernel_rows(const ConvGeometry& g) {
  return g.groups == 1 && g.in_channels <= kShortPixel && g.kernel[2] > 1 && g.dilation[2] == 1;
}

Spatial padded_size(const ConvGeometry& g) {
  Spatial size = g.input;
  for (std::size_t d = 0; d < 3; ++d) size[d] += g.pad_begin[d] + g.pad_end[d];
  return size;
}

// The input with its padding, as an image of its own.
AlignedBuffer<float> padded_input(const ConvGeometry& g, const float* in, Threads& threads) {
  const Spatial size = padded_size(g);
  const std::int64_t channels = g.in_channels, row = size[2] * channels;
  AlignedBuffer<float> padded(static_cast<std::size_t>(g.batch * product(size) * channels));
  threads.parallel_for(g.batch * size[0] * size[1], 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      float* out = padded.data() + i * row;
      const std::int64_t y = i % size[1] - g.pad_begin[1];
      const std::int64_t z = i / size[1] % size[0] - g.pad_begin[0];
      const std::int64_t image = i / size[1] / size[0];
      if (y < 0 || y >= g.input[1] || z < 0 || z >= g.input[0]) {
        std::fill_n(out, row, 0.0f);
        continue;
      }
      const float* from = in + ((image * g.input[0] + z) * g.input[1] + y) * g.input[2] * channels;
      out = std::fill_n(out, g.pad_begin[2] * channels, 0.0f);
      out = std::copy_n(from, g.input[2] * channels, out);
      std::fill_n(out, g.pad_end[2] * channels, 0.0f);
    }
  });
  return padded;
}

// The same taps, of which those along a line are one. The output has the same width as before.
ConvGeometry with_kernel_rows(ConvGeometry g) {
  g.pad_end[2] -= g.kernel[2] - 1;
  g.kernel[2] = 1;
  return g;
}

// What is read through the pointers of `taps_`.
ConvGeometry geometry_read(const ConvGeometry& g) {
  if (!takes_kernel_rows(g)) return g;
  ConvGeometry padded = g;
  padded.input = padded_size(g);
  padded.pad_begin = padded.pad_end = {0, 0, 0};
  return with_kernel_rows(padded);
}

std::int64_t pixel_bytes(const ConvGeometry& g) {
  return g.in_channels * std::int64_t{sizeof(float)};
}

}  // namespace

PackedF32 pack_conv_f32(const GemmF32Row& row, const ConvGeometry& g, const float* weights) {
  const std::int64_t taps = g.taps(), channels = g.in_channels_per_group();
  PackedF32 packed(row, {.data = weights,
                         .taps = taps,
                         .channels = channels,
                         .columns = g.out_channels_per_group(),
                         .tap_stride = 1,
                         .channel_stride = taps,
                         .column_stride = channels * taps});
  if (takes_kernel_rows(g)) packed.merge_taps(g.kernel[2]);
  return packed;
}

// Where no tap along a line is padding, a kernel row is one run of memory: fewer pointers.
ConvRowsF32::ConvRowsF32(const ConvGeometry& g, const PackedF32& weights, const float* in,
                         Threads& threads)
    : geometry_(geometry_read(g)),
      padded_(takes_kernel_rows(g) ? padded_input(g, in, threads) : AlignedBuffer<float>()),
      in_(takes_kernel_rows(g) ? padded_.data() : in),
      taps_(geometry_, pixel_bytes(g)),
      kernel_rows_(with_kernel_rows(geometry_), pixel_bytes(g)),
      joins_(geometry_.kernel[2] > 1 && g.dilation[2] == 1 && g.groups == 1 &&
             depth_blocks(weights.taps(), weights.channels()).size() == 1),
      padding_(static_cast<std::size_t>(g.kernel[2] * g.in_channels), 0.0f) {}

std::int64_t ConvRowsF32::fill(std::int64_t image, std::int64_t first, std::int64_t count,
                               std::int64_t leading, const float** rows) const {
  const auto bytes = [](const float* p) { return reinterpret_cast<const std::byte*>(p); };
  const bool is_joined = joins_ && taps_.lines_inside(first, count);
  (is_joined ? kernel_rows_ : taps_)
      .fill(bytes(in_ + image * product(geometry_.input) * geometry_.in_channels),
            bytes(padding_.data()), first, count, leading,
            reinterpret_cast<const std::byte**>(rows));
  return is_joined ? geometry_.kernel[2] : 1;
}

}  // namespace q8

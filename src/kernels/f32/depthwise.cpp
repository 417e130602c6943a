#include "kernels/f32/depthwise.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace q8 {
namespace {

class Lines {
 public:
  Lines(const DepthwiseF32Row& row, const DepthwiseF32& conv)
      : row_(row),
        conv_(conv),
        geometry_(conv.geometry),
        size_(geometry_.output()),
        channels_(geometry_.in_channels) {}

  std::int64_t count() const { return geometry_.batch * size_[0] * size_[1]; }

  // How many channels at a time keep the input lines of an output line in L1 while it moves on: 24
  // of its 32 KB. Whole vectors, and no fewer than a cache line.
  std::int64_t channels_at_a_time() const {
    const std::int64_t fit = 24 * 1024 / (4 * kernel_rows() * width());
    return std::clamp<std::int64_t>(fit / 16 * 16, 16, std::max<std::int64_t>(16, channels_));
  }

  // How many lines, so that what a pass over some of the channels leaves is still in L2 for the
  // next.
  std::int64_t lines_at_a_time() const {
    const std::int64_t line = 4 * width() * channels_ * geometry_.stride[1];
    return std::max<std::int64_t>(4, 256 * 1024 / line);
  }

  void run(std::int64_t begin, std::int64_t end) const {
    std::vector<const float*> rows(static_cast<std::size_t>(kernel_rows()));
    const std::int64_t step = channels_at_a_time(), lines = lines_at_a_time();
    for (std::int64_t first = begin; first < end; first += lines) {
      const std::int64_t last = std::min(end, first + lines);
      for (std::int64_t c = 0; c < channels_; c += step)
        for (std::int64_t line = first; line < last; ++line) {
          find_rows(line, rows);
          run_line(line, c, std::min(step, channels_ - c), rows);
        }
      then(first, last);
    }
  }

 private:
  // An empty image has outputs too, of padding alone.
  std::int64_t width() const { return std::max<std::int64_t>(1, geometry_.input[2]); }
  std::int64_t kernel_rows() const { return geometry_.kernel[0] * geometry_.kernel[1]; }
  std::int64_t lines_per_image() const { return size_[0] * size_[1]; }
  void find_rows(std::int64_t line, std::vector<const float*>& rows) const {
    const ConvGeometry& g = geometry_;
    const std::int64_t z = line % lines_per_image() / size_[1] * g.stride[0] - g.pad_begin[0];
    const std::int64_t y = line % size_[1] * g.stride[1] - g.pad_begin[1];
    const float* image = conv_.in + line / lines_per_image() * product(geometry_.input) * channels_;
    for (std::int64_t r = 0; r < kernel_rows(); ++r) {
      const std::int64_t iz = z + r / g.kernel[1] * g.dilation[0];
      const std::int64_t iy = y + r % g.kernel[1] * g.dilation[1];
      const bool is_inside = iz >= 0 && iz < g.input[0] && iy >= 0 && iy < g.input[1];
      rows[static_cast<std::size_t>(r)] =
          is_inside ? image + (iz * g.input[1] + iy) * g.input[2] * channels_ : nullptr;
    }
  }

  void run_line(std::int64_t line, std::int64_t offset, std::int64_t channels,
                const std::vector<const float*>& rows) const {
    const ConvGeometry& g = geometry_;
    const std::int64_t first = line * size_[2] * conv_.out_stride;
    row_.line({.rows = rows.data(),
               .kernel_rows = kernel_rows(),
               .kernel_width = g.kernel[2],
               .stride = g.stride[2],
               .dilation = g.dilation[2],
               .pad = g.pad_begin[2],
               .in_pixels = g.input[2],
               .pixels = size_[2],
               .offset = offset,
               .channels = channels,
               .in_stride = channels_,
               .weight_stride = conv_.weight_stride,
               .out_stride = conv_.out_stride,
               .weights = conv_.weights,
               .bias = conv_.bias,
               .residual = conv_.residual == nullptr ? nullptr : conv_.residual + first,
               .out = conv_.out + first,
               .lo = conv_.lo,
               .hi = conv_.hi});
  }

  // The function behind the clamp, on the lines [first, last).
  void then(std::int64_t first, std::int64_t last) const {
    float* out = conv_.out + first * size_[2] * conv_.out_stride;
    const std::int64_t pixels = (last - first) * size_[2];
    if (conv_.then.function == nullptr) return;
    if (channels_ == conv_.out_stride) return conv_.then(out, pixels * channels_);
    for (std::int64_t i = 0; i < pixels; ++i) conv_.then(out + i * conv_.out_stride, channels_);
  }

  const DepthwiseF32Row& row_;
  const DepthwiseF32& conv_;
  const ConvGeometry& geometry_;
  Spatial size_;
  std::int64_t channels_;
};

}  // namespace

AlignedBuffer<float> pack_depthwise_f32(const ConvGeometry& g, const float* weights) {
  const std::int64_t taps = g.taps(), channels = g.out_channels;
  AlignedBuffer<float> packed(static_cast<std::size_t>(taps * channels));
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t tap = 0; tap < taps; ++tap)
      packed[static_cast<std::size_t>(tap * channels + c)] = weights[c * taps + tap];
  return packed;
}

void run_depthwise_f32(const DepthwiseF32Row& row, const DepthwiseF32& conv, Threads& threads) {
  const Lines lines(row, conv);
  threads.parallel_for(lines.count(), 4,
                       [&](std::int64_t begin, std::int64_t end) { lines.run(begin, end); });
}

}  // namespace q8

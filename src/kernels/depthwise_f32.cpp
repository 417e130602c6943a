#include "kernels/depthwise_f32.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/indirection.h"

namespace q8 {
namespace {

// The lines of one output are computed in the middle, where no tap is padding in the line's
// direction, by the line kernel, and at their ends by the tile kernel.
class Lines {
 public:
  Lines(const DepthwiseF32Row& row, const DepthwiseF32& conv)
      : row_(row),
        conv_(conv),
        geometry_(conv.geometry),
        size_(geometry_.output()),
        channels_(geometry_.in_channels),
        indirection_(geometry_, channels_ * std::int64_t{sizeof(float)}),
        padding_(static_cast<std::size_t>(geometry_.input[2] * channels_), 0.0f) {
    const ConvGeometry& g = geometry_;
    const std::int64_t last = g.input[2] - 1 - g.dilation[2] * (g.kernel[2] - 1) + g.pad_begin[2];
    inside_begin_ = std::min(size_[2], (g.pad_begin[2] + g.stride[2] - 1) / g.stride[2]);
    inside_end_ =
        last < 0 ? inside_begin_ : std::clamp(last / g.stride[2] + 1, inside_begin_, size_[2]);
  }

  std::int64_t count() const { return geometry_.batch * size_[0] * size_[1]; }

  // How many channels at a time keep the input lines of an output line in L1 while it moves on: 24
  // of its 32 KB. Whole vectors, and no fewer than a cache line.
  std::int64_t channels_at_a_time() const {
    const std::int64_t fit = 24 * 1024 / (4 * kernel_rows() * geometry_.input[2]);
    return std::clamp<std::int64_t>(fit / 16 * 16, 16, std::max<std::int64_t>(16, channels_));
  }

  // How many lines, so that what a pass over some of the channels leaves is still in L2 for the
  // next.
  std::int64_t lines_at_a_time() const {
    const std::int64_t line = 4 * geometry_.input[2] * channels_ * geometry_.stride[1];
    return std::max<std::int64_t>(4, 256 * 1024 / line);
  }

  void run(std::int64_t begin, std::int64_t end) const {
    std::vector<const float*> rows(static_cast<std::size_t>(geometry_.taps() * size_[2]));
    const std::int64_t step = channels_at_a_time(), lines = lines_at_a_time();
    for (std::int64_t first = begin; first < end; first += lines) {
      const std::int64_t last = std::min(end, first + lines);
      for (std::int64_t c = 0; c < channels_; c += step)
        for (std::int64_t line = first; line < last; ++line) {
          const Part part{line, c, std::min(step, channels_ - c)};
          ends(part, 0, inside_begin_, rows);
          ends(part, inside_end_, size_[2], rows);
          middle(part, rows);
        }
      conv_.then(conv_.out + at(first, 0), at(last, 0) - at(first, 0));
    }
  }

 private:
  struct Part {
    std::int64_t line, offset, channels;
  };

  std::int64_t kernel_rows() const { return geometry_.kernel[0] * geometry_.kernel[1]; }
  std::int64_t lines_per_image() const { return size_[0] * size_[1]; }
  std::int64_t at(std::int64_t line, std::int64_t x) const {
    return (line * size_[2] + x) * channels_;
  }
  const float* image(std::int64_t line) const {
    return conv_.in + line / lines_per_image() * product(geometry_.input) * channels_;
  }

  void ends(const Part& p, std::int64_t from, std::int64_t to,
            std::vector<const float*>& rows) const {
    if (from == to) return;
    indirection_.fill(reinterpret_cast<const std::byte*>(image(p.line)),
                      reinterpret_cast<const std::byte*>(padding_.data()),
                      p.line % lines_per_image() * size_[2] + from, to - from, to - from,
                      reinterpret_cast<const std::byte**>(rows.data()));
    row_.tile({.rows = rows.data(),
               .leading = to - from,
               .pixels = to - from,
               .taps = geometry_.taps(),
               .offset = p.offset,
               .channels = p.channels,
               .pixel_stride = channels_,
               .weights = conv_.weights,
               .bias = conv_.bias,
               .residual = conv_.residual == nullptr ? nullptr : conv_.residual + at(p.line, from),
               .out = conv_.out + at(p.line, from),
               .lo = conv_.lo,
               .hi = conv_.hi});
  }

  void middle(const Part& p, std::vector<const float*>& rows) const {
    if (inside_begin_ == inside_end_) return;
    const ConvGeometry& g = geometry_;
    const std::int64_t z = p.line % lines_per_image() / size_[1] * g.stride[0] - g.pad_begin[0];
    const std::int64_t y = p.line % size_[1] * g.stride[1] - g.pad_begin[1];
    const std::int64_t x = inside_begin_ * g.stride[2] - g.pad_begin[2];
    for (std::int64_t r = 0; r < kernel_rows(); ++r) {
      const std::int64_t iz = z + r / g.kernel[1] * g.dilation[0];
      const std::int64_t iy = y + r % g.kernel[1] * g.dilation[1];
      const bool is_inside = iz >= 0 && iz < g.input[0] && iy >= 0 && iy < g.input[1];
      const float* line = is_inside
                              ? image(p.line) + (iz * g.input[1] + iy) * g.input[2] * channels_
                              : padding_.data();
      rows[static_cast<std::size_t>(r)] = line + x * channels_;
    }
    row_.line({.rows = rows.data(),
               .kernel_rows = kernel_rows(),
               .kernel_width = g.kernel[2],
               .stride = g.stride[2],
               .dilation = g.dilation[2],
               .pixels = inside_end_ - inside_begin_,
               .offset = p.offset,
               .channels = p.channels,
               .pixel_stride = channels_,
               .weights = conv_.weights,
               .bias = conv_.bias,
               .residual =
                   conv_.residual == nullptr ? nullptr : conv_.residual + at(p.line, inside_begin_),
               .out = conv_.out + at(p.line, inside_begin_),
               .lo = conv_.lo,
               .hi = conv_.hi});
  }

  const DepthwiseF32Row& row_;
  const DepthwiseF32& conv_;
  const ConvGeometry& geometry_;
  Spatial size_;
  std::int64_t channels_;
  Indirection indirection_;
  std::vector<float> padding_;  // a line of zeros
  std::int64_t inside_begin_, inside_end_;
};

}  // namespace

void run_depthwise_f32(const DepthwiseF32Row& row, const DepthwiseF32& conv, Threads& threads) {
  const Lines lines(row, conv);
  threads.parallel_for(lines.count(), 4,
                       [&](std::int64_t begin, std::int64_t end) { lines.run(begin, end); });
}

}  // namespace q8

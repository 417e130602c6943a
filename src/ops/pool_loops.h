#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "base/threads.h"
#include "ops/window.h"

namespace q8 {

// The input positions that one window reads along one axis: first, first + dilation, … `count` of
// them; `padded_count` with those in the padding (but not those behind it).
struct AxisTaps {
  std::int64_t first, count, padded_count;
};

// For each output position of each axis.
inline std::array<std::vector<AxisTaps>, 3> window_taps(const Window& w) {
  std::array<std::vector<AxisTaps>, 3> taps;
  for (std::size_t axis = 0; axis < taps.size(); ++axis) {
    const std::int64_t dilation = w.dilation[axis];
    // How many of the kernel's taps from `start` on lie before `limit`.
    const auto before = [&](std::int64_t start, std::int64_t limit) {
      return limit <= start ? 0
                            : std::min(w.kernel[axis], (limit - start + dilation - 1) / dilation);
    };
    for (std::int64_t o = 0; o < w.output[axis]; ++o) {
      const std::int64_t start = o * w.stride[axis] - w.pad_begin[axis];
      const std::int64_t skipped = before(start, 0);
      taps[axis].push_back({start + skipped * dilation,
                            std::max<std::int64_t>(0, before(start, w.input[axis]) - skipped),
                            before(start, w.input[axis] + w.pad_end[axis])});
    }
  }
  return taps;
}

// One pool over a tensor of `outer` images with `inner` values at each pixel: planes of single
// values (channels first: outer = N·C, inner = 1) or rows of channels (channels last: outer = N).
//   Reducer::start()            the value of an empty window
//   Reducer::take(acc, x)       with one more element
//   Reducer::join(acc, acc)     of two parts of a window
//   Reducer::finish(acc, taps)  taps: elements read, or with padding where count_padding
// The order of operations is fixed, so results do not depend on the threads.
template <typename T, typename Reducer>
class PoolLoops {
 public:
  PoolLoops(const Window& window, std::int64_t outer, std::int64_t inner, const Reducer& reducer,
            bool count_padding)
      : w_(window),
        taps_(window_taps(window)),
        outer_(outer),
        inner_(inner),
        reducer_(reducer),
        count_padding_(count_padding) {}

  void run(const T* x, T* y, Threads& threads) const {
    const std::int64_t rows = outer_ * w_.output[0] * w_.output[1];
    const std::int64_t work = w_.output[2] * inner_ * product(w_.kernel);
    threads.parallel_for(rows, std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(work, 1)),
                         [&](std::int64_t begin, std::int64_t end) {
                           std::vector<T> column(static_cast<std::size_t>(w_.input[2]));
                           for (std::int64_t row = begin; row < end; ++row)
                             if (inner_ == 1)
                               plane_row(x, y, row, column.data());
                             else
                               channel_row(x, y, row);
                         });
  }

 private:
  struct RowTaps {
    std::int64_t image;  // of outer
    AxisTaps depth, height;
  };
  RowTaps row_taps(std::int64_t row) const {
    const std::int64_t oh = row % w_.output[1], rest = row / w_.output[1];
    return {rest / w_.output[0], taps_[0][static_cast<std::size_t>(rest % w_.output[0])],
            taps_[1][static_cast<std::size_t>(oh)]};
  }
  std::int64_t count(const RowTaps& r, const AxisTaps& width) const {
    return count_padding_ ? r.depth.padded_count * r.height.padded_count * width.padded_count
                          : r.depth.count * r.height.count * width.count;
  }

  // Calls function(pixel) with the index of the first pixel of every input row that is read.
  template <typename Function>
  void for_rows(const RowTaps& r, const Function& function) const {
    for (std::int64_t d = 0; d < r.depth.count; ++d)
      for (std::int64_t h = 0; h < r.height.count; ++h)
        function(((r.image * w_.input[0] + r.depth.first + d * w_.dilation[0]) * w_.input[1] +
                  r.height.first + h * w_.dilation[1]) *
                 w_.input[2]);
  }

  // First down the columns, which is contiguous, then across.
  void plane_row(const T* x, T* y, std::int64_t row, T* column) const {
    const RowTaps r = row_taps(row);
    std::fill_n(column, w_.input[2], reducer_.start());
    for_rows(r, [&](std::int64_t pixel) {
      for (std::int64_t i = 0; i < w_.input[2]; ++i)
        column[i] = reducer_.take(column[i], x[pixel + i]);
    });
    T* out = y + row * w_.output[2];
    for (std::int64_t ow = 0; ow < w_.output[2]; ++ow) {
      const AxisTaps& width = taps_[2][static_cast<std::size_t>(ow)];
      T acc = reducer_.start();
      for (std::int64_t k = 0; k < width.count; ++k)
        acc = reducer_.join(acc, column[width.first + k * w_.dilation[2]]);
      out[ow] = reducer_.finish(acc, count(r, width));
    }
  }

  void channel_row(const T* x, T* y, std::int64_t row) const {
    const RowTaps r = row_taps(row);
    for (std::int64_t ow = 0; ow < w_.output[2]; ++ow) {
      const AxisTaps& width = taps_[2][static_cast<std::size_t>(ow)];
      T* out = y + (row * w_.output[2] + ow) * inner_;
      std::fill_n(out, inner_, reducer_.start());
      for_rows(r, [&](std::int64_t pixel) {
        for (std::int64_t k = 0; k < width.count; ++k) {
          const T* in = x + (pixel + width.first + k * w_.dilation[2]) * inner_;
          for (std::int64_t c = 0; c < inner_; ++c) out[c] = reducer_.take(out[c], in[c]);
        }
      });
      const std::int64_t taps = count(r, width);
      for (std::int64_t c = 0; c < inner_; ++c) out[c] = reducer_.finish(out[c], taps);
    }
  }

  Window w_;
  std::array<std::vector<AxisTaps>, 3> taps_;
  std::int64_t outer_, inner_;
  Reducer reducer_;
  bool count_padding_;
};

}  // namespace q8

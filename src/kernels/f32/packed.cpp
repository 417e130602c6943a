#include "kernels/f32/packed.h"

#include <algorithm>
#include <cstddef>

#include "kernels/isa_rows.h"
#include "kernels/transpose_rows.h"

namespace q8 {

MatrixF32 matrix_f32(const float* data, std::int64_t k, std::int64_t n, std::int64_t stride,
                     bool is_transposed) {
  return {.data = data,
          .channels = k,
          .columns = n,
          .channel_stride = is_transposed ? 1 : stride,
          .column_stride = is_transposed ? stride : 1};
}

namespace {

// A panel whose columns each lie in one run of memory, [channel][tap], is a transposed matrix: by
// the transpose kernel, and where there are several taps by way of a piece of scratch memory that
// stays in L1, for the panel has its taps outside.
class ColumnRuns {
 public:
  ColumnRuns(const GemmF32Row& row, const MatrixF32& matrix)
      : m_(matrix),
        nr_(row.nr),
        transpose_(select(transpose_rows(), row.isa).bytes4),
        channels_at_once_(matrix.taps == 1 ? matrix.channels : (64 + matrix.taps) / matrix.taps),
        scratch_(matrix.taps == 1
                     ? 0
                     : static_cast<std::size_t>(channels_at_once_ * matrix.taps * row.nr)) {}

  static bool fits(const MatrixF32& m) {
    return m.column_stride != 1 && m.channel_stride == m.taps && (m.taps == 1 || m.tap_stride == 1);
  }

  // The panel that begins at column `first`.
  void pack(std::int64_t first, std::int64_t columns, float* panel) {
    if (columns < nr_) std::fill_n(panel, m_.taps * m_.channels * nr_, 0.0f);
    for (std::int64_t c = 0; c < m_.channels; c += channels_at_once_) {
      const std::int64_t count = std::min(channels_at_once_, m_.channels - c);
      const float* in = m_.data + first * m_.column_stride + c * m_.taps;
      float* out = m_.taps == 1 ? panel : scratch_.data();
      transpose_(in, m_.column_stride, out, nr_, columns, count * m_.taps);
      if (m_.taps == 1) return;
      for (std::int64_t tap = 0; tap < m_.taps; ++tap)
        for (std::int64_t i = 0; i < count; ++i)
          std::copy_n(out + (i * m_.taps + tap) * nr_, columns,
                      panel + (tap * m_.channels + c + i) * nr_);
    }
  }

 private:
  const MatrixF32& m_;
  std::int64_t nr_;
  TransposeFunction transpose_;
  std::int64_t channels_at_once_;
  AlignedBuffer<float> scratch_;
};

}  // namespace

PackedF32::PackedF32(const GemmF32Row& row, std::int64_t taps, std::int64_t channels,
                     std::int64_t columns)
    : row_(&row), taps_(taps), channels_(channels), n_(columns) {
  data_ = AlignedBuffer<float>(static_cast<std::size_t>(panels() * panel_stride()));
}

PackedF32::PackedF32(const GemmF32Row& row, const MatrixF32& m)
    : PackedF32(row, m.taps, m.channels, m.columns) {
  const std::int64_t nr = row.nr;
  float* out = data_.data();
  if (ColumnRuns::fits(m)) {
    ColumnRuns runs(row, m);
    for (std::int64_t first = 0; first < n_; first += nr, out += panel_stride())
      runs.pack(first, std::min(nr, n_ - first), out);
    return;
  }
  for (std::int64_t first = 0; first < n_; first += nr) {
    const std::int64_t columns = std::min(nr, n_ - first);
    for (std::int64_t tap = 0; tap < taps_; ++tap) {
      const float* in = m.data + tap * m.tap_stride + first * m.column_stride;
      for (std::int64_t c = 0; c < channels_; ++c, in += m.channel_stride, out += nr) {
        if (m.column_stride == 1)
          std::copy_n(in, columns, out);
        else
          for (std::int64_t j = 0; j < columns; ++j) out[j] = in[j * m.column_stride];
        std::fill(out + columns, out + nr, 0.0f);
      }
    }
  }
}

}  // namespace q8

#include "kernels/packed_f32.h"

#include <algorithm>
#include <cstddef>

namespace q8 {

MatrixF32 matrix_f32(const float* data, std::int64_t k, std::int64_t n, std::int64_t stride,
                     bool is_transposed) {
  return {.data = data,
          .channels = k,
          .columns = n,
          .channel_stride = is_transposed ? 1 : stride,
          .column_stride = is_transposed ? stride : 1};
}

PackedF32::PackedF32(const GemmF32Row& row, const MatrixF32& m)
    : row_(&row), taps_(m.taps), channels_(m.channels), n_(m.columns) {
  const std::int64_t nr = row.nr;
  data_ = AlignedBuffer<float>(static_cast<std::size_t>(panels() * panel_stride()));
  float* out = data_.data();
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

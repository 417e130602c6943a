#pragma once

#include <cstdint>

#include "kernels/aligned_buffer.h"
#include "kernels/f32/gemm_rows.h"

namespace q8 {

// The right-hand side of a product as it lies in memory. k = tap · channels + channel:
//   B[k][j] = data[tap · tap_stride + channel · channel_stride + j · column_stride]
// A plain matrix has one tap.
struct MatrixF32 {
  const float* data = nullptr;
  std::int64_t taps = 1, channels = 0, columns = 0;
  std::int64_t tap_stride = 0, channel_stride = 0, column_stride = 1;
};

// B [k, n], row-major with rows `stride` apart; is_transposed: stored as [n, k].
MatrixF32 matrix_f32(const float* data, std::int64_t k, std::int64_t n, std::int64_t stride,
                     bool is_transposed = false);

// B copied into panels of NR columns, [⌈n/NR⌉][k][NR], the last one filled with zeros: what the
// tiles of one kernel row read.
class PackedF32 {
 public:
  PackedF32() = default;
  PackedF32(const GemmF32Row& row, const MatrixF32& matrix);
  // Of that size, to be filled by panel().
  PackedF32(const GemmF32Row& row, std::int64_t taps, std::int64_t channels, std::int64_t columns);

  // The same numbers seen as fewer taps, each of `count` old ones.
  void merge_taps(std::int64_t count) {
    taps_ /= count;
    channels_ *= count;
  }

  std::int64_t taps() const { return taps_; }
  std::int64_t channels() const { return channels_; }
  std::int64_t k() const { return taps_ * channels_; }
  std::int64_t n() const { return n_; }
  std::int64_t panels() const { return (n_ + row_->nr - 1) / row_->nr; }
  std::int64_t panel_stride() const { return k() * row_->nr; }
  const float* panel(std::int64_t index) const { return data_.data() + index * panel_stride(); }
  float* panel(std::int64_t index) { return data_.data() + index * panel_stride(); }
  const GemmF32Row& row() const { return *row_; }

 private:
  const GemmF32Row* row_ = nullptr;
  std::int64_t taps_ = 0, channels_ = 0, n_ = 0;
  AlignedBuffer<float> data_;
};

}  // namespace q8

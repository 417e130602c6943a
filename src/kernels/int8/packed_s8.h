#pragma once

#include <cstdint>
#include <span>

#include "kernels/aligned_buffer.h"
#include "kernels/int8/gemm_u8s8_rows.h"

namespace q8 {

// The right-hand side of a product as a model holds it: element (tap, k, n) is
// data[tap · stride_tap + k · stride_k + n · stride_n]. A matrix has one tap.
struct WeightsView {
  const void* data = nullptr;
  bool is_signed = true;  // s8, else u8
  std::int64_t taps = 1, k = 0, n = 0;
  std::int64_t stride_tap = 0, stride_k = 0, stride_n = 0;
  std::span<const std::int32_t> zero_point = {};  // empty: 0; else one, or one per column n
};

// Weights in the order in which the tiles read them, [n/NR][taps][k/4][NR][4], zeros where k or n
// end before. u8 weights are held as s8 with their zero points lowered by 128.
class PackedS8 {
 public:
  PackedS8() = default;
  // The row is kept by reference.
  PackedS8(const GemmU8S8Row& row, const WeightsView& weights);

  const GemmU8S8Row& row() const { return *row_; }
  std::int64_t taps() const { return taps_; }
  std::int64_t k() const { return k_; }  // per tap
  std::int64_t k4() const { return (k_ + 3) / 4; }
  std::int64_t n() const { return n_; }
  std::int64_t panels() const { return (n_ + row_->nr - 1) / row_->nr; }
  std::int64_t panel_bytes() const { return taps_ * k4() * row_->nr * 4; }
  const std::int8_t* panel(std::int64_t p) const { return data_.data() + p * panel_bytes(); }

  // Per column, padded with zeros to whole panels.
  const std::int32_t* column_sum() const { return column_sum_.data(); }
  const std::int32_t* zero_point() const { return zero_point_.data(); }
  bool has_zero_point() const { return has_zero_point_; }

  // The largest |sum| that u8 inputs can give in any column, bias and zero points aside. Above
  // 2³¹ − 1 the s32 sums may wrap around, as they do in other runtimes. Reads all weights.
  std::int64_t largest_sum() const;

 private:
  void pack_panel(const WeightsView& weights, std::int64_t p);
  void sum_columns();

  const GemmU8S8Row* row_ = nullptr;
  std::int64_t taps_ = 0, k_ = 0, n_ = 0;
  AlignedBuffer<std::int8_t> data_;
  AlignedBuffer<std::int32_t> column_sum_, zero_point_;
  bool has_zero_point_ = false;
};

}  // namespace q8

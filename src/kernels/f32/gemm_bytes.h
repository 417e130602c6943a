#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"
#include "kernels/f32/indirect_gemm.h"
#include "kernels/int8/quantize.h"
#include "kernels/int8/widen_u8_rows.h"
#include "kernels/kernel_set.h"

namespace q8 {

// The right-hand side of a float product that stays bytes in memory: B[i][j] = float(data[j · k +
// i] − z) · s, by the scale and zero point of column j.
struct ByteMatrixF32 {
  const std::uint8_t* data = nullptr;  // [n][k]
  std::int64_t n = 0, k = 0;           // above 0
  ByteTensorFormat format = {};        // one value, or one for each column
};

// Its bytes in panels of NR columns, [⌈n/NR⌉][k][NR], with what makes floats of them.
class PackedBytesF32 {
 public:
  PackedBytesF32(const KernelSet& kernels, const ByteMatrixF32& matrix);

  std::int64_t n() const { return n_; }
  std::int64_t k() const { return k_; }
  std::int64_t panels() const { return static_cast<std::int64_t>(scale_.size()) / row_->nr; }
  const GemmF32Row& row() const { return *row_; }
  // Rows `begin` … `begin + count` of the panel as floats, [count][NR].
  void widen(std::int64_t panel, std::int64_t begin, std::int64_t count, float* out) const;

 private:
  const GemmF32Row* row_;
  const WidenU8Row* widen_;
  std::int64_t n_, k_;
  bool is_signed_;
  AlignedBuffer<std::uint8_t> data_;
  std::vector<float> scale_;              // [panels · NR]
  std::vector<std::int32_t> zero_point_;  // likewise
};

// gemm_f32() with such a B: the same bits as with the floats themselves, in a quarter of the
// memory. Bytes become floats a small block at a time, which costs as much as a few rows of the
// product; of one row it is faster than reading floats from far away. C must not overlap the
// residual.
void gemm_f32_bytes(std::int64_t m, const float* a, std::int64_t lda, const PackedBytesF32& b,
                    float* c, std::int64_t ldc, const EpilogueF32& epilogue, Threads& threads);

}  // namespace q8

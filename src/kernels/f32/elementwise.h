#pragma once

#include <cstdint>

#include "base/threads.h"
#include "kernels/kernel_set.h"

namespace q8 {

// Elementwise FP32 operators on dense arrays, with the same bits for every kernel set and number of
// threads. Functions are within 2 ulp of the exact value; the Gelus and HardSwish, whose factor
// cancels for negative x, within 2 ulp of the larger of |y| and |x|/2. out may be an input.

// out[i] = op(in[i]), i < n.
void map_f32(const KernelSet& kernels, UnaryF32 op, const float* in, float* out, std::int64_t n,
             Threads& threads, float alpha = 0.0f, float beta = 0.0f);

// How an operand meets an output of [rows, columns].
enum class OperandF32 {
  kWhole,      // [rows, columns]
  kPerColumn,  // [columns]: one value a channel of NHWC
  kPerRow,     // [rows]: one value a channel of NCHW
  kScalar,     // one value
};

struct CombineF32 {
  std::int64_t rows = 1, columns = 0;
  OperandF32 a_form = OperandF32::kWhole, b_form = OperandF32::kWhole;
};
// out[r, c] = a op b. One of the operands at least must be kWhole.
void combine_f32(const KernelSet& kernels, BinaryF32 op, const CombineF32& shape, const float* a,
                 const float* b, float* out, Threads& threads);

// out[r, c] = clamp(fma(in[r, c], scale[c], shift[c]), lo, hi).
void scale_shift_f32(const KernelSet& kernels, std::int64_t rows, std::int64_t columns,
                     const ScaleShiftF32& parameters, const float* in, float* out,
                     Threads& threads);

// Each row: e^(x − max) / Σ e^(x − max); 0 where x − max is below −80.
void softmax_f32(const KernelSet& kernels, std::int64_t rows, std::int64_t columns, const float* in,
                 float* out, Threads& threads);

// Each row: (x − mean) / √(variance + epsilon) · scale + shift.
struct LayerNormF32 {
  std::int64_t rows = 1, columns = 0;
  const float* scale = nullptr;  // [columns]; null: 1
  const float* shift = nullptr;  // [columns]; null: 0
  float epsilon = 1e-5f;
  bool is_centred = true;              // false: RMS normalization, the mean is taken as 0
  float* mean = nullptr;               // [rows] out, or null
  float* inverse_deviation = nullptr;  // [rows] out, or null
};
void layer_norm_f32(const KernelSet& kernels, const LayerNormF32& shape, const float* in,
                    float* out, Threads& threads);

}  // namespace q8

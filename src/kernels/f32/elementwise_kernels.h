#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// Functions of one value. alpha and beta: the parameters that ONNX gives some of them.
enum class UnaryF32 : int {
  kExp,
  kTanh,
  kSigmoid,  // 1 / (1 + exp(−x))
  kErf,
  kGelu,         // x/2 · (1 + erf(x/√2))
  kGeluTanh,     // x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
  kSilu,         // x · sigmoid(x)
  kHardSigmoid,  // max(0, min(1, alpha·x + beta))
  kHardSwish,    // x · max(0, min(1, x/6 + 1/2))
  kClamp,        // min(beta, max(alpha, x)): Relu and Clip; NaN stays NaN
  kLeakyRelu,    // x < 0 ? alpha·x : x
};
inline constexpr int kUnaryF32Count = 11;

enum class BinaryF32 : int {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kPRelu,  // a < 0 ? a·b : a
};
inline constexpr int kBinaryF32Count = 5;

using UnaryFunctionF32 = void (*)(const float* in, float* out, std::int64_t n, float alpha,
                                  float beta);
using BinaryFunctionF32 = void (*)(const float* a, const float* b, float* out, std::int64_t n);

// A function of one value with its parameters, to be done in place; null: nothing to do.
struct UnaryCallF32 {
  UnaryFunctionF32 function = nullptr;
  float alpha = 0, beta = 0;
  void operator()(float* values, std::int64_t n) const {
    if (function != nullptr) function(values, values, n, alpha, beta);
  }
};

struct ScaleShiftF32 {
  const float *scale, *shift;  // one value a column
  float lo, hi;                // NaN stays NaN
};

// `count` rows of n values.
using JoinRowsF32 = void (*)(const float* const* rows, std::int64_t count, float* out,
                             std::int64_t n);

struct LayerNormRowF32 {
  const float* in;
  float* out;
  std::int64_t n;
  const float* scale;  // [n] or null: 1
  const float* shift;  // [n] or null: 0
  float epsilon;
  bool is_centred;  // false: RMS normalization, the mean is taken as 0
  float* mean;      // one value out, or null
  float* inverse_deviation;
};

// All rows give the same bits: they share the formulas of elementwise_f32_formulas.h, written for
// vectors of 16 lanes however wide the registers are. in and out may be the same.
struct ElementwiseF32Functions {
  UnaryFunctionF32 unary[kUnaryF32Count];
  BinaryFunctionF32 binary[kBinaryF32Count];               // both [n]
  BinaryFunctionF32 binary_scalar_right[kBinaryF32Count];  // b is one value
  BinaryFunctionF32 binary_scalar_left[kBinaryF32Count];   // a is one value
  // out = min(hi, max(lo, fma(in, scale, shift))), all [n]
  void (*scale_shift)(const ScaleShiftF32& parameters, const float* in, float* out, std::int64_t n);
  JoinRowsF32 largest_of_rows;  // −∞ without rows; a NaN is never larger
  JoinRowsF32 sum_of_rows;      // in the order of the rows, from 0
  void (*softmax)(const float* in, float* out, std::int64_t n);
  void (*layer_norm)(const LayerNormRowF32&);
};

// Data, not functions that return it: code of an ISA file must not run on a CPU without it.
extern const ElementwiseF32Functions kElementwiseF32Scalar, kElementwiseF32Avx2,
    kElementwiseF32Avx512;

}  // namespace q8

#pragma once

#include <cstdint>

#include "tensor/quant_params.h"
#include "tensor/tensor.h"

namespace q8 {

enum class WeightObserver {
  kMinMax,  // the largest magnitude of the channel
  kMse,     // the threshold of least squared error; never worse than kMinMax
};

struct WeightSettings {
  bool per_channel = true;
  int axis = 0;  // negative counts from the end; not used per tensor
  WeightObserver observer = WeightObserver::kMinMax;
  std::int32_t levels = 0;  // largest |q|: 0 means 127 (s8) or 7 (s4); 64 for targets that saturate
  DType dtype = DType::kS8;  // or s4
  std::int64_t block = 0;    // > 0: one scale for that many indices along `axis`, at every place
};

// Symmetric parameters of a constant float tensor (f32, f64, f16 or bf16); a channel (or block) of
// zeros gets scale 1. Throws bad_input for NaN or infinite weights and for an axis outside the
// shape.
QuantParams weight_params(const Tensor& weights, const WeightSettings& settings);

// The integers of a constant. Those of 8 bits around the middle of their type stay within ±levels,
// also where a clipping scale would let them reach −128, or more than a target's sums hold.
Tensor quantize_weights(const Tensor& weights, const QuantParams& params, std::int32_t levels);

}  // namespace q8

#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "ops/operator.h"

namespace q8 {

// The activation that com.microsoft's fused operators carry as attributes. Those that only clamp
// are done by the kernel, with low and high; the others afterwards, with apply().
struct FusedActivation {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  std::function<float(float)> function;  // empty where the clamp is all

  // In place, on float elements.
  void apply(float* values, std::int64_t size, Threads& threads) const;
};

// `name` as in the attribute `activation` ("" for none), `parameters` in ONNX Runtime's order:
// LeakyRelu alpha; Clip min, max; HardSigmoid alpha, beta. Throws unsupported for another name.
FusedActivation fused_activation(const std::string& name, const std::vector<float>& parameters);

}  // namespace q8

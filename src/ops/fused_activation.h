#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/f32/elementwise.h"
#include "ops/operator.h"

namespace q8 {

// The activation that com.microsoft's fused operators carry as attributes. Those that only clamp
// are done by the kernel, with low and high; the others afterwards, with apply().
struct FusedActivation {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  std::optional<UnaryF32> function;  // nothing where the clamp is all
  float alpha = 0, beta = 0;         // of the function

  // In place, on a float tensor.
  void apply(Tensor& y, RunContext& run) const;
  // activation(y + addend) with broadcasting, for addends that the kernels cannot take.
  Tensor of_sum(const Tensor& y, const Tensor& addend, RunContext& run) const;
  // The function, for kernels that do it themselves.
  UnaryCallF32 call(const KernelSet& kernels) const;
};

// `name` as in the attribute `activation` ("" for none), `parameters` in ONNX Runtime's order:
// LeakyRelu alpha; Clip min, max; HardSigmoid alpha, beta. Swish (alpha 1), HardSwish, Gelu and
// GeluTanh are q8's own. Throws unsupported for another name.
FusedActivation fused_activation(const std::string& name, const std::vector<float>& parameters);

}  // namespace q8

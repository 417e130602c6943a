#include "ops/fused_activation.h"

#include "ops/elementwise.h"

namespace q8 {

void FusedActivation::apply(Tensor& y, RunContext& run) const {
  if (!function) return;
  float* values = y.mutable_data<float>();
  map_f32(run.kernels, *function, values, values, y.size(), run.threads, alpha, beta);
}

Tensor FusedActivation::of_sum(const Tensor& y, const Tensor& addend, RunContext& run) const {
  Tensor sum =
      combine_elements<float, float, float>(run, y, addend, [](float a, float b) { return a + b; });
  float* values = sum.mutable_data<float>();
  map_f32(run.kernels, UnaryF32::kClamp, values, values, sum.size(), run.threads, low, high);
  apply(sum, run);
  return sum;
}

UnaryCallF32 FusedActivation::call(const KernelSet& kernels) const {
  if (!function) return {};
  return {kernels.elementwise_f32->functions->unary[static_cast<int>(*function)], alpha, beta};
}

FusedActivation fused_activation(const std::string& name, const std::vector<float>& parameters) {
  const auto parameter = [&](std::size_t i, float fallback) {
    return i < parameters.size() ? parameters[i] : fallback;
  };
  FusedActivation activation;
  if (name.empty()) return activation;
  if (name == "Relu") {
    activation.low = 0;
  } else if (name == "Clip") {
    activation.low = parameter(0, activation.low);
    activation.high = parameter(1, activation.high);
  } else if (name == "LeakyRelu") {
    activation.function = UnaryF32::kLeakyRelu;
    activation.alpha = parameter(0, 0.01f);
  } else if (name == "HardSigmoid") {
    activation.function = UnaryF32::kHardSigmoid;
    activation.alpha = parameter(0, 0.2f);
    activation.beta = parameter(1, 0.5f);
  } else if (name == "Sigmoid") {
    activation.function = UnaryF32::kSigmoid;
  } else if (name == "Tanh") {
    activation.function = UnaryF32::kTanh;
  } else if (name == "Swish") {
    activation.function = UnaryF32::kSilu;
  } else if (name == "HardSwish") {
    activation.function = UnaryF32::kHardSwish;
  } else if (name == "Gelu") {
    activation.function = UnaryF32::kGelu;
  } else if (name == "GeluTanh") {
    activation.function = UnaryF32::kGeluTanh;
  } else {
    throw unsupported("fused activation '" + name + "'");
  }
  return activation;
}

}  // namespace q8

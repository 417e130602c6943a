#include "ops/fused_activation.h"

namespace q8 {

void FusedActivation::apply(Tensor& y, RunContext& run) const {
  if (!function) return;
  float* values = y.mutable_data<float>();
  map_f32(run.kernels, *function, values, values, y.size(), run.threads, alpha, beta);
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
  } else {
    throw unsupported("fused activation '" + name + "'");
  }
  return activation;
}

}  // namespace q8

#include "ops/fused_activation.h"

#include <algorithm>
#include <cmath>

namespace q8 {

void FusedActivation::apply(float* values, std::int64_t size, Threads& threads) const {
  if (!function) return;
  constexpr std::int64_t kGrain = 4096;  // elements a thread takes at least
  threads.parallel_for(size, kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::transform(values + begin, values + end, values + begin, function);
  });
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
    activation.function = [alpha = parameter(0, 0.01f)](float v) { return v < 0 ? v * alpha : v; };
  } else if (name == "HardSigmoid") {
    activation.function = [alpha = parameter(0, 0.2f), beta = parameter(1, 0.5f)](float v) {
      return std::clamp(alpha * v + beta, 0.0f, 1.0f);
    };
  } else if (name == "Sigmoid") {
    activation.function = [](float v) { return 1 / (1 + std::exp(-v)); };
  } else if (name == "Tanh") {
    activation.function = [](float v) { return std::tanh(v); };
  } else {
    throw unsupported("fused activation '" + name + "'");
  }
  return activation;
}

}  // namespace q8

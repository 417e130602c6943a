#include <cmath>
#include <numbers>

#include "ops/families.h"
#include "ops/pointwise.h"

namespace q8 {
namespace {

// Activations made of exp, erf and tanh. Formulas: ONNX operator specification; com.microsoft: ONNX
// Runtime's ContribOperators.md.

template <typename T>
T sigmoid(T v) {
  // exp of a value <= 0 only: no overflow.
  const T e = std::exp(v < 0 ? v : -v);
  return v < 0 ? e / (1 + e) : 1 / (1 + e);
}

template <typename T>
T softplus(T v) {
  return (v > 0 ? v : T(0)) + std::log1p(std::exp(v < 0 ? v : -v));
}

// x/2 · (1 + erf(x/√2))
template <typename T>
T gelu(T v) {
  return T(0.5) * v * (1 + std::erf(v * static_cast<T>(std::numbers::sqrt2 / 2)));
}

// x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))
template <typename T>
T gelu_tanh(T v) {
  constexpr double kRoot = 0.79788456080286535588;  // √(2/π)
  const T inner = static_cast<T>(kRoot) * (v + T(0.044715) * v * v * v);
  return T(0.5) * v * (1 + std::tanh(inner));
}

OpFunction make_sigmoid(const NodeContext&) {
  return pointwise_kernel(UnaryF32::kSigmoid, pointwise_float([](auto v) { return sigmoid(v); }));
}

OpFunction make_tanh(const NodeContext&) {
  return pointwise_kernel(UnaryF32::kTanh, pointwise_float([](auto v) { return std::tanh(v); }));
}

OpFunction make_erf(const NodeContext&) {
  return pointwise_kernel(UnaryF32::kErf, pointwise_number([](auto v) {
                            return static_cast<decltype(v)>(std::erf(static_cast<double>(v)));
                          }));
}

OpFunction make_elu(const NodeContext& node) {
  const float alpha = node.attributes().get_float("alpha", 1.0f);
  return pointwise_float(
      [alpha](auto v) { return v < 0 ? decltype(v)(alpha) * std::expm1(v) : v; });
}

OpFunction make_selu(const NodeContext& node) {
  const float alpha = node.attributes().get_float("alpha", 1.67326319217681884765625f);
  const float gamma = node.attributes().get_float("gamma", 1.05070102214813232421875f);
  return pointwise_float([alpha, gamma](auto v) {
    using T = decltype(v);
    return T(gamma) * (v > 0 ? v : T(alpha) * std::expm1(v));
  });
}

// max(0, x) + min(0, α · (exp(x/α) − 1))
OpFunction make_celu(const NodeContext& node) {
  const float alpha = node.attributes().get_float("alpha", 1.0f);
  return pointwise_float([alpha](auto v) {
    using T = decltype(v);
    const T low = T(alpha) * std::expm1(v / T(alpha));
    return (v > 0 ? v : T(0)) + (low < 0 ? low : T(0));
  });
}

OpFunction make_softplus(const NodeContext&) {
  return pointwise_float([](auto v) { return softplus(v); });
}

OpFunction make_mish(const NodeContext&) {
  return pointwise_float([](auto v) { return v * std::tanh(softplus(v)); });
}

// x · sigmoid(α x); com.microsoft QuickGelu is the same with another default.
OpFunction make_scaled_swish(const NodeContext& node, float fallback) {
  const float alpha = node.attributes().get_float("alpha", fallback);
  OpFunction general =
      pointwise_float([alpha](auto v) { return v * sigmoid(decltype(v)(alpha) * v); });
  return alpha == 1 ? pointwise_kernel(UnaryF32::kSilu, std::move(general)) : general;
}
OpFunction make_swish(const NodeContext& node) {
  return make_scaled_swish(node, 1.0f);
}
OpFunction make_quick_gelu(const NodeContext& node) {
  return make_scaled_swish(node, 1.702f);
}

OpFunction make_gelu(const NodeContext& node) {
  const std::string approximate = node.attributes().get_string("approximate", "none");
  if (approximate == "tanh")
    return pointwise_kernel(UnaryF32::kGeluTanh,
                            pointwise_float([](auto v) { return gelu_tanh(v); }));
  if (approximate != "none")
    throw bad_input("attribute approximate of Gelu must be none or tanh, found '" + approximate +
                    "'");
  return pointwise_kernel(UnaryF32::kGelu, pointwise_float([](auto v) { return gelu(v); }));
}

// function(x + bias), with an optional bias of the last axis.
template <typename Function>
OpFunction make_biased(Function function) {
  return [function](RunContext& run) {
    const Tensor& x = run.input(0);
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      if (!run.has_input(1)) {
        map_elements<T, T>(run, x, run.output(0, x.dtype(), x.shape()), function);
        return;
      }
      const Tensor& bias = run.input(1);
      need_same_type(x, bias);
      if (x.rank() == 0 || bias.rank() != 1 || bias.size() != x.shape().back())
        throw bad_input("bias " + bias.str() + " does not fit the last axis of " + x.str());
      run.set_output(0, combine_elements<T, T, T>(
                            run, x, bias, [function](T v, T b) { return function(v + b); }));
    });
  };
}
OpFunction make_bias_gelu(const NodeContext&) {
  return make_biased([](auto v) { return gelu(v); });
}
OpFunction make_fast_gelu(const NodeContext&) {
  return make_biased([](auto v) { return gelu_tanh(v); });
}

constexpr std::string_view kMicrosoft = "com.microsoft";

constexpr OpRow kRows[] = {
    {"", "Sigmoid", make_sigmoid, QuantRole::kBounded},
    {"", "Tanh", make_tanh, QuantRole::kBounded},
    {"", "Erf", make_erf, QuantRole::kFloat},
    {"", "Elu", make_elu, QuantRole::kPointwise},
    {"", "Selu", make_selu, QuantRole::kPointwise},
    {"", "Celu", make_celu, QuantRole::kPointwise},
    {"", "Softplus", make_softplus, QuantRole::kPointwise},
    {"", "Mish", make_mish, QuantRole::kPointwise},
    {"", "Swish", make_swish, QuantRole::kPointwise},
    {"", "Gelu", make_gelu, QuantRole::kFloat},
    {kMicrosoft, "Gelu", make_gelu, QuantRole::kFloat},
    {kMicrosoft, "QuickGelu", make_quick_gelu, QuantRole::kFloat},
    {kMicrosoft, "FastGelu", make_fast_gelu, QuantRole::kFloat},
    {kMicrosoft, "BiasGelu", make_bias_gelu, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> smooth_activation_operators() {
  return kRows;
}

}  // namespace q8

#include "ops/recurrent_activation.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <variant>

#include "kernels/kernel_set.h"

namespace q8 {
namespace {

// Computed in double and rounded once: the same on every C library's fast path.
float rounded(double v) {
  return static_cast<float>(v);
}

float affine(float x, float alpha, float beta) {
  return alpha * x + beta;
}
float thresholded_relu(float x, float alpha, float) {
  return x < alpha ? 0 : x;
}
float scaled_tanh(float x, float alpha, float beta) {
  return alpha * rounded(std::tanh(static_cast<double>(beta * x)));
}
float elu(float x, float alpha, float) {
  return x < 0 ? alpha * rounded(std::expm1(static_cast<double>(x))) : x;
}
float softsign(float x, float, float) {
  return x / (1 + std::abs(x));
}
float softplus(float x, float, float) {
  const auto v = static_cast<double>(x);
  return rounded(std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))));
}

template <float (*kFunction)(float x, float alpha, float beta)>
void line(const float* in, float* out, std::int64_t n, float alpha, float beta) {
  for (std::int64_t i = 0; i < n; ++i) out[i] = kFunction(in[i], alpha, beta);
}

struct ActivationRow {
  std::string_view name;
  std::variant<UnaryF32, UnaryFunctionF32> function;  // one of the kernels, or one of its own
  float alpha, beta;                                  // the default parameters
  bool has_alpha, has_beta;
};

constexpr ActivationRow kActivations[] = {
    {"relu", UnaryF32::kClamp, 0, std::numeric_limits<float>::infinity(), false, false},
    {"tanh", UnaryF32::kTanh, 0, 0, false, false},
    {"sigmoid", UnaryF32::kSigmoid, 0, 0, false, false},
    {"affine", line<affine>, 1, 0, true, true},
    {"leakyrelu", UnaryF32::kLeakyRelu, 0.01f, 0, true, false},
    {"thresholdedrelu", line<thresholded_relu>, 1, 0, true, false},
    {"scaledtanh", line<scaled_tanh>, 1, 1, true, true},
    {"hardsigmoid", UnaryF32::kHardSigmoid, 0.2f, 0.5f, true, true},
    {"elu", line<elu>, 1, 0, true, false},
    {"softsign", line<softsign>, 0, 0, false, false},
    {"softplus", line<softplus>, 0, 0, false, false},
};

UnaryFunctionF32 function_of(const ActivationRow& row, const KernelSet& kernels) {
  if (const auto* own = std::get_if<UnaryFunctionF32>(&row.function)) return *own;
  return kernels.elementwise_f32->functions
      ->unary[static_cast<int>(std::get<UnaryF32>(row.function))];
}

const ActivationRow& find_activation(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const ActivationRow& row : kActivations)
    if (row.name == lower) return row;
  throw bad_input("there is no activation '" + name + "'");
}

}  // namespace

std::vector<UnaryCallF32> recurrent_activations(const NodeContext& node,
                                                const std::vector<std::string>& defaults,
                                                std::int64_t directions) {
  std::vector<std::string> names;
  for (std::int64_t d = 0; d < directions; ++d)
    names.insert(names.end(), defaults.begin(), defaults.end());
  if (node.attributes().has("activations")) names = node.attributes().get_strings("activations");
  if (names.size() != defaults.size() * static_cast<std::size_t>(directions))
    throw bad_input(std::to_string(names.size()) + " activations for " +
                    std::to_string(directions) + " directions of " +
                    std::to_string(defaults.size()));
  const std::vector<float> alphas = node.attributes().get_floats("activation_alpha");
  const std::vector<float> betas = node.attributes().get_floats("activation_beta");
  std::size_t next_alpha = 0, next_beta = 0;
  std::vector<UnaryCallF32> list;
  for (const std::string& name : names) {
    const ActivationRow& row = find_activation(name);
    UnaryCallF32 activation{function_of(row, node.kernels), row.alpha, row.beta};
    if (row.has_alpha && next_alpha < alphas.size()) activation.alpha = alphas[next_alpha++];
    if (row.has_beta && next_beta < betas.size()) activation.beta = betas[next_beta++];
    list.push_back(activation);
  }
  return list;
}

}  // namespace q8

#include "ops/recurrent_activation.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace q8 {
namespace {

// Computed in double and rounded once: the same on every C library's fast path.
float rounded(double v) {
  return static_cast<float>(v);
}

float relu(float x, float, float) {
  return x < 0 ? 0 : x;
}
float tanh_of(float x, float, float) {
  return rounded(std::tanh(static_cast<double>(x)));
}
float sigmoid(float x, float, float) {
  return rounded(1 / (1 + std::exp(-static_cast<double>(x))));
}
float affine(float x, float alpha, float beta) {
  return alpha * x + beta;
}
float leaky_relu(float x, float alpha, float) {
  return x < 0 ? alpha * x : x;
}
float thresholded_relu(float x, float alpha, float) {
  return x < alpha ? 0 : x;
}
float scaled_tanh(float x, float alpha, float beta) {
  return alpha * rounded(std::tanh(static_cast<double>(beta * x)));
}
float hard_sigmoid(float x, float alpha, float beta) {
  return std::clamp(alpha * x + beta, 0.0f, 1.0f);
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

struct ActivationRow {
  std::string_view name;
  RecurrentActivation activation;  // with the default parameters
  bool has_alpha, has_beta;
};

constexpr ActivationRow kActivations[] = {
    {"relu", {relu, 0, 0}, false, false},
    {"tanh", {tanh_of, 0, 0}, false, false},
    {"sigmoid", {sigmoid, 0, 0}, false, false},
    {"affine", {affine, 1, 0}, true, true},
    {"leakyrelu", {leaky_relu, 0.01f, 0}, true, false},
    {"thresholdedrelu", {thresholded_relu, 1, 0}, true, false},
    {"scaledtanh", {scaled_tanh, 1, 1}, true, true},
    {"hardsigmoid", {hard_sigmoid, 0.2f, 0.5f}, true, true},
    {"elu", {elu, 1, 0}, true, false},
    {"softsign", {softsign, 0, 0}, false, false},
    {"softplus", {softplus, 0, 0}, false, false},
};

const ActivationRow& find_activation(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const ActivationRow& row : kActivations)
    if (row.name == lower) return row;
  throw bad_input("there is no activation '" + name + "'");
}

}  // namespace

std::vector<RecurrentActivation> recurrent_activations(const NodeContext& node,
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
  std::vector<RecurrentActivation> list;
  for (const std::string& name : names) {
    const ActivationRow& row = find_activation(name);
    RecurrentActivation activation = row.activation;
    if (row.has_alpha && next_alpha < alphas.size()) activation.alpha = alphas[next_alpha++];
    if (row.has_beta && next_beta < betas.size()) activation.beta = betas[next_beta++];
    list.push_back(activation);
  }
  return list;
}

}  // namespace q8

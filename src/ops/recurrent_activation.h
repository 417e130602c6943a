#pragma once

#include <cstdint>
#include <vector>

#include "ops/operator.h"

namespace q8 {

// One of the activation functions that RNN, GRU and LSTM may name, with its parameters.
struct RecurrentActivation {
  float (*function)(float x, float alpha, float beta) = nullptr;
  float alpha = 0, beta = 0;

  float operator()(float x) const { return function(x, alpha, beta); }
};

// The node's `activations` with `activation_alpha` and `activation_beta`, which are used up in
// order by the functions that have such a parameter; `defaults` for each direction where there are
// none. Throws bad_input for an unknown name or another number of them.
std::vector<RecurrentActivation> recurrent_activations(const NodeContext& node,
                                                       const std::vector<std::string>& defaults,
                                                       std::int64_t directions);

}  // namespace q8

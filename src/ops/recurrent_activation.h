#pragma once

#include <cstdint>
#include <vector>

#include "kernels/f32/elementwise_kernels.h"
#include "ops/operator.h"

namespace q8 {

// The activation functions that RNN, GRU and LSTM may name, each done to a line of values: the
// node's `activations` with `activation_alpha` and `activation_beta`, which are used up in
// order by the functions that have such a parameter; `defaults` for each direction where there are
// none. Throws bad_input for an unknown name or another number of them.
std::vector<UnaryCallF32> recurrent_activations(const NodeContext& node,
                                                const std::vector<std::string>& defaults,
                                                std::int64_t directions);

}  // namespace q8

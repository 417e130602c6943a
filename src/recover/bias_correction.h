#pragma once

#include "recover/recover.h"

namespace q8 {

// Takes from the bias of every WeightedLayer the mean over the fitting samples of what quantizing
// its input and its weights adds to each output channel:
//   b[c] −= Σ_k ŵ[c, k]·mean(x̂[k]) − w[c, k]·mean(x[k])
// All layers at once, from means in the FP32 graph: with the layers before it corrected, that is
// what a layer meets. Biases are changed in the graph (a new constant; the old one stays for other
// readers). Layers without a constant bias stay as they are. The bias of a MatMul is the constant
// of the Add behind it.
std::optional<Proposal> correct_biases(const PlannedGraph& model, const RecoveryContext& context);

}  // namespace q8

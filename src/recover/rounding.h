#pragma once

#include "recover/recover.h"

namespace q8 {

// Chooses the integers of the weights of every WeightedLayer anew (WeightRounder), from the Gram
// matrix of the layer's quantized inputs. Scales stay as they are. The matrix is that of few
// samples, so all but its means is drawn towards its diagonal, the more the fewer rows there are
// for each of its columns. Weights of context.rounded are taken as they are where the input of the
// layer has the range that they were rounded for. Layers of more than 4,608 products (512
// channels of 3×3) keep nearest rounding, with a note.
std::optional<Proposal> round_by_output_error(const PlannedGraph& model,
                                              const RecoveryContext& context);

// Gives the weights of `to` the integers that `from`, another plan of the same graph, has for them,
// where their scales are the same.
void take_rounded_weights(const QuantizationPlan& from, QuantizationPlan& to);

}  // namespace q8

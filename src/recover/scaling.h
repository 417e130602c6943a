#pragma once

#include "recover/recover.h"

namespace q8 {

// Both give channels of what layers read more even ranges, so that integers which share one scale
// lose less: values are divided by a factor for each channel, weights multiplied by it, and the
// float model computes the same. Factors are chosen group by group by the expected error of the
// layers; of the groups that gain something, all, those that gain 1 dB and those that gain 3 dB are
// tried on fitting samples that were kept apart, and the best choice is proposed where it gains
// half a decibel, and 0.1 more for each percent of the estimated time. Nothing where context.source
// is null or values cannot be observed again.

// Groups of channels whose factors constants take up: no node more than before.
std::optional<Proposal> equalize_channels(const PlannedGraph& model,
                                          const RecoveryContext& context);

// Values that a float node makes and that are in no such group (because a residual sum or a
// nonlinear function stands there) get a Mul before the layers, which may add
// context.float_budget_percent to the estimated time.
std::optional<Proposal> smooth_channels(const PlannedGraph& model, const RecoveryContext& context);

// Divides channels again as a plan says, in a graph that nothing has been done to. Throws bad_input
// naming a value that the graph does not have or whose channels cannot be scaled so.
void scale_as_planned(Graph& graph, const std::vector<ScaledValue>& scaled);

}  // namespace q8

#pragma once

#include "recover/recover.h"

namespace q8 {

// Computes in float what costs much accuracy in integers and little time in float. Neighbouring
// integer nodes are tried together (what one of them clips, the next would too), and those of one
// type; the best group is narrowed to what pays, and after it the next one, until
//   - the SQNR of the outputs is as good as 8 bits are expected to be,
//   - no group gains half a decibel and what it takes in time, or
//   - context.float_budget_percent of the model's estimated time is spent.
// Weights of such layers stay stored as s8. Nothing where context.source is null.
std::optional<Proposal> keep_in_float(const PlannedGraph& model, const RecoveryContext& context);

}  // namespace q8

#pragma once

#include <cstdint>
#include <vector>

#include "ops/operator.h"
#include "ops/recurrent_weights.h"

namespace q8 {

// One direction of RNN, GRU or LSTM while it runs. `batch` rows of each:
struct RecurrentState {
  const Cell& cell;
  const Direction& weights;
  const UnaryCallF32* activations;
  std::int64_t batch, hidden;
  float* h;        // [hidden]
  float* c;        // [hidden]; of LSTM alone
  float* scratch;  // [scratch_columns(weights, cell)]
  Threads& threads;
  RunContext& run;
};

// Values of a row of scratch.
std::int64_t scratch_columns(const Cell& cell, const Direction& weights);

// Whether the products of one step are worth handing out to several threads.
bool shares_products(const Cell& cell, std::int64_t batch, std::int64_t hidden);

// One step in time: h and c become what follows from them and from `gates`, [batch, gates · hidden]
// with X·Wᵀ + b, which are overwritten. Rows that are not `active` keep their h and c.
void recurrent_step(const RecurrentState& state, float* gates, const std::vector<bool>& active);

}  // namespace q8

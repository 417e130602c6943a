#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "graph/graph.h"

namespace q8 {

// Runs one node on constants and returns its outputs. Given by the layer that can execute
// (exec/fold.h).
using Evaluate = std::function<std::vector<Tensor>(const Graph&, const Node&)>;

// One step towards the canonical form. Returns how many nodes it changed or removed; keeps what the
// graph computes (up to FP32 rounding where weights are folded), its inputs and its outputs with
// their names.
struct CanonicalPass {
  std::string_view name;
  std::string_view help;
  int (*run)(Graph& graph, const Evaluate& evaluate);
};

std::span<const CanonicalPass> canonical_passes();

// The form that everything after the loader works on: no node that only computes constants, no
// Identity or Dropout, no Gemm with factors; BatchNormalization, scales and shifts by channel
// folded into the Conv, ConvTranspose, Gemm or MatMul before them; means of whole images as
// GlobalAveragePool, which has integers. Runs the passes until none changes anything, in bodies too
// (bodies.h): they have the constants that they read as their own, and names that stand in no other
// graph of the model.
void canonicalize(Graph& graph, const Evaluate& evaluate);

// The passes, one file each in passes/.
int fold_constants(Graph& graph, const Evaluate& evaluate);
int remove_identities(Graph& graph, const Evaluate& evaluate);
int plain_gemm(Graph& graph, const Evaluate& evaluate);
int fold_affine(Graph& graph, const Evaluate& evaluate);
int spatial_mean(Graph& graph, const Evaluate& evaluate);

}  // namespace q8

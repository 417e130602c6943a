#include "graph/canonicalize.h"

#include "graph/bodies.h"

namespace q8 {
namespace {

constexpr CanonicalPass kPasses[] = {
    {"fold-constants", "nodes that read only constants become constants", fold_constants},
    {"remove-identities", "Identity, Dropout and Casts to the same type go", remove_identities},
    {"plain-gemm",
     "a Gemm is x·W and a bias: factors go into its constants, the rest before and behind it",
     plain_gemm},
    {"fold-affine",
     "what scales or shifts each channel goes into the weights and bias of the Conv, "
     "ConvTranspose, Gemm or MatMul before it",
     fold_affine},
    {"spatial-mean", "a ReduceMean of whole images becomes a GlobalAveragePool", spatial_mean},
};

void run_passes(Graph& graph, const Evaluate& evaluate) {
  for (int changed = 1; changed > 0;) {
    changed = 0;
    for (const CanonicalPass& pass : kPasses) {
      changed += pass.run(graph, evaluate);
      graph.tidy();
    }
  }
  take_outer_constants(graph);
  for (NodeId id = 0; id < graph.node_count(); ++id)
    edit_bodies(graph.node(id), [&](Graph& body) { run_passes(body, evaluate); });
  graph.tidy();  // bodies may read less now
}

}  // namespace

std::span<const CanonicalPass> canonical_passes() {
  return kPasses;
}

void canonicalize(Graph& graph, const Evaluate& evaluate) {
  run_passes(graph, evaluate);
  separate_names(graph);
}

}  // namespace q8

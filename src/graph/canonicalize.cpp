#include "graph/canonicalize.h"

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

}  // namespace

std::span<const CanonicalPass> canonical_passes() {
  return kPasses;
}

void canonicalize(Graph& graph, const Evaluate& evaluate) {
  for (int changed = 1; changed > 0;) {
    changed = 0;
    for (const CanonicalPass& pass : kPasses) {
      changed += pass.run(graph, evaluate);
      graph.tidy();
    }
  }
}

}  // namespace q8

#include "exec/fold.h"

#include "exec/half.h"
#include "kernels/kernel_set.h"
#include "ops/ops.h"

namespace q8 {

std::vector<Tensor> evaluate_constant_node(const Graph& graph, const Node& node) {
  const OpRow* row = find_operator(node.domain, node.op_type);
  if (row == nullptr) return {};
  const KernelSet kernels = make_kernel_set(Isa::kScalar);
  std::vector<const Tensor*> inputs;
  for (const ValueId id : node.inputs) {
    inputs.push_back(graph.constant(id));
    // 16-bit floats among the inputs: left to the Session, which knows how to compute with them.
    if (inputs.back() != nullptr && row->floats_only && is_half(inputs.back()->dtype())) return {};
  }
  std::vector<Tensor> outputs(node.outputs.size());
  try {
    const OpFunction function = row->make(NodeContext{.node = node,
                                                      .graph = graph,
                                                      .constants = inputs,
                                                      .opset = graph.opset(node.domain),
                                                      .kernels = kernels});
    Threads one(1);
    RunContext run(inputs, outputs, heap(), one, kernels);
    function(run);
  } catch (const Error& error) {
    throw error.within(node.label());
  }
  return outputs;
}

void canonicalize(Graph& graph) {
  canonicalize(graph, evaluate_constant_node);
}

}  // namespace q8

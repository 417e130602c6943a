#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/kernel_set.h"
#include "ops/ops.h"

namespace q8 {

// One node to be run by itself, some of whose inputs (`constants`, by number) are known when the
// node is made, as weights are.
struct NodeUnderTest {
  std::string_view type;
  Attributes attributes = {};
  std::string_view domain = "";
  std::int64_t opset = 21;
  std::size_t outputs = 1;
  std::vector<std::size_t> constants = {};
};

// An input that is left out is a null pointer.
inline std::vector<Tensor> run_node(const NodeUnderTest& test,
                                    const std::vector<const Tensor*>& inputs) {
  Graph graph;
  Node node;
  node.name = "n";
  node.domain = test.domain;
  node.op_type = test.type;
  node.attributes = test.attributes;
  for (const Tensor* input : inputs)
    node.inputs.push_back(input == nullptr ? kNoValue : graph.add_value("x"));
  for (std::size_t i = 0; i < test.outputs; ++i) node.outputs.push_back(graph.add_value("y"));
  std::vector<const Tensor*> known(inputs.size(), nullptr);
  for (const std::size_t i : test.constants) known[i] = inputs[i];
  const KernelSet kernels = make_kernel_set();
  const OpRow* row = find_operator(test.domain, test.type);
  Q8_ASSERT(row != nullptr);
  const OpFunction function = row->make(NodeContext{
      .node = node, .graph = graph, .constants = known, .opset = test.opset, .kernels = kernels});
  std::vector<Tensor> outputs(test.outputs);
  Threads threads(1);
  RunContext run(inputs, outputs, heap(), threads, kernels);
  function(run);
  return outputs;
}

}  // namespace q8

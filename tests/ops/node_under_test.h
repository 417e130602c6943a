#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/kernel_set.h"
#include "ops/ops.h"

namespace q8 {

// One node to be run without a Session, some of whose inputs (`constants`, by number) are known
// when it is made, as weights are.
struct NodeUnderTest {
  std::string type;
  Attributes attributes = {};
  std::string domain = {};
  std::int64_t opset = 21;
  std::size_t outputs = 1;
  std::vector<std::size_t> constants = {};
  int threads = 1;
};

// An input that is null is left out.
inline std::vector<Tensor> run_node(const NodeUnderTest& test,
                                    const std::vector<const Tensor*>& inputs) {
  Graph graph;
  graph.opsets[test.domain] = test.opset;
  Node node;
  node.name = "node";
  node.domain = test.domain;
  node.op_type = test.type;
  node.attributes = test.attributes;
  for (const Tensor* input : inputs)
    node.inputs.push_back(input == nullptr ? kNoValue : graph.add_value("in"));
  for (std::size_t i = 0; i < test.outputs; ++i) node.outputs.push_back(graph.add_value("out"));
  std::vector<const Tensor*> constants(inputs.size(), nullptr);
  for (const std::size_t i : test.constants) {
    constants[i] = inputs[i];
    graph.value(node.inputs[i]).constant = *inputs[i];
  }
  const KernelSet kernels = make_kernel_set();
  const OpRow* row = find_operator(test.domain, test.type);
  if (row == nullptr) throw unsupported("no operator " + test.type);
  const OpFunction function = row->make(NodeContext{.node = node,
                                                    .graph = graph,
                                                    .constants = constants,
                                                    .opset = test.opset,
                                                    .kernels = kernels});
  std::vector<Tensor> outputs(test.outputs);
  Threads threads(test.threads);
  RunContext context(inputs, outputs, heap(), threads, kernels);
  function(context);
  return outputs;
}

inline Attributes attribute_list(std::initializer_list<std::pair<const char*, Attribute>> list) {
  Attributes all;
  for (const auto& [name, value] : list) all.set(name, value);
  return all;
}

template <typename T>
std::vector<T> values_of(const Tensor& t) {
  return {t.values<T>().begin(), t.values<T>().end()};
}

}  // namespace q8

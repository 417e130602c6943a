#include "exec/lowering/fold_tables.h"

#include <numeric>

#include "exec/fold.h"

namespace q8 {
namespace {

// A value's bytes as a function of the bytes of `source`; without a table they are the source's.
struct ByteFunction {
  ValueId source;
  const Tensor* table = nullptr;  // 256 bytes
};

bool is_table(const Node& node) {
  return node.domain == "q8" && node.op_type == "TableLookup";
}

bool is_combination(const Node& node) {
  return node.domain == "q8" && (node.op_type == "QLinearAdd" || node.op_type == "QLinearMul");
}

class TableFolder {
 public:
  explicit TableFolder(Graph& graph) : graph_(graph), uses_(graph) {}

  int run() {
    int folded = 0;
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      const Node& node = graph_.node(id);
      if (is_table(node))
        folded += fold(id, {0});
      else if (is_combination(node))
        folded += fold(id, {0, 3});
    }
    return folded;
  }

 private:
  ByteFunction function_of(ValueId value) const {
    const NodeId maker = uses_.producer(value);
    if (maker == kNoNode || !is_table(graph_.node(maker))) return {value};
    return {graph_.node(maker).inputs[0], graph_.constant(graph_.node(maker).inputs[1])};
  }

  // All 256 bytes as the node would read them at `input`.
  Tensor bytes_at(const Node& node, std::size_t input, const ByteFunction& function) const {
    if (function.table != nullptr) return *function.table;
    Tensor bytes(graph_.constant(node.inputs[input + 2])->dtype(), Shape{256});
    auto* data = reinterpret_cast<std::uint8_t*>(bytes.mutable_bytes());
    std::iota(data, data + 256, std::uint8_t{0});
    return bytes;
  }

  bool is_number(ValueId value) const {
    const Tensor* constant = graph_.constant(value);
    return constant != nullptr && constant->rank() == 0;
  }

  // Makes the node a table where its data inputs are functions of one value, or numbers, and not
  // all of them the value itself.
  bool fold(NodeId id, const std::vector<std::size_t>& data_inputs) {
    Node& node = graph_.node(id);
    std::vector<std::size_t> computed;
    std::vector<ByteFunction> functions;
    for (const std::size_t i : data_inputs) {
      if (is_number(node.inputs[i])) continue;
      computed.push_back(i);
      functions.push_back(function_of(node.inputs[i]));
    }
    if (functions.empty()) return false;
    bool any = computed.size() < data_inputs.size();
    for (const ByteFunction& function : functions) {
      if (function.source != functions[0].source) return false;
      any |= function.table != nullptr;
    }
    if (!any) return false;
    Graph one;
    one.opsets = graph_.opsets;
    Node copy = node;
    for (ValueId& input : copy.inputs)
      if (const Tensor* constant = graph_.constant(input))
        input = one.add_constant("parameter", *constant);
    for (std::size_t i = 0; i < functions.size(); ++i)
      copy.inputs[computed[i]] =
          one.add_constant("bytes", bytes_at(node, computed[i], functions[i]));
    copy.outputs = {one.add_value("table")};
    std::vector<Tensor> made = evaluate_constant_node(one, copy);
    if (made.size() != 1 || made[0].size_bytes() != 256) return false;
    node.op_type = "TableLookup";
    node.attributes = {};
    node.inputs = {functions[0].source, graph_.add_constant("q8_table", std::move(made[0]))};
    return true;
  }

  Graph& graph_;
  Uses uses_;  // nodes change what they read, not what they make
};

}  // namespace

int fold_tables(Graph& graph, const std::vector<ValueId>& keep) {
  const int folded = TableFolder(graph).run();
  if (folded > 0) graph.tidy(keep);
  return folded;
}

}  // namespace q8

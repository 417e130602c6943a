#include "exec/lowering/qdq_unsigned.h"

#include <algorithm>
#include <map>

#include "tensor/onnx_type.h"
#include "tensor/tensor.h"

namespace q8 {
namespace {

class Raiser {
 public:
  explicit Raiser(Graph& graph, const std::vector<ValueId>& keep)
      : graph_(graph), uses_(graph), keep_(keep) {}

  void run() {
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      const Node& node = graph_.node(id);
      if (!is_linear(node, "QuantizeLinear") || !suits(node.outputs[0])) continue;
      const ValueId integers = node.outputs[0];
      raise(id);
      for (const NodeId reader : uses_.consumers(integers)) raise(reader);
      if (graph_.value(integers).type.dtype) graph_.value(integers).type.dtype = DType::kU8;
    }
  }

 private:
  // With a constant s8 zero point, which says the type of the integers.
  bool is_linear(const Node& node, std::string_view type) const {
    if (!node.is(type) || node.outputs.size() != 1 || node.outputs[0] == kNoValue) return false;
    const Tensor* zero = graph_.constant(node.input(2));
    return zero != nullptr && zero->dtype() == DType::kS8;
  }

  bool suits(ValueId integers) const {
    const std::vector<NodeId>& readers = uses_.consumers(integers);
    return !readers.empty() && !graph_.is_output(integers) &&
           std::find(keep_.begin(), keep_.end(), integers) == keep_.end() &&
           std::all_of(readers.begin(), readers.end(), [&](NodeId reader) {
             const Node& node = graph_.node(reader);
             return is_linear(node, "DequantizeLinear") && node.input(0) == integers;
           });
  }

  void raise(NodeId id) {
    Node& node = graph_.node(id);
    const Tensor& zero = *graph_.constant(node.inputs[2]);
    if (zero.dtype() == DType::kU8) return;
    const auto [at, is_new] = raised_.try_emplace(node.inputs[2], kNoValue);
    if (is_new) {
      Tensor raised(DType::kU8, zero.shape());
      std::transform(zero.data<std::int8_t>(), zero.data<std::int8_t>() + zero.size(),
                     raised.mutable_data<std::uint8_t>(),
                     [](std::int8_t z) { return static_cast<std::uint8_t>(z + 128); });
      at->second = graph_.add_constant("q8_zero_point", std::move(raised));
    }
    node.inputs[2] = at->second;
    if (node.attributes.has("output_dtype") && node.is("QuantizeLinear")) {
      node.attributes.set("output_dtype", onnx_code(DType::kU8));
    }
  }

  Graph& graph_;
  const Uses uses_;
  const std::vector<ValueId>& keep_;
  std::map<ValueId, ValueId> raised_;  // constants by the s8 ones they stand for
};

}  // namespace

void make_unsigned(Graph& graph, const std::vector<ValueId>& keep) {
  Raiser(graph, keep).run();
}

}  // namespace q8

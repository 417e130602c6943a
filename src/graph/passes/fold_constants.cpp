#include <algorithm>

#include "graph/bodies.h"
#include "graph/canonicalize.h"

namespace q8 {
namespace {

// A folded constant must not blow up the model: a small ConstantOfShape or Expand can make a huge
// one.
constexpr std::int64_t kLargestResult = std::int64_t{1} << 24;  // elements

bool reads_only_constants(const Graph& graph, const Node& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId id) { return id == kNoValue || graph.constant(id) != nullptr; });
}

// Those whose result is not the same each time, and those that carry quantization: a
// DequantizeLinear of weights is how a quantized model says what they are.
bool may_fold(const Node& node) {
  constexpr std::string_view kKept[] = {"RandomNormal",   "RandomUniform",   "RandomNormalLike",
                                        "Multinomial",    "Bernoulli",       "RandomUniformLike",
                                        "QuantizeLinear", "DequantizeLinear"};
  return std::find(std::begin(kKept), std::end(kKept), node.op_type) == std::end(kKept) &&
         !has_body(node);
}

// A Shape of a value whose declared dimensions are all known.
std::optional<Tensor> known_shape(const Graph& graph, const Node& node) {
  if (!node.is("Shape")) return std::nullopt;
  const Tensor* constant = graph.constant(node.input(0));
  const TypeInfo& type = graph.value(node.input(0)).type;
  if (constant != nullptr || !graph.is_input(node.input(0)) || !type.dims) return std::nullopt;
  if (node.attributes.has("start") || node.attributes.has("end")) return std::nullopt;
  const bool known =
      std::find(type.dims->begin(), type.dims->end(), kUnknownDim) == type.dims->end();
  return known ? std::optional(Tensor::of_int64(*type.dims)) : std::nullopt;
}

}  // namespace

int fold_constants(Graph& graph, const Evaluate& evaluate) {
  int folded = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    std::vector<Tensor> results;
    if (auto shape = known_shape(graph, node)) {
      results.push_back(std::move(*shape));
    } else if (!node.outputs.empty() && may_fold(node) && reads_only_constants(graph, node)) {
      results = evaluate(graph, node);
    }
    const bool too_large = std::any_of(results.begin(), results.end(),
                                       [](const Tensor& t) { return t.size() > kLargestResult; });
    if (results.empty() || too_large) continue;
    const std::vector<ValueId> outputs = node.outputs;
    graph.remove_node(id);
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i] != kNoValue) graph.value(outputs[i]).constant = std::move(results[i]);
    ++folded;
  }
  return folded;
}

}  // namespace q8

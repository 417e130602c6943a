#include <algorithm>
#include <array>
#include <string_view>

#include "graph/canonicalize.h"

namespace q8 {
namespace {

// Nodes whose result has the rank of their first input.
constexpr std::array<std::string_view, 14> kKeepRank = {
    "Relu", "Clip", "LeakyRelu", "Sigmoid",     "HardSigmoid",        "HardSwish", "Swish",
    "Mish", "Elu",  "MaxPool",   "AveragePool", "BatchNormalization", "PRelu",     "Tanh"};

bool is_one_that_keeps(const Node& node) {
  return node.domain.empty() && std::ranges::find(kKeepRank, node.op_type) != kKeepRank.end();
}

// By ValueId: the ranks of what convolutions make and others keep; 0 where nothing says it.
std::vector<std::int64_t> image_ranks(const Graph& graph) {
  std::vector<std::int64_t> ranks(graph.values().size(), 0);
  const auto rank_of = [&](ValueId id) {
    const Tensor* constant = graph.constant(id);
    return constant != nullptr ? constant->rank() : ranks[static_cast<std::size_t>(id)];
  };
  for (const Node& node : graph.nodes()) {
    if (node.inputs.empty() || node.outputs.empty() || node.outputs[0] == kNoValue) continue;
    std::int64_t& rank = ranks[static_cast<std::size_t>(node.outputs[0])];
    if (node.is("Conv") || node.is("ConvTranspose")) {
      const Tensor* weights = graph.constant(node.input(1));
      if (weights != nullptr && weights->dtype() == DType::kF32) rank = weights->rank();
    } else if (is_one_that_keeps(node)) {
      rank = rank_of(node.inputs[0]);
    } else if (node.is("Add") || node.is("Mul") || node.is("Concat")) {
      bool all = true;
      for (const ValueId input : node.inputs) {
        all = all && (graph.constant(input) != nullptr || rank_of(input) > 0);
        rank = std::max(rank, rank_of(input));
      }
      if (!all) rank = 0;
    }
  }
  return ranks;
}

// Axes as an attribute or, from opset 18 on, as an input; all of them where there are none.
std::vector<std::int64_t> axes_of(const Graph& graph, const Node& node) {
  if (node.input(1) == kNoValue) return node.attributes.get_ints("axes");
  const Tensor* axes = graph.constant(node.inputs[1]);
  if (axes == nullptr || axes->dtype() != DType::kS64) return {};
  const auto values = axes->values<std::int64_t>();
  return {values.begin(), values.end()};
}

// Whether they are all but the first two.
bool are_spatial(std::vector<std::int64_t> axes, std::int64_t rank) {
  for (std::int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::ranges::sort(axes);
  if (std::ssize(axes) != rank - 2) return false;
  for (std::size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != static_cast<std::int64_t>(i) + 2) return false;
  return true;
}

}  // namespace

int spatial_mean(Graph& graph, const Evaluate&) {
  int changed = 0;
  const std::vector<std::int64_t> ranks = image_ranks(graph);
  const NodeId count = graph.node_count();
  for (NodeId id = 0; id < count; ++id) {
    if (!graph.node(id).is("ReduceMean")) continue;
    const std::vector<std::int64_t> axes = axes_of(graph, graph.node(id));
    const std::int64_t rank =
        axes.empty() ? 0 : ranks[static_cast<std::size_t>(graph.node(id).inputs[0])];
    if (rank < 3 || !are_spatial(axes, rank)) continue;
    Node& mean = graph.node(id);
    const bool keeps = mean.attributes.get_int("keepdims", 1) != 0;
    mean.op_type = "GlobalAveragePool";
    mean.attributes = {};
    mean.inputs.resize(1);
    ++changed;
    if (keeps) continue;
    const ValueId flat = mean.outputs[0];
    const std::string name = mean.name;
    const ValueId pooled = graph.add_value(graph.value(flat).name + "_pooled");
    graph.node(id).outputs[0] = pooled;
    Node flatten{.name = graph.unique_node_name(name + "_Flatten"),
                 .domain = "",
                 .op_type = "Flatten",
                 .inputs = {pooled},
                 .outputs = {flat},
                 .attributes = {},
                 .doc = ""};
    flatten.attributes.set("axis", std::int64_t{1});
    graph.add_node(std::move(flatten));
  }
  return changed;
}

}  // namespace q8

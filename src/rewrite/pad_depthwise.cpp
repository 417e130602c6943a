#include "rewrite/pad_depthwise.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "plan/targets.h"

namespace q8 {
namespace {

// Of one input, by elements, alike for all channels.
constexpr std::string_view kByElement[] = {"Clip", "Elu",  "HardSigmoid", "HardSwish", "LeakyRelu",
                                           "Relu", "Selu", "Sigmoid",     "Tanh"};

Tensor with_zeros(const Tensor& tensor, std::int64_t axis, std::int64_t more) {
  std::vector<std::int64_t> dims(tensor.shape().begin(), tensor.shape().end());
  dims[static_cast<std::size_t>(axis)] += more;
  Tensor wider = Tensor::zeros(tensor.dtype(), Shape(dims));
  const auto inner = static_cast<std::size_t>(wider.shape().count(axis + 1, wider.rank())) *
                     dtype_size(tensor.dtype());
  const std::size_t from = inner * static_cast<std::size_t>(tensor.shape()[axis]),
                    to = inner * static_cast<std::size_t>(wider.shape()[axis]);
  for (std::int64_t i = 0; i < tensor.shape().count(0, axis); ++i)
    std::memcpy(wider.mutable_bytes() + static_cast<std::size_t>(i) * to,
                tensor.bytes() + static_cast<std::size_t>(i) * from, from);
  return wider;
}

// A convolution at the end of a chain of operators by element, and the values up to it.
struct Neighbour {
  NodeId conv;
  std::vector<ValueId> values;
};

class Padding {
 public:
  Padding(Graph& graph, QuantizationPlan& plan) : graph_(graph), plan_(plan), uses_(graph) {}

  void pad(NodeId id, std::int64_t block) {
    if (!is_integer_conv(id) || !is_depthwise(id)) return;
    const std::int64_t channels = weights(id).shape()[0], more = (block - channels % block) % block;
    if (more == 0 || 2 * more > channels) return;
    const auto before = conv_before(id), behind = conv_behind(id);
    if (!before || !behind) return;
    for (const NodeId maker : {before->conv, id}) {
      widen(maker, 1, 0, more);
      if (graph_.constant(graph_.node(maker).input(2)) != nullptr) widen(maker, 2, 0, more);
    }
    widen(behind->conv, 1, 1, more);
    graph_.node(id).attributes.set("group", channels + more);
    for (const auto* values : {&before->values, &behind->values})
      for (const ValueId value : *values) {
        auto& dims = graph_.value(value).type.dims;
        if (dims && dims->size() > 1) (*dims)[1] = channels + more;
      }
  }

 private:
  const Tensor& weights(NodeId id) const { return *graph_.constant(graph_.node(id).inputs[1]); }

  // With constants as this knows to widen them: a bias for each channel, zero as the integer zero.
  bool is_integer_conv(NodeId id) const {
    const Node& node = graph_.node(id);
    if (!node.is("Conv") || graph_.constant(node.input(1)) == nullptr || weights(id).rank() < 3)
      return false;
    const Tensor* bias = graph_.constant(node.input(2));
    if (bias == nullptr ? node.input(2) != kNoValue : bias->rank() != 1) return false;
    const NodePlan* planned = plan_.find_node(node.name);
    if (planned == nullptr || planned->mode != NodeMode::kInteger) return false;
    return std::ranges::all_of(std::array<std::size_t, 2>{1, 2}, [&](std::size_t input) {
      const ConstantPlan* constant = plan_.find_constant(node.name, input);
      return constant == nullptr ||
             (!constant->params.is_blocked() && constant->params.axis <= 0 &&
              std::ranges::all_of(constant->params.zero_point, [](auto z) { return z == 0; }));
    });
  }
  bool is_depthwise(NodeId id) const {
    return weights(id).shape()[1] == 1 &&
           graph_.node(id).attributes.get_int("group", 1) == weights(id).shape()[0];
  }
  bool is_of_one_group(NodeId id) const {
    return is_integer_conv(id) && graph_.node(id).attributes.get_int("group", 1) == 1;
  }
  bool is_by_element(const Node& node) const {
    if (!node.domain.empty() || std::ranges::find(kByElement, node.op_type) == std::end(kByElement))
      return false;
    return std::all_of(node.inputs.begin() + 1, node.inputs.end(), [&](ValueId input) {
      return input == kNoValue || (graph_.constant(input) && graph_.constant(input)->size() == 1);
    });
  }

  std::optional<Neighbour> conv_before(NodeId id) const {
    Neighbour found{.conv = id, .values = {}};
    for (;;) {
      const ValueId value = graph_.node(found.conv).inputs[0];
      found.values.push_back(value);
      found.conv = uses_.producer(value);
      if (uses_.only_consumer(value) == kNoNode || found.conv == kNoNode) return std::nullopt;
      if (is_of_one_group(found.conv)) return found;
      if (!is_by_element(graph_.node(found.conv))) return std::nullopt;
    }
  }
  std::optional<Neighbour> conv_behind(NodeId id) const {
    Neighbour found{.conv = id, .values = {}};
    for (;;) {
      const ValueId value = graph_.node(found.conv).outputs[0];
      found.values.push_back(value);
      found.conv = uses_.only_consumer(value);
      if (found.conv == kNoNode || graph_.node(found.conv).inputs[0] != value) return std::nullopt;
      if (is_of_one_group(found.conv)) return found;
      if (!is_by_element(graph_.node(found.conv))) return std::nullopt;
    }
  }

  void widen(NodeId id, std::size_t input, std::int64_t axis, std::int64_t more) {
    const ValueId from = graph_.node(id).inputs[input];
    Tensor wider = with_zeros(*graph_.constant(from), axis, more);
    const ValueId to = graph_.add_constant(graph_.value(from).name + "_padded", std::move(wider));
    graph_.node(id).inputs[input] = to;
    const auto it = plan_.constants.find(std::pair(graph_.node(id).name, input));
    if (it == plan_.constants.end()) return;
    ConstantPlan& constant = it->second;
    constant.value = graph_.value(to).name;
    if (constant.integers) constant.integers = with_zeros(*constant.integers, axis, more);
    if (constant.params.axis != axis) return;
    // The last channel's, so that a bias keeps the scale of input times weights.
    const auto size = constant.params.scale.size() + static_cast<std::size_t>(more);
    constant.params.scale.resize(size, constant.params.scale.back());
    constant.params.zero_point.resize(size, 0);
  }

  Graph& graph_;
  QuantizationPlan& plan_;
  const Uses uses_;
};

}  // namespace

void pad_depthwise_channels(Graph& graph, QuantizationPlan& plan) {
  const std::int64_t block = find_target(plan.target).least_depthwise_channels;
  if (block == 1) return;
  Padding padding(graph, plan);
  for (NodeId id = 0; id < graph.node_count(); ++id) padding.pad(id, block);
}

}  // namespace q8

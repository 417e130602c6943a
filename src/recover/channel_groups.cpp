#include "recover/channel_groups.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "graph/passes/channel_affine.h"

namespace q8 {
namespace {

constexpr std::array<std::string_view, 4> kElementwise = {"Relu", "LeakyRelu", "PRelu", "Identity"};
constexpr std::array<std::string_view, 4> kPools = {"MaxPool", "AveragePool", "GlobalMaxPool",
                                                    "GlobalAveragePool"};
// Normalizations whose last step is a factor and a shift for each channel.
constexpr std::array<std::string_view, 3> kRowNorms = {"LayerNormalization", "RMSNormalization",
                                                       "SimplifiedLayerNormalization"};
constexpr std::array<std::string_view, 3> kImageNorms = {
    "BatchNormalization", "InstanceNormalization", "GroupNormalization"};

template <std::size_t N>
bool is_one_of(const Node& node, const std::array<std::string_view, N>& types) {
  return node.domain.empty() && std::ranges::find(types, node.op_type) != types.end();
}

// [N, C, …] as [N, C · …]
bool flattens(const Graph& graph, const Node& node) {
  if (node.is("Flatten")) return node.attributes.get_int("axis", 1) == 1;
  const Tensor* shape = graph.constant(node.input(1));
  return node.is("Reshape") && shape != nullptr &&
         shape->to_int64s() == std::vector<std::int64_t>{0, -1} &&
         node.attributes.get_int("allowzero", 0) == 0;
}

// Whether a constant has one number for each channel, in their order.
bool is_per_channel(const Tensor* constant, std::int64_t channels) {
  return constant != nullptr && constant->dtype() == DType::kF32 && constant->size() == channels &&
         constant->rank() > 0 && constant->shape().back() == channels;
}

ChannelReader reader_of(const Graph& graph, const WeightedLayer& layer) {
  ChannelReader reader{.layer = layer};
  if (!graph.node(layer.node).is("Conv")) return reader;
  reader.taps = layer.weights->shape().count(2, layer.weights->rank());
  reader.channel_axis = 1;
  return reader;
}

// Where the channels of a value are: on axis 1 of so many, on the last one, or spread over the last
// one of two by a Flatten.
struct Place {
  ChannelAxis axis;  // axis 1 or -1
  bool is_flat = false;

  bool agrees(const Place& other) const {
    return is_flat == other.is_flat && axis.axis == other.axis.axis &&
           (axis.axis != 1 || axis.rank == other.axis.rank);
  }
};

// Where a layer reads its channels, or makes them.
Place place_at(const Graph& graph, const WeightedLayer& layer, std::int64_t channels) {
  const Node& node = graph.node(layer.node);
  if (node.is("Conv"))
    return {.axis = {.channels = channels, .axis = 1, .rank = layer.weights->rank()}};
  return {.axis = {.channels = channels, .axis = -1, .rank = node.is("Gemm") ? 2 : 0}};
}

// All values that must be divided together with one of them.
class Closure {
 public:
  // `gate`: which factor of a product of two computed values has the channels divided.
  Closure(const Graph& graph, const Uses& uses, std::size_t gate)
      : graph_(graph), uses_(uses), gate_(gate) {}

  // False where something stands in the way.
  bool spread(ValueId value, const Place& place) {
    group_.channels = place.axis.channels;
    if (!add(value, place)) return false;
    while (!waiting_.empty()) {
      const ValueId id = waiting_.back();
      waiting_.pop_back();
      if (!visit_maker(id) || !visit_readers(id)) return false;
    }
    return finish();
  }

  const std::string& reason() const { return reason_; }
  bool saw_gate() const { return !gates_.empty(); }
  ChannelGroup group() && { return std::move(group_); }

 private:
  bool fail(ValueId value, const std::string& why) {
    reason_ = "'" + graph_.value(value).name + "' " + why;
    return false;
  }

  bool add(ValueId value, const Place& place) {
    const auto [it, is_new] = places_.emplace(value, place);
    if (is_new) waiting_.push_back(value);
    return is_new || it->second.agrees(place) || fail(value, "has its channels on two axes");
  }
  bool is_divided(ValueId value) const { return places_.contains(value); }
  const Tensor* constant(const Node& node, std::size_t input) const {
    return graph_.constant(node.input(input));
  }

  // --- what makes a value ---

  bool visit_maker(ValueId value) {
    const NodeId id = uses_.producer(value);
    if (id == kNoNode) return fail(value, "is an input of the model");
    const Node& node = graph_.node(id);
    const Place place = places_.at(value);
    if (node.outputs[0] != value) return fail(value, "is a second output of " + node.label());
    if (const auto layer = describe_layer(graph_, id)) return divide_layer(value, *layer, place);
    const bool is_row_norm = is_one_of(node, kRowNorms);
    if (is_row_norm || is_one_of(node, kImageNorms))
      return divide_norm(value, id, place, is_row_norm);
    if (const auto before = place_before(node, place)) return add(node.inputs[0], *before);
    if (node.is("Add") || node.is("Sub")) return visit_sum(value, id, place);
    if (node.is("Mul") || node.is("Div")) return visit_product(value, id, place);
    return fail(value, "is made by " + node.label() + ", which takes no factors");
  }

  bool divide_layer(ValueId value, const WeightedLayer& layer, const Place& place) {
    const Node& node = graph_.node(layer.node);
    if (!place.agrees(place_at(graph_, layer, layer.channels)) || layer.channels != group_.channels)
      return fail(value, "has other channels than " + node.label());
    if (!owns_weights(layer)) return fail(value, "is made by weights that other nodes share");
    const bool has_bias = node.input(2) != kNoValue;
    if (has_bias && !is_per_channel(constant(node, 2), layer.channels))
      return fail(value, "is made by " + node.label() + ", whose bias is not one number a channel");
    group_.makers.push_back({layer.node, 1, true});
    if (has_bias) group_.makers.push_back({layer.node, 2, false});
    return true;
  }

  bool divide_norm(ValueId value, NodeId id, const Place& place, bool is_row_norm) {
    const Node& node = graph_.node(id);
    const bool is_last = !is_row_norm || node.attributes.get_int("axis", -1) == -1;
    if (place.is_flat || !is_last || place.axis.axis != (is_row_norm ? -1 : 1))
      return fail(value, "has other channels than " + node.label());
    for (std::size_t input = 1; input <= 2; ++input) {
      if (input == 2 && node.input(2) == kNoValue) continue;
      if (!is_per_channel(constant(node, input), group_.channels))
        return fail(value, "is made by " + node.label() + ", which has no factor a channel");
      group_.makers.push_back({id, input, false});
    }
    return true;
  }

  bool visit_sum(ValueId value, NodeId id, const Place& place) {
    const Node& node = graph_.node(id);
    for (std::size_t i = 0; i < 2; ++i) {
      if (constant(node, i) == nullptr) {
        if (!add(node.inputs[i], place)) return false;
        continue;
      }
      const auto affine = channel_affine(graph_, node, node.inputs[1 - i], place.axis);
      if (place.is_flat || !affine || constant(node, i)->size() != group_.channels)
        return fail(value, "is made by " + node.label() + ", which adds no number a channel");
      group_.makers.push_back({id, i, false});
    }
    return true;
  }

  // The last step of a normalization that is spelled out is a product with a constant, which may
  // take the division; other factors let it pass.
  bool visit_product(ValueId value, NodeId id, const Place& place) {
    const Node& node = graph_.node(id);
    const bool constants[2] = {constant(node, 0) != nullptr, constant(node, 1) != nullptr};
    if (node.is("Div") && !constants[1])
      return fail(value, "is made by " + node.label() + ", which divides by a computed value");
    if (!constants[0] && !constants[1]) {
      gates_.push_back(id);
      const bool has_one = is_divided(node.inputs[0]) || is_divided(node.inputs[1]);
      return has_one || add(node.inputs[gate_], place);
    }
    const std::size_t side = constants[0] ? 0 : 1;
    if (place.axis.axis == 1 && constant(node, side)->rank() > place.axis.rank)
      return fail(value, "is made by " + node.label() + ", which adds axes");
    const ValueId data = node.inputs[1 - side];
    const auto affine = channel_affine(graph_, node, data, place.axis);
    if (node.is("Mul") && affine && !place.is_flat && !is_divided(data) &&
        constant(node, side)->size() == group_.channels) {
      products_.push_back({id, side, false});
      return true;
    }
    return add(data, place);
  }

  // --- what reads a value ---

  bool visit_readers(ValueId value) {
    if (graph_.is_output(value)) return fail(value, "is an output of the model");
    NodeId last = kNoNode;
    for (const NodeId id : uses_.consumers(value))
      if (id != last && !visit_reader(value, last = id)) return false;
    return true;
  }

  bool visit_reader(ValueId value, NodeId id) {
    const Node& node = graph_.node(id);
    const Place place = places_.at(value);
    const auto refuse = [&] {
      return fail(value, "is read by " + node.label() + ", which does not keep channels apart");
    };
    if (node.outputs.empty() || std::ranges::count(node.inputs, value) != 1) return refuse();
    const bool is_first = node.inputs[0] == value;
    if (const auto layer = describe_layer(graph_, id); layer && is_first)
      return multiply_layer(value, *layer, place);
    if (is_first)
      if (const auto behind = place_behind(node, place)) return add(node.outputs[0], *behind);
    const bool is_divisor = node.is("Div") && !is_first;
    const bool passes =
        node.is("Add") || node.is("Sub") || node.is("Mul") || (node.is("Div") && !is_divisor);
    if (!passes) return refuse();
    return add(node.outputs[0], place);
  }

  bool multiply_layer(ValueId value, const WeightedLayer& layer, const Place& place) {
    const ChannelReader reader = reader_of(graph_, layer);
    const bool is_row = place.is_flat && !reader.is_conv();
    const bool fits = is_row ? reader.columns() % group_.channels == 0
                             : place.agrees(place_at(graph_, layer, reader.columns())) &&
                                   reader.columns() == group_.channels;
    if (!fits) return fail(value, "has other channels than " + graph_.node(layer.node).label());
    if (!owns_weights(layer)) return fail(value, "meets weights that other nodes share");
    group_.readers.push_back(reader);
    return true;
  }

  // --- operators that a factor passes through ---

  // f(x / s) = f(x) / s for s > 0, channel by channel.
  bool is_homogeneous(const Node& node, const Place& place) const {
    if (is_one_of(node, kElementwise)) return node.inputs.size() < 2 || constant(node, 1);
    if (place.is_flat || place.axis.axis != 1) return false;
    return is_one_of(node, kPools) && std::ssize(node.outputs) == 1;
  }
  std::optional<Place> place_behind(const Node& node, const Place& place) const {
    if (is_homogeneous(node, place)) return place;
    if (place.is_flat || place.axis.axis != 1 || !flattens(graph_, node)) return std::nullopt;
    return Place{.axis = {.channels = place.axis.channels, .axis = 1, .rank = 2}, .is_flat = true};
  }
  std::optional<Place> place_before(const Node& node, const Place& place) const {
    if (is_homogeneous(node, place)) return place;
    // The value before is divided already: the group reached this one through it.
    if (place.is_flat && flattens(graph_, node) && is_divided(node.inputs[0]))
      return places_.at(node.inputs[0]);
    return std::nullopt;
  }

  bool owns_weights(const WeightedLayer& layer) const {
    return uses_.consumers(graph_.node(layer.node).inputs[1]).size() == 1;
  }

  // Of a product of two computed values exactly one is divided, and a constant factor takes the
  // division only where nothing before it did.
  bool finish() {
    for (const NodeId id : gates_) {
      const Node& node = graph_.node(id);
      if (is_divided(node.inputs[0]) == is_divided(node.inputs[1]))
        return fail(node.outputs[0], "is the product of two values that would be divided");
    }
    for (const DividedConstant& product : products_)
      if (!is_divided(graph_.node(product.node).inputs[1 - product.input]))
        group_.makers.push_back(product);
    for (const auto& [value, place] : places_) group_.values.push_back(value);
    return true;
  }

  const Graph& graph_;
  const Uses& uses_;
  std::size_t gate_;
  std::map<ValueId, Place> places_;
  std::vector<ValueId> waiting_;
  std::vector<NodeId> gates_;              // products of two computed values
  std::vector<DividedConstant> products_;  // that may take the division
  ChannelGroup group_;
  std::string reason_;
};

// Finds groups from one value after the other.
class GroupFinder {
 public:
  explicit GroupFinder(const Graph& graph) : graph_(graph), uses_(graph) {}

  ChannelGroups find() {
    for (NodeId id = 0; id < graph_.node_count(); ++id) start_behind(id);
    for (NodeId id = 0; id < graph_.node_count(); ++id) start_before(id);
    return std::move(result_);
  }

 private:
  void start_behind(NodeId id) {
    if (const auto layer = describe_layer(graph_, id))
      attempt(graph_.node(id).outputs[0], place_at(graph_, *layer, layer->channels));
  }

  void start_before(NodeId id) {
    const auto layer = describe_layer(graph_, id);
    if (!layer) return;
    const std::int64_t columns = reader_of(graph_, *layer).columns();
    const std::string reason = attempt(layer->input, place_at(graph_, *layer, columns));
    const bool is_known = std::ranges::find(result_.blocked, layer->input,
                                            &BlockedChannels::value) != result_.blocked.end();
    if (!reason.empty() && !is_known) result_.blocked.push_back({layer->input, reason});
  }

  // Returns what stands in the way; nothing where there is a group now, or was one.
  std::string attempt(ValueId value, const Place& place) {
    if (grouped_.contains(value)) return {};
    std::string reason;
    for (const std::size_t gate : {std::size_t{0}, std::size_t{1}}) {
      Closure closure(graph_, uses_, gate);
      if (closure.spread(value, place)) {
        ChannelGroup group = std::move(closure).group();
        if (group.readers.empty() || group.makers.empty()) return "no layer reads it";
        grouped_.insert(group.values.begin(), group.values.end());
        result_.groups.push_back(std::move(group));
        return {};
      }
      if (gate == 0) reason = closure.reason();
      if (!closure.saw_gate()) break;
    }
    return reason;
  }

  const Graph& graph_;
  Uses uses_;
  ChannelGroups result_;
  std::set<ValueId> grouped_;
};

}  // namespace

ChannelGroups find_channel_groups(const Graph& graph) {
  return GroupFinder(graph).find();
}

std::optional<ChannelGroup> find_product_group(const Graph& graph, const Uses& uses,
                                               ValueId value) {
  ChannelGroup group;
  group.values = {value};
  for (const NodeId id : uses.consumers(value)) {
    const auto layer = describe_layer(graph, id);
    if (!layer || layer->input != value || uses.consumers(graph.node(id).inputs[1]).size() != 1)
      continue;
    const ChannelReader reader = reader_of(graph, *layer);
    if (group.readers.empty()) group.channels = reader.columns();
    if (reader.columns() != group.channels ||
        (!group.readers.empty() && reader.channel_axis != group.readers[0].channel_axis))
      return std::nullopt;
    group.readers.push_back(reader);
  }
  if (group.readers.empty()) return std::nullopt;
  return group;
}

}  // namespace q8

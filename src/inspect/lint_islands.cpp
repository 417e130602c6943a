#include <algorithm>
#include <map>

#include "inspect/lint.h"

namespace q8 {
namespace {

// Groups of float nodes that hang together, told by the values between them. Values of shapes and
// indices are no part of them.
class Islands {
 public:
  explicit Islands(LintContext& context)
      : context_(context),
        graph_(context.graph),
        is_index_(graph_.values().size()),
        groups_(graph_.nodes().size(), -1) {
    for (NodeId id = 0; id < graph_.node_count(); ++id) mark_index(graph_.node(id));
  }

  void report() {
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (is_float(id) && group(id) < 0) report_island(collect(id));
  }

 private:
  struct Island {
    std::vector<NodeId> nodes;
    bool reads_integers = false, makes_integers = false;
  };

  std::int32_t& group(NodeId id) { return groups_[static_cast<std::size_t>(id)]; }
  bool is_index(ValueId id) const { return is_index_[static_cast<std::size_t>(id)]; }

  // What is made of integers only is a shape, an index or a truth, and so are these results.
  void mark_index(const Node& node) {
    constexpr std::string_view kMakers[] = {
        "Shape", "Size", "ArgMax", "ArgMin", "NonZero", "Greater",        "Less",
        "Equal", "Not",  "And",    "Or",     "IsNaN",   "GreaterOrEqual", "LessOrEqual"};
    bool all = std::ranges::any_of(kMakers, [&](std::string_view type) { return node.is(type); });
    if (node.is("Cast"))
      all = !makes_floats(node);
    else if (!all && !node.is("ConstantOfShape"))
      all = !node.inputs.empty() && std::ranges::all_of(node.inputs, [&](ValueId input) {
        return input == kNoValue || carries_index(input);
      });
    for (const ValueId output : node.outputs)
      if (output != kNoValue)
        is_index_[static_cast<std::size_t>(output)] = all || has_index_type(output);
  }

  static bool makes_floats(const Node& cast) {
    constexpr std::int64_t kFloats[] = {1, 10, 11, 16};  // TensorProto: FLOAT, FLOAT16 …
    return std::ranges::find(kFloats, cast.attributes.get_int("to", 1)) != std::end(kFloats);
  }

  bool has_index_type(ValueId id) const {
    if (const Tensor* constant = graph_.constant(id)) return !is_floating(constant->dtype());
    const auto& dtype = graph_.value(id).type.dtype;
    return dtype && !is_floating(*dtype);
  }
  bool carries_index(ValueId id) const { return is_index(id) || has_index_type(id); }

  // A node that computes with floats, on its own and not as a part of an integer one.
  bool is_float(NodeId id) const {
    const Node& node = graph_.node(id);
    if (context_.integer[static_cast<std::size_t>(id)]) return false;
    if (node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear") return false;
    if (node.is("Add") && !context_.target.integer_adds) return false;  // part of a product there
    bool all_index = !node.outputs.empty();
    for (const ValueId output : node.outputs)
      all_index = all_index && (output == kNoValue || carries_index(output));
    return !all_index;
  }

  Island collect(NodeId start) {
    Island island;
    std::vector<NodeId> open{start};
    group(start) = start;
    const auto visit = [&](NodeId id) {
      if (id == kNoNode) return;
      const std::string& type = graph_.node(id).op_type;
      if (type == "QuantizeLinear" || context_.integer[static_cast<std::size_t>(id)])
        island.makes_integers = true;
      if (!is_float(id) || group(id) >= 0) return;
      group(id) = start;
      open.push_back(id);
    };
    while (!open.empty()) {
      const NodeId id = open.back();
      open.pop_back();
      island.nodes.push_back(id);
      for (const ValueId input : graph_.node(id).inputs) {
        if (input == kNoValue || carries_index(input)) continue;
        const NodeId producer = context_.uses.producer(input);
        if (producer == kNoNode) continue;
        const Link* link = context_.view.dequantizer(input);
        if (link != nullptr) {
          island.reads_integers = island.reads_integers || !context_.view.is_constant(*link);
        } else if (is_float(producer)) {
          visit(producer);
        } else {
          island.reads_integers = true;
        }
      }
      for (const ValueId output : graph_.node(id).outputs)
        if (output != kNoValue && !carries_index(output))
          for (const NodeId reader : context_.uses.consumers(output)) visit(reader);
    }
    std::ranges::sort(island.nodes);
    return island;
  }

  void report_island(const Island& island) {
    const bool inside = island.reads_integers && island.makes_integers;
    context_.result.float_islands += inside;
    const bool unwanted = context_.target.quantized_outputs;
    if (!inside && !unwanted) return;
    std::map<std::string, int> types;
    for (const NodeId id : island.nodes) ++types[graph_.node(id).op_type];
    std::string list;
    for (const auto& [type, count] : types)
      list += (list.empty() ? "" : ", ") + (count > 1 ? std::to_string(count) + " × " : "") + type;
    const Node& first = graph_.node(island.nodes.front());
    context_.report(unwanted ? FindingLevel::kWarning : FindingLevel::kNote, "islands", &first,
                    std::string(inside ? "in float between integers" : "in float") + ", from " +
                        first.label() + ": " + list);
  }

  LintContext& context_;
  const Graph& graph_;
  std::vector<bool> is_index_;        // by ValueId
  std::vector<std::int32_t> groups_;  // by NodeId: the first node of its island, or -1
};

}  // namespace

void check_islands(LintContext& context) {
  Islands(context).report();
}

}  // namespace q8

#include "exec/lowering/fuse_conv_chain.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/error.h"
#include "exec/lowering/lone_readers.h"
#include "ops/conv_attributes.h"
#include "ops/quantized/quantized_conv_inputs.h"

namespace q8 {
namespace {

class ChainFuser {
 public:
  ChainFuser(LoweredGraph& lowered, const std::vector<ValueId>& keep)
      : graph_(lowered.graph), readers_(lowered.graph, shown_values(lowered, keep)) {}

  int run() {
    int gone = 0;
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      const auto g = geometry_of(id);
      if (!g || !g->is_depthwise()) continue;
      const std::vector<NodeId> links = chain_around(id);
      if (links.size() == 1) continue;
      fuse(links);
      gone += static_cast<int>(links.size()) - 1;
    }
    return gone;
  }

 private:
  // Of a two-dimensional integer convolution with channels last of which all but x is constant.
  std::optional<ConvGeometry> geometry_of(NodeId id) const try {
    if (id == kNoNode) return std::nullopt;
    const Node& node = graph_.node(id);
    if (node.domain != "q8" || node.op_type != "QLinearConv") return std::nullopt;
    for (std::size_t i = 1; i < node.inputs.size(); ++i)
      if (node.inputs[i] != kNoValue && graph_.constant(node.inputs[i]) == nullptr)
        return std::nullopt;
    const Layout layout = layout_of(node.attributes);
    const Tensor* weights = graph_.constant(node.input(3));
    if (layout != Layout::kChannelsLast || weights == nullptr || weights->rank() != 4)
      return std::nullopt;
    return ConvAttributes(node.attributes, layout).weight_geometry(*weights);
  } catch (const Error& error) {
    throw error.within(graph_.node(id).label());
  }

  // Lines between two threads' parts are made twice, so only what takes little time goes in front.
  static bool is_cheap(const ConvGeometry& g) {
    constexpr std::int64_t kStemChannels = 4;
    return g.groups == 1 && (g.taps() == 1 || g.in_channels <= kStemChannels);
  }

  std::vector<NodeId> chain_around(NodeId depthwise) const {
    std::vector<NodeId> links{depthwise};
    const ValueId x = graph_.node(depthwise).inputs[0], y = graph_.node(depthwise).outputs[0];
    const NodeId before = readers_.producer(x);
    if (const auto g = geometry_of(before); g && is_cheap(*g) && readers_.of(x) == depthwise)
      links.insert(links.begin(), before);
    const NodeId behind = readers_.of(y);
    if (const auto g = geometry_of(behind);
        g && g->groups == 1 && g->taps() == 1 && graph_.node(behind).inputs[0] == y)
      links.push_back(behind);
    return links;
  }

  // The last one's node becomes the chain's.
  void fuse(const std::vector<NodeId>& links) {
    std::vector<ValueId> inputs{graph_.node(links.front()).inputs[0]};
    Attributes attributes;
    attributes.set("links", static_cast<std::int64_t>(links.size()));
    for (std::size_t i = 0; i < links.size(); ++i) {
      const Node& node = graph_.node(links[i]);
      for (std::size_t k = 1; k <= QLinearConvInputs::kCount; ++k) inputs.push_back(node.input(k));
      for (const auto& [name, attribute] : node.attributes)
        attributes.set(std::to_string(i) + "_" + name, attribute);
    }
    Node& last = graph_.node(links.back());
    last.op_type = "QLinearConvChain";
    last.inputs = std::move(inputs);
    last.attributes = std::move(attributes);
    for (std::size_t i = 0; i + 1 < links.size(); ++i) graph_.remove_node(links[i]);
  }

  Graph& graph_;
  const LoneReaders readers_;
};

}  // namespace

int fuse_conv_chain(LoweredGraph& lowered, const std::vector<ValueId>& keep) {
  const int gone = ChainFuser(lowered, keep).run();
  if (gone > 0) lowered.graph.tidy(shown_values(lowered, keep));
  return gone;
}

}  // namespace q8

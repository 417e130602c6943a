#include "exec/lowering/fuse_activation.h"

#include "exec/lowering/activation_patterns.h"

namespace q8 {
namespace {

std::string_view operator_of(ActivationPattern::Kind kind) {
  switch (kind) {
    case ActivationPattern::Kind::kSwish:
      return "Swish";
    case ActivationPattern::Kind::kGelu:
    case ActivationPattern::Kind::kGeluTanh:
      return "Gelu";
    case ActivationPattern::Kind::kHardSwish:
      return "HardSwish";
  }
  return "";
}

}  // namespace

int fuse_activation(Graph& graph, const std::vector<ValueId>& keep) {
  int gone = 0;
  for (const ActivationPattern& pattern : find_activation_patterns(graph, keep)) {
    Node& last = graph.node(pattern.last);
    last.domain.clear();
    last.op_type = operator_of(pattern.kind);
    last.inputs = {pattern.x};
    last.attributes = {};
    if (pattern.kind == ActivationPattern::Kind::kGeluTanh)
      last.attributes.set("approximate", std::string("tanh"));
    for (const NodeId id : pattern.inner) graph.remove_node(id);
    gone += static_cast<int>(pattern.inner.size());
  }
  if (gone > 0) graph.tidy();
  return gone;
}

}  // namespace q8

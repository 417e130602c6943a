#include <map>

#include "inspect/lint.h"

namespace q8 {
namespace {

bool is_dynamic(const Node& node) {
  return node.op_type.starts_with("DynamicQuantize") || node.op_type.ends_with("Integer") ||
         node.op_type == "MatMulIntegerToFloat";
}

struct Group {
  const Node* first = nullptr;
  std::int64_t count = 0;
};

std::string several(const Group& group, const std::string& name) {
  return std::to_string(group.count) + " × " + name;
}

}  // namespace

void check_operators(LintContext& context) {
  const Target& target = context.target;
  std::map<std::string, Group> foreign, qoperators, dynamic;
  const auto count = [](std::map<std::string, Group>& groups, const Node& node) {
    Group& group = groups[node.op_type];
    if (group.count++ == 0) group.first = &node;
  };
  bool& quantized = context.has_quantized_nodes;
  quantized = !context.view.links().empty();
  for (const Node& node : context.graph.nodes()) {
    if (is_dynamic(node)) {
      quantized = true;
      if (!target.runs_dynamic_products) count(dynamic, node);
    } else if (node.op_type.starts_with("QLinear") || node.op_type.starts_with("QGemm")) {
      quantized = true;
      if (!target.reads_qoperators) count(qoperators, node);
    } else if (node.domain == "com.microsoft" && !target.reads_microsoft_domain) {
      count(foreign, node);
    }
  }
  for (const auto& [type, group] : foreign)
    context.report(FindingLevel::kError, "operators", group.first,
                   several(group, "com.microsoft." + type) + ": only ONNX Runtime has that domain");
  for (const auto& [type, group] : qoperators)
    context.report(FindingLevel::kError, "operators", group.first,
                   several(group, type) + ": the target reads the QDQ form alone");
  for (const auto& [type, group] : dynamic)
    context.report(context.unfit_level(), "operators", group.first,
                   several(group, type) + ": the target has no dynamic quantization");
}

}  // namespace q8

#include "plan/plan.h"

#include <algorithm>
#include <cstdio>

#include "base/sha256.h"

namespace q8 {
namespace {

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", x);
  return text;
}

std::string params_text(const QuantParams& p) {
  std::string text(dtype_name(p.dtype));
  if (p.is_per_tensor())
    return text + " scale " + number(p.scale[0]) + " zero_point " + std::to_string(p.zero_point[0]);
  Sha256 digest;  // thousands of channels: their hash tells plans apart
  digest.add(std::as_bytes(std::span(p.scale))).add(std::as_bytes(std::span(p.zero_point)));
  const auto [low, high] = std::minmax_element(p.scale.begin(), p.scale.end());
  if (p.is_blocked()) text += " in blocks of " + std::to_string(p.block);
  return text + " along axis " + std::to_string(p.axis) + ": " + std::to_string(p.scale.size()) +
         " scales " + number(*low) + "…" + number(*high) + ", sha256 " + digest.hex().substr(0, 16);
}

}  // namespace

std::string_view mode_name(NodeMode mode) {
  constexpr std::string_view kNames[] = {"integer", "weights", "absorbed", "float", "dynamic"};
  return kNames[static_cast<std::size_t>(mode)];
}

const NodePlan* QuantizationPlan::find_node(std::string_view name) const {
  const auto it = std::find_if(nodes.begin(), nodes.end(),
                               [&](const NodePlan& node) { return node.node == name; });
  return it == nodes.end() ? nullptr : &*it;
}

const ActivationPlan* QuantizationPlan::find_activation(std::string_view value) const {
  const auto it = activations.find(value);
  return it == activations.end() ? nullptr : &it->second;
}

const ConstantPlan* QuantizationPlan::find_constant(const std::string& node,
                                                    std::size_t input) const {
  const auto it = constants.find(std::pair(node, input));
  return it == constants.end() ? nullptr : &it->second;
}

std::size_t QuantizationPlan::count(NodeMode mode) const {
  return static_cast<std::size_t>(std::count_if(
      nodes.begin(), nodes.end(), [&](const NodePlan& node) { return node.mode == mode; }));
}

std::string describe(const QuantizationPlan& plan) {
  std::string text = "target " + plan.target + "\n" + plan.settings;
  for (const ScaledValue& scaled : plan.scaled) {
    text += "scaled " + scaled.value + (scaled.by_product ? " by a product:" : ":");
    for (const float factor : scaled.factors) text += " " + number(static_cast<double>(factor));
    text += "\n";
  }
  for (const NodePlan& node : plan.nodes)
    text += "node " + node.node + " (" + node.op_type + "): " + std::string(mode_name(node.mode)) +
            (node.float16 ? " (float16)" : "") + ": " + node.reason + "\n";
  for (const auto& [value, a] : plan.activations)
    text += "value " + value + ": " + params_text(a.params) + ", range " + number(a.range.low) +
            "…" + number(a.range.high) + " by " + a.observer +
            (a.shares_with.empty() ? "" : ", shared with " + a.shares_with) +
            (a.everywhere ? "" : ", float readers see the float value") + "\n";
  for (const auto& [key, c] : plan.constants)
    text += "constant " + c.value + " of " + key.first + " input " + std::to_string(key.second) +
            ": " + params_text(c.params) +
            (c.storage == Storage::kRows ? ", gathered by rows" : "") +
            (c.integers ? ", integers chosen by recovery" : "") + "\n";
  for (const std::string& warning : plan.warnings) text += "warning " + warning + "\n";
  return text;
}

}  // namespace q8

#include "recover/estimated_time.h"

#include <map>
#include <string_view>

#include "plan/coverage.h"

namespace q8 {
namespace {

// Integer kernels do four multiply-adds in the time of a float one: what VNNI does beside AVX2 and
// AVX-512 (bench_kernels; AMX does more).
constexpr double kIntegerProduct = 0.25;
// A float value is made, written and read in the time of some 8 float multiply-adds of a matrix
// product; a byte, which is requantized, in half of that.
constexpr double kFloatValue = 8, kByteValue = 4;

}  // namespace

double estimated_time(const Graph& graph, const CalibrationProfile& profile,
                      const QuantizationPlan& plan) {
  std::map<std::string_view, double> elements;
  const double samples = std::max(1.0, static_cast<double>(profile.samples.size()));
  for (const TensorStatistics& tensor : profile.tensors)
    elements[tensor.name] = static_cast<double>(tensor.count) / samples;
  const Uses uses(graph);
  // A value that only a clamp reads is not in the profile, and is as large as the clamp's result.
  const auto size_of = [&](ValueId id) {
    auto found = elements.find(graph.value(id).name);
    const NodeId reader = uses.only_consumer(id);
    if (found == elements.end() && reader != kNoNode)
      found = elements.find(graph.value(graph.node(reader).outputs[0]).name);
    return found == elements.end() ? 0.0 : found->second;
  };
  double time = 0;
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    const Node& node = graph.node(id);
    const NodeMode mode = plan.nodes[static_cast<std::size_t>(id)].mode;
    if (mode == NodeMode::kAbsorbed || node.outputs.empty() || node.outputs[0] == kNoValue)
      continue;
    const bool in_bytes = mode == NodeMode::kInteger || mode == NodeMode::kDynamic;
    const double values = size_of(node.outputs[0]);
    if (quant_role(graph, node) == QuantRole::kWeighted)
      time += multiply_adds(graph, node, values) * (in_bytes ? kIntegerProduct : 1);
    time += values * (in_bytes ? kByteValue : kFloatValue);
  }
  return time;
}

}  // namespace q8

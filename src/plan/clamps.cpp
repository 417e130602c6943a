#include "plan/clamps.h"

#include "exec/lowering/clamp.h"

namespace q8 {
namespace {

bool exceeds(const Range& range, const Range& bounds, double step) {
  return range.low < bounds.low - step / 2 || range.high > bounds.high + step / 2;
}

}  // namespace

std::optional<Range> clamp_bounds(const Graph& graph, const Node& node) {
  const std::optional<Clamp> clamp = clamp_of(graph, node);
  return clamp ? std::optional(Range{clamp->low, clamp->high}) : std::nullopt;
}

std::map<ValueId, Range> absorbed_bounds(const Graph& graph, const Coverage& coverage) {
  std::map<ValueId, Range> bounds;
  for (NodeId id = 0; id < graph.node_count(); ++id)
    if (coverage.modes[static_cast<std::size_t>(id)] == NodeMode::kAbsorbed)
      if (const auto passed = clamp_bounds(graph, graph.node(id)))
        bounds[graph.node(id).outputs[0]] = *passed;
  return bounds;
}

bool exceeds(const Range& range, const Range& bounds) {
  constexpr double kSteps = 255;
  return exceeds(range, bounds, (range.high - range.low) / kSteps);
}

bool exceeds(const QuantParams& params, const Range& bounds) {
  const auto [qmin, qmax] = quant_limits(params.dtype);
  const double scale = params.scale[0], zero_point = params.zero_point[0];
  return exceeds({(qmin - zero_point) * scale, (qmax - zero_point) * scale}, bounds, scale);
}

}  // namespace q8

#include "exec/lowering/clamp.h"

#include <limits>

namespace q8 {

std::optional<Clamp> clamp_of(const Graph& graph, const Node& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (node.is("Relu")) return Clamp{0.0f, kInfinity};
  if (!node.is("Clip")) return std::nullopt;
  Clamp clamp{node.attributes.get_float("min", -kInfinity),
              node.attributes.get_float("max", kInfinity)};
  for (std::size_t i = 1; i <= 2; ++i) {
    if (node.input(i) == kNoValue) continue;
    const Tensor* bound = graph.constant(node.input(i));
    if (bound == nullptr || bound->size() != 1 || bound->dtype() != DType::kF32)
      return std::nullopt;
    (i == 1 ? clamp.low : clamp.high) = bound->to_floats()[0];
  }
  return clamp;
}

}  // namespace q8

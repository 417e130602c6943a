#pragma once

#include <cstdint>

#include "graph/graph.h"

namespace q8 {

// The lowest opset that QDQ models need: DequantizeLinear with an axis.
constexpr std::int64_t kQdqOpset = 13;

// 16-bit activations, 4-bit integers and scales of blocks.
constexpr std::int64_t kNarrowTypesOpset = 21;
constexpr std::int64_t kNewestOpset = 21;  // the newest that is converted to

// The oldest opset that is converted from: broadcasting and the layout of attributes changed in 7.
constexpr std::int64_t kOldestOpset = 7;

// Rewrites the graph, in place, from its opset to `version` of the ai.onnx domain (at most
// kNewestOpset; nothing happens where it is that new already). Weighted nodes keep their names and
// inputs. Throws unsupported naming the node where the meaning cannot be kept, and for opsets
// before 7.
void raise_opset(Graph& graph, std::int64_t version);

}  // namespace q8

#pragma once

#include <optional>
#include <vector>

#include "graph/graph.h"
#include "tensor/quant_params.h"

namespace q8 {

// A value in its quantized form. What leaves its zero point out is none (qdq_zero_points.h).
struct QuantizedInput {
  ValueId integers = kNoValue, scale = kNoValue, zero_point = kNoValue;
  std::int64_t axis = 1;  // of a scale with several values; may be negative
};

// One operator of a QDQ graph with what stands around it.
struct QdqGroup {
  NodeId node = kNoNode;
  std::vector<std::optional<QuantizedInput>> inputs;  // those behind a DequantizeLinear
  std::optional<QuantizedInput> output;  // where the result is only read by one QuantizeLinear
  std::vector<NodeId> replaced;          // the nodes that go: operator, clamps, QuantizeLinear
  ValueId result =
      kNoValue;  // what the group makes: the integers, or the float value without a QuantizeLinear
  // What Relu and Clip between the operator and its QuantizeLinear leave of the real values.
  float low, high;
};

// Whether an operator that moves values only does that. Padding with a float constant, a linear
// Resize and so on compute with them.
bool only_moves(const Node& node);

// What a graph looks like around its nodes, for finding groups. A snapshot.
class QdqView {
 public:
  QdqView(const Graph& graph, const std::vector<ValueId>& keep);

  QdqGroup group(NodeId id) const;
  std::optional<QuantizedInput> quantized(
      ValueId value) const;  // where a DequantizeLinear makes it

 private:
  bool is_kept(ValueId value) const { return kept_[static_cast<std::size_t>(value)]; }

  const Graph& graph_;
  Uses uses_;
  std::vector<bool> kept_;
};

// Parameters behind scale and zero point, where both are constants for the whole tensor.
struct ByteParams {
  float scale = 1;
  std::int32_t zero_point = 0;
  DType dtype = DType::kU8;
  bool operator==(const ByteParams&) const = default;
};
std::optional<ByteParams> byte_params(const Graph& graph, const QuantizedInput& input);
// Those of a QuantizeLinear or DequantizeLinear between reals and u8 or s8; nothing for others.
std::optional<ByteParams> byte_params(const Graph& graph, const Node& node);

}  // namespace q8

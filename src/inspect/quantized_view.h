#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// A QuantizeLinear or DequantizeLinear of any quantizer, in either domain that has them, with what
// it says about the numbers.
struct Link {
  NodeId node = kNoNode;
  bool quantizes = false;                        // real → integers; otherwise back
  ValueId real = kNoValue, integers = kNoValue;  // what it reads and makes
  DType dtype = DType::kU8;                      // of the integers
  const Tensor* scale = nullptr;                 // null where it is computed
  const Tensor* zero_point = nullptr;            // null where it is left out (0) or computed
  bool has_computed_parameters = false;          // scale or zero point
  int axis = -1;                                 // -1: one scale for the whole tensor
  std::int64_t block_size = 0;                   // elements along the axis to a scale; 0: all
  bool has_zero_points() const;                  // any that is not 0
};

// Whether both map the same integers to the same numbers.
bool same_parameters(const Link& a, const Link& b);

// Who quantizes what in a graph. A snapshot; the graph must outlive it and stay as it is.
class QuantizedView {
 public:
  explicit QuantizedView(const Graph& graph);

  const std::vector<Link>& links() const { return links_; }
  // The DequantizeLinear that makes a value, or null.
  const Link* dequantizer(ValueId real) const;
  // The first QuantizeLinear that reads a value, or null.
  const Link* quantizer(ValueId real) const;
  // The QuantizeLinear that makes a value of integers, or null.
  const Link* maker(ValueId integers) const;
  // Whether the numbers are fixed: stored integers, or stored floats behind a QuantizeLinear.
  bool is_constant(const Link& dequantizer) const;

 private:
  const Link* find(const std::vector<std::int32_t>& index, ValueId id) const;

  const Graph& graph_;
  std::vector<Link> links_;
  std::vector<std::int32_t> dequantizers_, quantizers_, makers_;  // by ValueId: a link, or -1
};

}  // namespace q8

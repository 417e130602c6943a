#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "tensor/tensor.h"

namespace q8 {

// The results of the nodes that see nothing but shapes and constants: exporters leave some hundred
// of them in a transformer, and from one run to the next they give the same as long as the shapes
// are the same. A Shape or Size is computed again where its input has another shape than last time,
// another of these nodes where one of its inputs was.
//
// Kept by a Program for its own nodes; a run of another shape simply overwrites.
class ShapeMemo {
 public:
  explicit ShapeMemo(const Graph& graph);

  // Puts what the node made last into `slots` (by value) if it would make the same again.
  bool recall(NodeId id, std::span<Tensor> slots) const;
  // The node has just run; false for a node that sees more than shapes.
  void keep(NodeId id, std::span<const Tensor> slots);

 private:
  struct Entry {
    bool reads_a_shape = false;            // Shape and Size; the others read such nodes' results
    bool is_kept = false;                  // the rest is of the last run
    Shape shape = {};                      // of the input
    std::vector<std::uint64_t> made = {};  // of each input: when it was made
    std::vector<Tensor> results = {};
  };

  bool is_as_before(const Node& node, const Entry& entry, std::span<const Tensor> slots) const;
  const Tensor& value(ValueId id, std::span<const Tensor> slots) const;
  std::uint64_t when_made(ValueId id) const {
    return id == kNoValue ? 0 : when_made_[static_cast<std::size_t>(id)];
  }

  const Graph& graph_;
  std::vector<std::optional<Entry>> entries_;  // by node; nothing: it sees more than shapes
  std::vector<std::uint64_t> when_made_;       // by value; 0: constant
  std::uint64_t now_ = 0;
};

}  // namespace q8

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exec/session.h"
#include "graph/graph.h"
#include "tensor/tensor.h"

namespace q8 {

// Leaves padded positions of token models out of what is counted, learned from or compared. The
// mask is an input of the model, [batch, sequence] (or [sequence]), 0 where a position is padding.
//
// Which axes of a value count positions is found by running the graph once more on the first
// sample, one position shorter: they are those that become shorter too. Where it cannot be run so
// (the sequence is fixed at some length) all axes but the first count that are as long as the
// sequence. A value with several such axes, such as attention scores, keeps what lies at unmasked
// positions of all of them.
class TokenMask {
 public:
  // Of no name: no mask, everything counts. Throws bad_input where `input` is no input of the graph
  // (with the nearest names), or one of another rank or type.
  TokenMask(const Graph& graph, std::string_view input);

  // The sample that is about to run. `session` makes all values that will be asked for.
  void begin_sample(const Session& session, std::span<const Tensor> inputs);
  // The same where axes are known from an earlier sample, or no sample was longer than one
  // position.
  void begin_sample(std::span<const Tensor> inputs);

  // Whether masked positions of the value have to be left out in this sample.
  bool covers(ValueId value) const;
  // `tensor` in the physical order in which the session shows it, without masked positions: one
  // tensor, or one for each item of the batch, which may be of different lengths. Itself where
  // nothing of it is masked.
  std::vector<Tensor> unmasked(ValueId value, const Tensor& tensor) const;
  // Likewise each of the graph's outputs, or of those of another graph with the same.
  std::vector<std::vector<Tensor>> unmasked_outputs(std::span<const Tensor> outputs) const;

 private:
  struct Axis {
    std::int64_t position;  // physical
    bool holds_batch;       // batch · sequence in one axis
  };
  void find_axes(const Session& session, std::span<const Tensor> inputs);
  void find_axes_by_size(const Session& session, std::span<const Tensor> inputs);
  std::vector<Tensor> shortened(std::span<const Tensor> inputs) const;

  const Graph& graph_;
  std::optional<std::size_t> input_;
  bool axes_known_ = false;
  std::map<ValueId, std::vector<Axis>> axes_;
  // Of the sample at hand.
  std::int64_t batch_ = 1, length_ = 0;
  std::vector<bool> kept_;  // [batch, sequence]
  bool all_kept_ = true;
};

// The slices at `indices` along an axis.
Tensor take_along(const Tensor& tensor, std::int64_t axis, std::span<const std::int64_t> indices);

}  // namespace q8

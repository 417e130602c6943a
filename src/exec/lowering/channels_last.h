#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "exec/lowering/lower.h"

namespace q8 {

// Lets convolutions and what surrounds them work on channels-last tensors ([N, spatial …, C]),
// which is what the kernels read and write; axes are only turned where the two orders meet. A pass
// over the nodes in order: each value is made in the order that its producer prefers, and turned,
// once, when a reader wants the other.
class ChannelsLast {
 public:
  explicit ChannelsLast(LoweredGraph& lowered);

  // Values in `keep` are made although nobody may read them.
  void run(const std::vector<ValueId>& keep);

  // For the rules (channels_last_rules.cpp):
  Graph& graph() { return lowered_.graph; }
  bool has_last(ValueId value) const;
  bool has_first(ValueId value) const { return first_[index(value)]; }
  // Rank of the value, where it is known; 0 where it is not.
  std::int64_t rank(ValueId value) const { return rank_[index(value)]; }
  // The value with channels last; turned now where it is not there. Its rank must be known.
  ValueId last(ValueId value);
  // The value as the graph has it.
  ValueId first(ValueId value);
  // A rank that a reader of the value implies.
  void know_rank(ValueId value, std::int64_t rank) { rank_[index(value)] = rank; }
  // How many channels the value has, where that is known; 0 where it is not.
  std::int64_t channels(ValueId value) const { return channels_[index(value)]; }
  void know_channels(ValueId value, std::int64_t count) { channels_[index(value)] = count; }
  // Makes `to` (a value, or the channels-last form of one) from `from` by that order of axes; none:
  // the same tensor.
  void emit_alias(ValueId from, ValueId to, std::vector<std::int64_t> order);
  // A constant list with one number an axis (scales, sizes), or begin and end of each (roi).
  ValueId turned_list(ValueId list, std::int64_t rank);
  // A constant that is broadcast against a value of that rank, turned likewise.
  ValueId turned_constant(ValueId constant, std::int64_t rank);
  // The channels-last form of `value`, which the node to be emitted makes.
  ValueId make_last(ValueId value, std::int64_t rank);
  ValueId add_constant(std::string_view name, Tensor tensor);
  void emit(Node node) { emitted_.push_back(std::move(node)); }

  // axes[i]: the axis of the first order at position i of the last: 0, 2, 3 …, 1.
  static std::vector<std::int64_t> to_last(std::int64_t rank);
  static std::vector<std::int64_t> to_first(std::int64_t rank);
  // Where an axis of the first order stands in the last.
  static std::int64_t position(std::int64_t axis, std::int64_t rank);

 private:
  static std::size_t index(ValueId value) { return static_cast<std::size_t>(value); }
  void grow();
  void emit_transpose(ValueId from, ValueId to, std::vector<std::int64_t> order);
  void keep_first(Node node);

  LoweredGraph& lowered_;
  std::vector<Node> emitted_;
  std::vector<bool> first_;    // by value: it exists in the graph's order
  std::vector<ValueId> last_;  // by value: its channels-last form, or kNoValue
  std::vector<std::int64_t> rank_, channels_;
};

// Emits the node in channels-last form through `pass`; false where it cannot or need not be.
using ChannelsLastRule = bool (*)(ChannelsLast& pass, const Node& node);
// Null where there is no rule for such nodes.
ChannelsLastRule find_channels_last_rule(const Node& node);

}  // namespace q8

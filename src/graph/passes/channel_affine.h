#pragma once

#include <optional>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// factor · x + shift, for each channel of x.
struct ChannelAffine {
  std::vector<double> factor, shift;

  bool scales() const;
  bool shifts() const;
};

// Which axis of a value has the channels.
struct ChannelAxis {
  std::int64_t channels;
  std::int64_t axis;  // 1: [N, C, …]; -1: the last one
  std::int64_t rank;  // of the value; 0: not known
};

// What `node` does to its input `data` (a value with channels as `at` says), where that is affine
// by channel: BatchNormalization, and Add, Sub, Mul and Div with a float constant of one number for
// each channel, or one for all. Nothing where it is not, or not finite.
std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node, ValueId data,
                                            const ChannelAxis& at);

}  // namespace q8

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "recover/weighted_layer.h"

namespace q8 {

// A constant whose part that makes channel c is divided by the factor of channel c.
struct DividedConstant {
  NodeId node = kNoNode;
  std::size_t input = 0;
  bool is_weights = false;  // of a layer, by output channel; otherwise one number a channel
};

// A layer whose weights are multiplied by the factors of the channels that they meet. It reads
// columns: the channels of a Conv, else the elements of a row.
struct ChannelReader {
  WeightedLayer layer;
  std::int64_t taps = 1;  // weights of one column that lie side by side: the window of a Conv

  std::int64_t columns() const { return layer.groups * layer.depth / taps; }
  std::int64_t column(std::int64_t c, std::int64_t k) const {
    return c / layer.channels_per_group() * (layer.depth / taps) + k / taps;
  }
  bool is_conv() const { return channel_axis == 1; }
  std::int64_t channel_axis = -1;  // of the input
};

// Values whose channels may be divided by factors, one for each channel, without changing what the
// model computes: constants before them give the division, layers behind them take it back, and
// everything in between treats each channel alone and as a multiple of itself.
struct ChannelGroup {
  std::int64_t channels = 0;
  std::vector<ValueId> values;  // that are divided, ascending
  // Empty: the division is a Mul of its own, between the one value and its readers.
  std::vector<DividedConstant> makers;
  std::vector<ChannelReader> readers;

  bool needs_product() const { return makers.empty(); }
  // Columns of a reader behind a Flatten belong to one channel in equal parts.
  std::int64_t channel(const ChannelReader& reader, std::int64_t column) const {
    return column / (reader.columns() / channels);
  }
};

// A value that a layer reads and that belongs to no group.
struct BlockedChannels {
  ValueId value = kNoValue;
  std::string reason;
};

struct ChannelGroups {
  std::vector<ChannelGroup> groups;  // no value is in two of them
  std::vector<BlockedChannels> blocked;
};

// The groups of a canonical graph that need no product of their own. Everything that is not known
// to keep channels apart blocks one: other operators, subgraphs, inputs and outputs of the model,
// clamps with a bound (it holds for all channels alike), weights that several nodes share.
ChannelGroups find_channel_groups(const Graph& graph);

// The group of one computed or fed value whose division is a Mul before all layers that read it,
// other readers staying as they are. Nothing where no layer reads it.
std::optional<ChannelGroup> find_product_group(const Graph& graph, const Uses& uses, ValueId value);

// What is divided, and by how much.
struct ScaledChannels {
  const ChannelGroup* group = nullptr;
  std::vector<float> factors;  // one for each channel, > 0
};

// Writes the factors into constants, and puts Muls where groups need them. NodeIds change, ValueIds
// do not. Returns the values that hold something else than before, and those that are new.
std::vector<ValueId> scale_channels(Graph& graph, std::span<const ScaledChannels> scaled);

}  // namespace q8

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// What calibrate() is to know of a value before it sees one.
struct ObservedValue {
  ValueId id = kNoValue;  // in its graph
  std::string name = {};  // there
  // The axis that channels are counted along: the second for what a Conv and the like reads or
  // makes, the last for what a MatMul, Gemm or LayerNormalization does; passed on through operators
  // that compute element by element.
  enum class Channels : std::uint8_t { kUnknown, kSecond, kLast } channels = Channels::kUnknown;
  // Whether it leads to a Softmax through nothing but element-wise and shape operators, as
  // attention masks do: −inf is in order there.
  bool may_be_masked = false;
  bool in_body = false;  // not of the graph itself, but of a body in it
};

// Every value that is computed (or fed) and read, ascending by id; types are not known yet. Without
// `clamped_values` those are left out that nothing but a Relu or a Clip from 0 reads.
std::vector<ObservedValue> find_observed_values(const Graph& graph, bool clamped_values);

// The same, and behind them those of all bodies, ascending by name: a body may never run on some
// samples, and so that the lists of shards can be joined. −inf is in order in all of them: what a
// search starts with.
std::vector<ObservedValue> find_all_observed_values(const Graph& graph, bool clamped_values);

}  // namespace q8

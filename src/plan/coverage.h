#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "ops/operator.h"
#include "plan/plan.h"
#include "plan/targets.h"

namespace q8 {

// What is asked of the coverage decision besides the graph.
struct CoverageRequest {
  const Target& target;
  bool weights_only = false;
  bool dynamic = false;        // with weights_only: products take their ranges while they run
  std::vector<bool> excluded;  // by NodeId
  std::vector<bool> dynamic_nodes = {};  // by NodeId: these too; empty: none
  std::vector<std::string> kept_float =
      {};  // by NodeId: why it computes in float; empty: it need not
  // Empty where the value has a usable range; otherwise why it must stay float.
  std::function<std::string(ValueId)> float_reason;
  // Elements of a value in one sample; 0 where unknown.
  std::function<double(ValueId)> elements;
};

// Which nodes are integer, and which values are stored quantized.
struct Coverage {
  std::vector<NodeMode> modes;       // by NodeId
  std::vector<std::string> reasons;  // by NodeId
  std::vector<bool> quantized;       // by ValueId: some integer node reads or makes it
  std::vector<bool> everywhere;      // by ValueId: float nodes too see the quantized value
  std::vector<bool> is_function;     // by NodeId: ends a function of one value (value_functions.h)
};

// Placement in docs/concepts.md. Nodes with constant weights, and products of two activations, are
// integer; everything else is only where it lies between integer nodes, so that quantizing it costs
// no accuracy of its own: sums, pools, functions of one value (value_functions.h). What only moves
// values moves them rounded wherever integer nodes alone read them behind it. A greatest fixed
// point: all candidates are taken for integer, and those whose inputs are float or whose results no
// integer node reads drop out until none does.
Coverage decide_coverage(const Graph& graph, const CoverageRequest& request);

// The role the planner gives a node: the operator's, corrected for attributes under which it does
// not hold (Pad with other than zeros, Resize other than nearest …).
QuantRole quant_role(const Graph& graph, const Node& node);

// Inputs of a node that carry the activations it computes with or moves (not shapes, axes, clips,
// constants), as input positions.
std::vector<std::size_t> data_inputs(const Graph& graph, const Node& node);

// Whether the node can quantize its input while it runs: x·W with a constant matrix, a Conv or an
// LSTM with constant weights.
bool can_be_dynamic(const Graph& graph, const Node& node);

// Whether a Conv with constant weights has groups that the target is faster with in float:
// depthwise ones, one channel in and one out, where they are few, others by their input channels.
bool has_small_groups(const Graph& graph, const Node& node, const Target& target);
// Why a MatMul of two activations stays in float; empty: it need not.
std::string activations_reason(const Target& target);

// Products of one sample of a kWeighted node with constant weights: elements of its result times
// the weights that each of them sees. 0 for others.
double multiply_adds(const Graph& graph, const Node& node, double output_elements);

// The input position of the constant weights of a kWeighted node, or -1: both are activations.
int weight_input(const Graph& graph, const Node& node);

}  // namespace q8

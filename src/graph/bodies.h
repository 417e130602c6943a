#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// Bodies: the graphs inside nodes, which are the branches of If and the bodies of Loop and Scan.
// They may have bodies themselves.

bool has_body(const Node& node);

// In the order of the attributes' names; only the node's own.
void for_each_body(const Node& node, const std::function<void(const Graph& body)>& function);
// Bodies are shared between copies of a graph: each is copied before it is changed.
void edit_bodies(Node& node, const std::function<void(Graph& body)>& edit);

// A graph with the place it stands in.
struct PlacedGraph {
  const Graph* graph;
  std::string place;  // "then_branch of If 'i'"; empty: the model's own
};

// The graph itself, then its bodies, each before those that are in it.
std::vector<PlacedGraph> with_bodies(const Graph& graph);

// The same over all of these graphs, in their order.
std::vector<std::string> all_node_names(const Graph& graph);
std::vector<std::string> all_value_names(const Graph& graph);

// Constants that bodies read from outside become their own (the tensors' memory is shared), so that
// whoever looks at a body alone sees them.
void take_outer_constants(Graph& graph);

// Gives nodes and values of bodies names that no other node or value of the model has, so that a
// name alone says which is meant; what a body reads from outside has its name there. The outermost
// graph keeps its names.
void separate_names(Graph& graph);

}  // namespace q8

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// A value of integers whose scale or zero point is not the same in both models.
struct ParameterDifference {
  std::string value;
  std::string a, b;        // "uint8 scale 0.0235 zero_point 114"; "" where it is in the other alone
  double scale_ratio = 1;  // of the channel that differs most, b to a: how it ranks
};

// A constant that is not the same in both.
struct ConstantDifference {
  std::string value;
  std::string a, b;            // "int8[8, 3, 3, 3]"; "" where it is in the other alone
  std::int64_t elements = 0;   // where type and shape agree: how many there are,
  std::int64_t differing = 0;  // how many of them differ
  double largest = 0;          // and by how much at most
};

// A node, input, output or opset that is not the same; the text says how.
struct StructureDifference {
  std::string what, how;
};

struct MetadataDifference {
  std::string key, a, b;  // "" where there is none
};

// What tells two models apart, named as in the first. Empty lists: nothing.
struct ModelDiff {
  std::vector<StructureDifference> structure;
  std::vector<ParameterDifference> parameters;  // those that differ most first
  std::vector<ConstantDifference> constants;    // likewise; without scales and zero points
  std::vector<MetadataDifference> metadata;
  std::int64_t compared_parameters = 0, compared_constants = 0, compared_nodes = 0;  // in both

  bool same_graph() const { return structure.empty() && parameters.empty() && constants.empty(); }
  bool same() const { return same_graph() && metadata.empty(); }
};

// Compares two models by the names of their nodes and values, as two quantizations of one model
// have them alike. Bodies of If, Loop and Scan are
// compared with those of the same node.
ModelDiff diff_models(const Model& a, const Model& b);

}  // namespace q8

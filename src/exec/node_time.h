#pragma once

#include <string>

namespace q8 {

// How long a node of a Session took in one run. Nodes are those that run after fusion and layout
// changes: one may stand for several of the model, or for none (a Transpose that was put in).
struct NodeTime {
  std::string name;
  std::string type;  // with the domain in front where it is not ONNX's own: "q8.Conv"
  double ms = 0;
};

}  // namespace q8

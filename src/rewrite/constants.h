#pragma once

#include <string>

#include "graph/graph.h"

namespace q8 {

// What constants are told apart by: type, shape, and their bytes or the hash of many.
std::string content_key(const Tensor& tensor);

// Puts large constants of all bodies into the outermost graph, once for each content, from where
// the bodies read them. Weights that two branches share are once in the model, and those of the
// outermost graph alone may lie in a file beside it.
void give_outer_constants(Graph& graph);

}  // namespace q8

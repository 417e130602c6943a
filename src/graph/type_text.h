#pragma once

#include <string>

#include "graph/graph.h"

namespace q8 {

// "float[batch, 3, 224, 224]"; "float[?]" where not even the rank is known.
std::string type_text(const TypeInfo& type);

}  // namespace q8

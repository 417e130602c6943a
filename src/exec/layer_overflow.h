#pragma once

#include <string>

#include "kernels/int8/overflow.h"

namespace q8 {

// A node of a Session that multiplies bytes, named as NodeTime names it.
struct LayerOverflow {
  std::string name;
  std::string type;
  OverflowCount count;
};

}  // namespace q8

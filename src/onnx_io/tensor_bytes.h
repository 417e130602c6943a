#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "tensor/tensor.h"

namespace q8 {

// A serialized TensorProto: its name (may be empty) and value. Throws bad_input where the bytes are
// none, and for external data, which bytes alone cannot have.
std::pair<std::string, Tensor> parse_tensor(std::span<const std::byte> bytes);

}  // namespace q8

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace q8 {

// How many leading inputs every node of an operator of ONNX's default domain has, none of them left
// out ("Single" in the operator's schema), in that version of the operator set. 1 for an operator
// that is not known here.
std::size_t required_inputs(std::string_view op_type, std::int64_t opset);

}  // namespace q8

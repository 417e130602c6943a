#pragma once

#include <onnx/onnx_pb.h>

namespace q8 {

// Replaces every node that calls a model-local function by the function's body, nested calls
// included. Inner values are prefixed with the calling node's name. Throws bad_input where
// functions call each other in a circle.
void inline_functions(onnx::ModelProto& model);

}  // namespace q8

#pragma once

#include <onnx/onnx_pb.h>

#include <string_view>

namespace q8 {

// The bytes of a model as protobuf reads them. Throws bad_input that says what is wrong with them.
onnx::ModelProto parse_model(std::string_view bytes);
// The same for one tensor.
onnx::TensorProto parse_tensor_proto(std::string_view bytes);

}  // namespace q8

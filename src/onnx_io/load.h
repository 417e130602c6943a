#pragma once

#include <filesystem>

#include "graph/graph.h"

namespace q8 {

// Reads an ONNX model (IR versions 3–13). Weights of large initializers are borrowed from the
// parsed file, external data is memory-mapped and must lie inside the model's folder. Model-local
// functions are inlined; Constant nodes become constants; every node gets a unique name. The graph
// is verified and in topological order. Throws bad_input (not a model, truncated, broken, cyclic …)
// and unsupported (strings, sequences, sparse tensors …), each starting with the path.
Model load_model(const std::filesystem::path& path);

// One TensorProto file, as the ONNX test data sets have them (input_0.pb).
Tensor load_tensor(const std::filesystem::path& path);

}  // namespace q8

#pragma once

#include <filesystem>

#include "graph/graph.h"

namespace q8 {

// Reads an ONNX model (IR versions 3–13). The file and its external data, which must lie inside the
// model's folder (or that which it is a link into), are mapped into memory, and large weights
// borrowed from there: whoever replaces such a file must not write into the old one (AtomicFile
// does not). Model-local functions are inlined; Constant nodes become constants; lists that are
// only taken apart again go (graph/unpack_lists.h); every node gets a unique name. The graph is
// verified and in topological order. Throws bad_input (not a model, truncated, broken, cyclic …)
// and unsupported (strings, sequences, sparse tensors …), each starting with the path.
Model load_model(const std::filesystem::path& path);

// One TensorProto file, as the ONNX test data sets have them (input_0.pb).
Tensor load_tensor(const std::filesystem::path& path);

}  // namespace q8

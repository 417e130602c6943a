#pragma once

#include <cstdint>
#include <filesystem>

#include "graph/graph.h"

namespace q8 {

constexpr std::uint64_t kOneFileLimit = 1'900'000'000;  // below protobuf's 2 GB

// Writes the model, whole or not at all. Above `one_file_limit` bytes of weights they go to
// `<path>.data` beside it, as ONNX external data. The same model gives the same bytes. Throws
// resource_error.
void save_model(const Model& model, const std::filesystem::path& path,
                std::uint64_t one_file_limit = kOneFileLimit);

// Of all constants of a graph, in memory.
std::uint64_t weight_bytes(const Graph& graph);

// The bytes save_model would write where everything fits in one file; throws bad_input above
// protobuf's 2 GB.
std::string serialize_model(const Model& model);

}  // namespace q8

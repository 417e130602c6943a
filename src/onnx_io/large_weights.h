#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/file.h"

namespace q8 {

// A serialized ModelProto in two parts: the bytes of the graph's large initializers, where they
// lie, and a ModelProto with everything else, which protobuf reads without a copy of them.
struct SplitModel {
  std::string rest;
  std::map<int, std::span<const std::byte>> weights;  // raw_data, by the initializer's place
};

// Nothing where there are no large weights, and where the bytes are not a well-formed model: then
// protobuf shall read all of it and find what is wrong.
std::optional<SplitModel> split_large_weights(const MappedFile& file);

}  // namespace q8

#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/file.h"

namespace q8 {

// A serialized ModelProto in two parts: the bytes of the graph's large constants (initializers, and
// the tensors of Constant nodes), where they lie, and a ModelProto with everything else, which
// protobuf reads without a copy of them.
struct SplitModel {
  std::string rest;
  // By the value's name: its raw_data, or its float_data, which has the same bytes.
  std::map<std::string, std::span<const std::byte>, std::less<>> weights;
};

// Nothing where there are no large weights, and where the bytes are not a well-formed model: then
// protobuf shall read all of it and find what is wrong.
std::optional<SplitModel> split_large_weights(const MappedFile& file);

}  // namespace q8

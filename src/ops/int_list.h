#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ops/operator.h"

namespace q8 {

// A list of integers (axes, pads, sizes …) that older opsets give as an attribute and newer ones as
// an input.
class IntList {
 public:
  IntList(const NodeContext& node, std::string_view attribute, std::size_t input) : input_(input) {
    if (!attribute.empty() && node.attributes().has(attribute))
      attribute_ = node.attributes().get_ints(attribute);
  }
  // Nothing where the node gives neither.
  std::optional<std::vector<std::int64_t>> get(const RunContext& run) const {
    if (attribute_) return attribute_;
    if (run.has_input(input_)) return run.input(input_).to_int64s();
    return std::nullopt;
  }

 private:
  std::size_t input_;
  std::optional<std::vector<std::int64_t>> attribute_;
};

}  // namespace q8

#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "calib/profile.h"
#include "graph/graph.h"

namespace q8::test {

// Builds graphs by name, one line a node.
class GraphBuilder {
 public:
  GraphBuilder() { graph_.opsets[""] = 13; }
  Graph& graph() { return graph_; }

  ValueId value(const std::string& name) {
    const ValueId id = graph_.find_value(name);
    return id != kNoValue ? id : graph_.add_value(name);
  }
  GraphBuilder& input(const std::string& name) {
    graph_.add_input(value(name));
    return *this;
  }
  GraphBuilder& output(const std::string& name) {
    graph_.add_output(value(name));
    return *this;
  }
  GraphBuilder& constant(const std::string& name, Tensor tensor) {
    graph_.value(value(name)).constant = std::move(tensor);
    return *this;
  }
  GraphBuilder& node(const std::string& type, const std::vector<std::string>& inputs,
                     const std::string& output, Attributes attributes = {}) {
    Node node{.name = output + "_node",
              .domain = "",
              .op_type = type,
              .inputs = {},
              .outputs = {value(output)},
              .attributes = std::move(attributes),
              .doc = ""};
    for (const std::string& name : inputs) node.inputs.push_back(value(name));
    graph_.add_node(std::move(node));
    return *this;
  }
  // A 1×1 convolution from 2 to 2 channels.
  GraphBuilder& conv(const std::string& from, const std::string& to) {
    constant(to + "_w", Tensor::of<float>(Shape{2, 2, 1, 1}, {1.0f, -0.5f, 0.25f, 2.0f}));
    constant(to + "_b", Tensor::of<float>(Shape{2}, {0.5f, -1.0f}));
    return node("Conv", {from, to + "_w", to + "_b"}, to);
  }

 private:
  Graph graph_;
};

// Statistics of values spread evenly over the range.
inline TensorStatistics spread(const std::string& name, float low, float high) {
  TensorStatistics s;
  s.name = name;
  s.count = 1001;
  s.extrema = {low, high};
  s.histogram.cover(low, high);
  // A value belongs to the bin of its magnitude; bins below zero count down from -1.
  for (int i = 0; i <= 1000; ++i) {
    const double v = low + (static_cast<double>(high) - low) * i / 1000.0;
    if (v == 0) {
      ++s.zeros;
      continue;
    }
    const double bin = std::floor(std::abs(v) / s.histogram.bin_width());
    const std::uint64_t one[] = {1};
    s.histogram.add_counts(static_cast<std::int32_t>(v > 0 ? bin : -1 - bin), one);
  }
  return s;
}

}  // namespace q8::test

#pragma once

#include <cstdint>
#include <string>

#include "graph/small_graph.h"

namespace q8 {

// x → Q → DQ; every result in the same parameters: u8, scale 0.5, zero point 128.
class QuantizedGraph : public SmallGraph {
 public:
  QuantizedGraph() {
    input("x");
    constant("s", Tensor::scalar(0.5f));
    constant("z", Tensor::scalar<std::uint8_t>(128));
    round("x", "x_d");
  }

  void round(const std::string& from, const std::string& to) {
    node("QuantizeLinear", {from, "s", "z"}, {to + "_q"});
    node("DequantizeLinear", {to + "_q", "s", "z"}, {to});
  }
  // Zeros in s8 as "w_q", dequantized as "w".
  void weights(const Shape& shape) {
    constant("w_q", Tensor::zeros(DType::kS8, shape));
    constant("w_z", Tensor::scalar<std::int8_t>(0));
    node("DequantizeLinear", {"w_q", "s", "w_z"}, {"w"});
  }
};

}  // namespace q8

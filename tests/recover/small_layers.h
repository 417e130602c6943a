#pragma once

#include <vector>

#include "plan/small_graphs.h"
#include "recover/recover.h"

namespace q8::test {

inline QuantParams per_tensor(DType dtype, float scale, std::int32_t zero_point = 0) {
  return {.dtype = dtype, .axis = -1, .scale = {scale}, .zero_point = {zero_point}};
}

// y = x · w + b, x [1, 2], w = (0.3, 0.6), b = 1. All scales are 1: x is exact where it is a
// whole number, w is rounded to (0, 1).
inline PlannedGraph coarse_gemm() {
  GraphBuilder b;
  b.input("x").constant("w", Tensor::of<float>(Shape{2, 1}, {0.3f, 0.6f}));
  b.constant("b", Tensor::of<float>(Shape{1}, {1.0f}));
  b.node("Gemm", {"x", "w", "b"}, "y").output("y");
  QuantizationPlan plan;
  plan.target = "tensorrt";  // biases in float
  plan.nodes = {
      {.node = "y_node", .op_type = "Gemm", .mode = NodeMode::kInteger, .reason = "the test"}};
  ActivationPlan& x = plan.activations["x"];
  x.params = per_tensor(DType::kU8, 1);
  x.range = {0, 255};
  x.observer = "minmax";
  ConstantPlan& w = plan.constants[{"y_node", 1}];
  w.value = "w";
  w.params = per_tensor(DType::kS8, 1);
  return {.graph = b.graph(), .plan = plan};
}

inline SampleInputs row(float a, float b) {
  return {Tensor::of<float>(Shape{1, 2}, {a, b})};
}

}  // namespace q8::test

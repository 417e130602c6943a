#include <gtest/gtest.h>

#include "data/thrown.h"
#include "exec/session.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

// Quantized operators on inputs that do not fit: always an Error of the user's kind, never a broken
// assertion or a wrong access. Every input is a constant or, with `given`, an input of the graph.
struct Misfit {
  const char* reason;
  const char* type;
  std::vector<Tensor> inputs;
};

Tensor bytes(Shape shape) {
  return Tensor::zeros(DType::kU8, std::move(shape));
}
Tensor signed_bytes(Shape shape) {
  return Tensor::zeros(DType::kS8, std::move(shape));
}
Tensor scales(std::int64_t count) {
  Tensor t(DType::kF32, Shape{count});
  std::fill_n(t.mutable_data<float>(), count, 1.0f);
  return t;
}

const Tensor kScale = Tensor::scalar(1.0f);
const Tensor kZero = Tensor::scalar<std::uint8_t>(0);
const Tensor kZeroS8 = Tensor::scalar<std::int8_t>(0);
const Tensor kImage = bytes({1, 2, 4, 4});
const Tensor kFilter = signed_bytes({3, 2, 1, 1});

std::vector<Misfit> misfits() {
  const auto conv = [](Tensor x, Tensor x_zero, Tensor w, Tensor w_scale, Tensor w_zero) {
    return std::vector<Tensor>{x, kScale, x_zero, w, w_scale, w_zero, kScale, kZero};
  };
  auto short_bias = conv(kImage, kZero, kFilter, kScale, kZeroS8);
  short_bias.push_back(Tensor::zeros(DType::kS32, {2}));
  auto float_bias = conv(kImage, kZero, kFilter, kScale, kZeroS8);
  float_bias.push_back(Tensor::zeros(DType::kF32, {3}));
  return {
      {"inputs are missing", "QLinearConv", {kImage, kScale, kZero}},
      {"two scales for three filters", "QLinearConv",
       conv(kImage, kZero, kFilter, scales(2), signed_bytes({2}))},
      {"no scale", "QLinearConv", conv(kImage, kZero, kFilter, scales(0), signed_bytes({0}))},
      {"a zero point of float", "QLinearConv", conv(kImage, kScale, kFilter, kScale, kZeroS8)},
      {"input and zero point differ", "QLinearConv",
       conv(kImage, kZeroS8, kFilter, kScale, kZeroS8)},
      {"filters of rank 1", "QLinearConv", conv(kImage, kZero, signed_bytes({3}), kScale, kZeroS8)},
      {"filters for other channels", "QLinearConv",
       conv(kImage, kZero, signed_bytes({3, 5, 1, 1}), kScale, kZeroS8)},
      {"a bias for two filters", "QLinearConv", short_bias},
      {"a bias of float", "QLinearConv", float_bias},
      {"a negative scale", "QLinearConv",
       conv(kImage, kZero, kFilter, Tensor::scalar(-1.0f), kZeroS8)},
      {"inputs are missing", "QLinearMatMul", {bytes({2, 3}), kScale, kZero}},
      {"shapes that do not multiply",
       "QLinearMatMul",
       {bytes({2, 3}), kScale, kZero, bytes({2, 3}), kScale, kZero, kScale, kZero}},
      {"two scales for three columns",
       "QLinearMatMul",
       {bytes({2, 2}), kScale, kZero, bytes({2, 3}), scales(2), bytes({2}), kScale, kZero}},
      {"two zero points for three columns",
       "MatMulInteger",
       {bytes({2, 2}), bytes({2, 3}), kZero, bytes({2})}},
      {"float factors", "MatMulInteger", {scales(2), scales(2)}},
      {"a block size below zero", "DequantizeLinear", {bytes({4}), scales(4), bytes({4})}},
      {"three scales along an axis of four",
       "DequantizeLinear",
       {bytes({4, 4}), scales(3), bytes({3})}},
      {"more zero points than scales", "QuantizeLinear", {scales(4), kScale, bytes({2})}},
      {"parts of other shapes",
       "com.microsoft.QLinearConcat",
       {kScale, kZero, bytes({1, 1}), kScale, kZero, bytes({8, 64}), kScale, kZero}},
      {"parts of other ranks",
       "com.microsoft.QLinearConcat",
       {kScale, kZero, bytes({1, 1}), kScale, kZero, bytes({4}), kScale, kZero}},
      {"shapes that do not broadcast",
       "com.microsoft.QLinearAdd",
       {bytes({2}), kScale, kZero, bytes({3}), kScale, kZero, kScale, kZero}},
      {"a vector",
       "com.microsoft.QGemm",
       {bytes({2}), kScale, kZero, bytes({2, 2}), kScale, kZero}},
      {"a C of float",
       "com.microsoft.QGemm",
       {bytes({2, 2}), kScale, kZero, bytes({2, 2}), kScale, kZero, scales(2), kScale, kZero}},
  };
}

TEST(QuantizedOperators, InputsThatDoNotFitAreTheUsersErrors) {
  for (const Misfit& misfit : misfits())
    for (const bool given : {false, true}) {  // constants are looked at early, inputs at each run
      SmallGraph g;
      std::vector<std::string> names;
      std::vector<Tensor> inputs;
      for (const Tensor& tensor : misfit.inputs) {
        names.push_back("i" + std::to_string(names.size()));
        if (given || names.size() == 1) {
          g.input(names.back());
          inputs.push_back(tensor);
        } else {
          g.constant(names.back(), tensor);
        }
      }
      const std::string_view type = misfit.type;
      const std::string domain = type.starts_with("com.microsoft.") ? "com.microsoft" : "";
      Node& node = g.node(type.substr(domain.empty() ? 0 : domain.size() + 1), names, {"y"});
      node.domain = domain;
      node.attributes.set("axis", std::int64_t{1});
      if (std::string_view(misfit.reason).starts_with("a block"))
        node.attributes.set("block_size", std::int64_t{-1});
      if (node.is("DequantizeLinear") && misfit.inputs[0].rank() == 1)
        node.attributes.set("axis", std::int64_t{0});
      g.output("y");
      SessionOptions options;
      options.threads = 1;
      options.optimize = false;
      try {
        (void)Session(g.graph, options).run(inputs);
        ADD_FAILURE() << misfit.type << ": " << misfit.reason;
      } catch (const Error& error) {
        EXPECT_NE(error.kind(), ErrorKind::kInternal) << misfit.reason << ": " << error.what();
      }
    }
}

}  // namespace
}  // namespace q8

#include "exec/lowering/qdq_hoist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/lowering/fuse_qdq.h"
#include "exec/session.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using testing::ElementsAre;

void quantized(SmallGraph& g, const std::string& from, const std::string& to,
               const std::string& scale) {
  g.node("QuantizeLinear", {from, scale, "z"}, {to + "_q"});
  g.node("DequantizeLinear", {to + "_q", scale, "z"}, {to});
}

// a, b → Q → DQ → LeakyRelu(0.5) → Concat → MaxPool of two neighbours → Q → DQ → y; steps of ½ and
// then of ¼, all u8 with zero point 128.
SmallGraph pooled_graph() {
  SmallGraph g;
  g.constant("s", Tensor::scalar(0.5f));
  g.constant("t", Tensor::scalar(0.25f));
  g.constant("z", Tensor::scalar<std::uint8_t>(128));
  for (const std::string name : {"a", "b"}) {
    g.input(name);
    quantized(g, name, name + "_d", "s");
    g.node("LeakyRelu", {name + "_d"}, {name + "_l"}).attributes.set("alpha", 0.5f);
  }
  g.node("Concat", {"a_l", "b_l"}, {"c"}).attributes.set("axis", std::int64_t{2});
  g.node("MaxPool", {"c"}, {"p"}).attributes.set("kernel_shape", std::vector<std::int64_t>{2});
  quantized(g, "p", "y", "t");
  g.output("y");
  return g;
}

std::vector<Tensor> run(const SmallGraph& g) {
  SessionOptions options;
  options.threads = 1;
  return Session(g.graph, options)
      .run(std::vector{Tensor::of<float>({1, 1, 2}, {-3, 1}), Tensor::of<float>({1, 1, 1}, {-5})});
}

// -3, 1, -5 → -1.5, 1, -2.5 → the greater of two neighbours: 1, 1.
TEST(HoistQuantize, FunctionsBehindConcatAndMaxPoolBecomeTables) {
  auto g = pooled_graph();
  EXPECT_THAT(run(g)[0].to_floats(), ElementsAre(1.0f, 1.0f));
  EXPECT_EQ(hoist_quantize(g.graph, {}), 2);
  fuse_qdq(g.graph, {});
  EXPECT_EQ(g.types(),
            "QuantizeLinear QuantizeLinear TableLookup TableLookup Concat MaxPool "
            "DequantizeLinear");
}

// The sum needs a_l = -1.5 in float: -3 + -1.5.
TEST(HoistQuantize, AFunctionThatIsReadInFloatTooIsCopied) {
  auto g = pooled_graph();
  g.node("Add", {"a_d", "a_l"}, {"sum"});
  g.output("sum");
  const auto results = run(g);
  EXPECT_THAT(results[0].to_floats(), ElementsAre(1.0f, 1.0f));
  EXPECT_THAT(results[1].to_floats(), ElementsAre(-4.5f, 2.0f));
  fuse_qdq(g.graph, {});
  EXPECT_NE(g.types().find("TableLookup"), std::string::npos);
  EXPECT_NE(g.types().find("LeakyRelu"), std::string::npos);
}

TEST(HoistQuantize, KeptValuesStayFloat) {
  auto g = pooled_graph();
  EXPECT_EQ(hoist_quantize(g.graph, {g.graph.find_value("c"), g.graph.find_value("p")}), 0);
}

TEST(HoistQuantize, ProductsKeepTheirRounding) {
  auto g = pooled_graph();
  g.constant("w", Tensor::of<float>({1, 1, 1}, {2}));
  g.node("Conv", {"a_d", "w"}, {"conv"});
  g.node("Concat", {"conv", "b_l"}, {"d"}).attributes.set("axis", std::int64_t{2});
  quantized(g, "d", "v", "t");
  g.output("v");
  EXPECT_EQ(hoist_quantize(g.graph, {}), 2);  // of the MaxPool and its Concat, as before
}

}  // namespace
}  // namespace q8

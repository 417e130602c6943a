#include <gtest/gtest.h>

#include "exec/session.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

// y = x·a + x·b in integers: two layers that multiply bytes and one that does not.
SmallGraph two_products() {
  SmallGraph g;
  g.input("x");
  g.graph.value(g.value("x")).type = {
      .dtype = DType::kU8, .dims = std::vector<std::int64_t>{1, 4}, .dim_names = {}};
  g.constant("a", Tensor::of<std::int8_t>({4, 1}, {127, 127, 0, 0}));
  g.constant("b", Tensor::of<std::int8_t>({4, 1}, {64, 64, 64, 64}));
  g.node("MatMulInteger", {"x", "a"}, {"p"});
  g.node("MatMulInteger", {"x", "b"}, {"q"});
  g.node("Add", {"p", "q"}, {"y"});
  g.output("y");
  return g;
}

const std::vector<Tensor> kX = {Tensor::of<std::uint8_t>({1, 4}, {255, 255, 255, 255})};

TEST(SessionOverflow, CountsByLayerOverAllRuns) {
  const auto g = two_products();
  SessionOptions options;
  options.threads = 1;
  options.count_overflow = true;
  const Session session(g.graph, options);
  EXPECT_TRUE(session.overflow().empty());
  session.run(kX);
  session.run(kX);
  const std::vector<LayerOverflow> layers = session.overflow();
  ASSERT_EQ(layers.size(), 2u);
  // 255·127·2 = 64,770 saturates, 0 does not; 255·64·2 = 32,640 does not. Two runs of two pairs.
  EXPECT_EQ(layers[0].count, (OverflowCount{.pairs = 4, .saturated = 2, .largest = 64'770}));
  EXPECT_EQ(layers[1].count, (OverflowCount{.pairs = 4, .saturated = 0, .largest = 65'280}));
}

TEST(SessionOverflow, CountingChangesNoResultAndIsOffByDefault) {
  const auto g = two_products();
  SessionOptions options;
  options.threads = 1;
  const Session plain(g.graph, options);
  options.count_overflow = true;
  const Session counting(g.graph, options);
  EXPECT_EQ(plain.run(kX)[0].data<std::int32_t>()[0], 130'050);
  EXPECT_EQ(counting.run(kX)[0].data<std::int32_t>()[0], 130'050);
  EXPECT_TRUE(plain.overflow().empty());
}

}  // namespace
}  // namespace q8

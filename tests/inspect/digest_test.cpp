#include "inspect/digest.h"

#include <gtest/gtest.h>

#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;

Graph two_nodes() {
  GraphBuilder b;
  b.input("x").conv("x", "y").node("Relu", {"y"}, "z").output("z");
  return b.graph();
}

TEST(Digest, OfTheSameGraphIsTheSame) {
  EXPECT_EQ(graph_digest(two_nodes()), graph_digest(two_nodes()));
}

TEST(Digest, PassesOverWhatComputesNothing) {
  Graph graph = two_nodes();
  graph.node(0).doc = "a comment";
  graph.name = "another name";
  graph.add_constant("unread", Tensor::scalar(1.0f));
  EXPECT_EQ(graph_digest(graph), graph_digest(two_nodes()));
}

TEST(Digest, SeesEveryPartThatComputes) {
  const std::string before = graph_digest(two_nodes());
  const auto changed = [&](auto&& change) {
    Graph graph = two_nodes();
    change(graph);
    return graph_digest(graph) != before;
  };
  EXPECT_TRUE(changed([](Graph& g) { g.node(1).op_type = "Sigmoid"; }));
  EXPECT_TRUE(changed([](Graph& g) { g.node(0).attributes.set("group", std::int64_t{2}); }));
  EXPECT_TRUE(changed([](Graph& g) { g.node(1).inputs[0] = g.find_value("x"); }));
  EXPECT_TRUE(changed([](Graph& g) { g.opsets[""] = 14; }));
  EXPECT_TRUE(changed([](Graph& g) { g.rename_value(g.find_value("z"), "result"); }));
  EXPECT_TRUE(changed([](Graph& g) {
    g.value(g.find_value("y_b")).constant = Tensor::of<float>(Shape{2}, {0.5f, -1.5f});
  }));
  EXPECT_TRUE(changed([](Graph& g) {  // the same bytes in another shape
    const Tensor weights = *g.constant(g.find_value("y_w"));
    g.value(g.find_value("y_w")).constant = weights.reshaped(Shape{1, 4, 1, 1});
  }));
}

TEST(Digest, TellsListsApartThatReadAlikeInOneLine) {
  GraphBuilder a, b;
  Attributes first, second;
  first.set("names", std::vector<std::string>{"ab", "c"});
  second.set("names", std::vector<std::string>{"a", "bc"});
  a.input("x").node("Custom", {"x"}, "y", first).output("y");
  b.input("x").node("Custom", {"x"}, "y", second).output("y");
  EXPECT_NE(graph_digest(a.graph()), graph_digest(b.graph()));
}

}  // namespace
}  // namespace q8

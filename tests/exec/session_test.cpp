#include "exec/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "data/thrown.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SessionOptions threads(int count) {
  SessionOptions options;
  options.threads = count;
  return options;
}

void describe(SmallGraph& g, std::string_view name, DType dtype, std::vector<std::int64_t> dims) {
  g.graph.value(g.value(name)).type = {.dtype = dtype, .dims = std::move(dims), .dim_names = {}};
}

// y = |x| + c; z = −y
SmallGraph three_nodes() {
  SmallGraph g;
  g.input("x");
  describe(g, "x", DType::kF32, {kUnknownDim, 3});
  g.constant("c", Tensor::of<float>({3}, {1, 2, 3}));
  g.node("Abs", {"x"}, {"a"});
  g.node("Add", {"a", "c"}, {"y"});
  g.node("Neg", {"y"}, {"z"});
  g.output("z");
  return g;
}

const Tensor kX = Tensor::of<float>({1, 3}, {-1, 0, 1});

TEST(Session, RunsAGraph) {
  const auto g = three_nodes();
  const Session session(g.graph, threads(1));
  EXPECT_THAT(session.run(std::vector{kX})[0].to_floats(), ElementsAre(-2, -2, -4));
  EXPECT_THAT(session.run(std::vector{Tensor::zeros(DType::kF32, {2, 3})})[0].to_floats(),
              ElementsAre(-1, -2, -3, -1, -2, -3));
}

TEST(Session, ResultsOfAnEarlierRunStayAsTheyWere) {
  const auto g = three_nodes();
  const Session session(g.graph, threads(1));
  const auto first = session.run(std::vector{kX});
  (void)session.run(std::vector{Tensor::of<float>({1, 3}, {9, 9, 9})});
  EXPECT_THAT(first[0].to_floats(), ElementsAre(-2, -2, -4));
  EXPECT_THAT(kX.to_floats(), ElementsAre(-1, 0, 1));
}

TEST(Session, OutputsMayBeInputsConstantsAndTheSameTwice) {
  auto g = three_nodes();
  for (const auto* name : {"x", "c", "y", "z"}) g.output(name);
  const Session session(g.graph, threads(1));
  const auto out = session.run(std::vector{kX});
  ASSERT_EQ(out.size(), 5u);
  EXPECT_THAT(out[1].to_floats(), ElementsAre(-1, 0, 1));
  EXPECT_THAT(out[2].to_floats(), ElementsAre(1, 2, 3));
  EXPECT_THAT(out[3].to_floats(), ElementsAre(2, 2, 4));
  EXPECT_EQ(out[4].to_floats(), out[0].to_floats());
}

TEST(Session, TheCallbackSeesEveryValueThatIsMade) {
  const auto g = three_nodes();
  const Session session(g.graph, {.threads = 1, .optimize = false, .keep = {}});
  std::set<std::string> seen;
  (void)session.run(std::vector{kX}, [&](const Produced& p) {
    seen.insert(g.name_of(p.value));
    EXPECT_EQ(p.tensor.size(), 3);
    if (g.name_of(p.value) == "y") {
      EXPECT_THAT(p.tensor.to_floats(), ElementsAre(2, 2, 4));
    }
  });
  EXPECT_EQ(seen, (std::set<std::string>{"x", "a", "y", "z"}));
}

TEST(Session, SaysWhichInputDoesNotFitAndHow) {
  const auto g = three_nodes();
  const Session session(g.graph, threads(1));
  const auto run = [&](const std::vector<Tensor>& inputs) {
    return bad_input_of([&] { (void)session.run(inputs); });
  };
  EXPECT_THAT(run({}), HasSubstr("1 inputs, but 0 were given"));
  EXPECT_EQ(run({Tensor::zeros(DType::kS64, {1, 3})}),
            "the input 'x' must be of type float, but is int64[1, 3]");
  EXPECT_EQ(run({Tensor::zeros(DType::kF32, {3})}),
            "the input 'x' must be of rank 2, but is float[3]");
  EXPECT_EQ(run({Tensor::zeros(DType::kF32, {1, 4})}),
            "the input 'x' must be 3 on axis 1, but is float[1, 4]");
}

TEST(Session, NamesTheNodeThatFails) {
  auto g = three_nodes();
  g.constant("c", Tensor::of<float>({2}, {1, 2}));
  const Session session(g.graph, threads(1));
  EXPECT_THAT(bad_input_of([&] { (void)session.run(std::vector{kX}); }), HasSubstr("Add 'Add'"));
}

TEST(Session, ListsOperatorsItDoesNotHave) {
  SmallGraph g;
  g.input("x");
  g.node("Strange", {"x"}, {"a"});
  g.node("Strange", {"a"}, {"b"});
  g.node("Other", {"b"}, {"y"}).domain = "com.example";
  g.output("y");
  EXPECT_EQ(thrown(ErrorKind::kUnsupported, [&] { Session session(g.graph); }),
            "operators that q8 does not have: Strange (2 nodes, first 'Strange'), "
            "com.example.Other (1 node, first 'Other')");
}

// Its operators rely on what lowering promises.
TEST(Session, RefusesTheInternalDomainInAFile) {
  SmallGraph g;
  g.input("x");
  g.node("TableLookup", {"x"}, {"y"}).domain = "q8";
  g.output("y");
  thrown(ErrorKind::kUnsupported, [&] { Session session(g.graph); });
}

TEST(Session, ANumberOfThreadsChangesNoBit) {
  SmallGraph g;
  g.input("x");
  Tensor w(DType::kF32, {8, 3, 3, 3});
  for (std::int64_t i = 0; i < w.size(); ++i)
    w.mutable_data<float>()[i] = std::sin(static_cast<float>(i));
  g.constant("w", w);
  g.node("Conv", {"x", "w"}, {"c"});
  g.node("Sigmoid", {"c"}, {"s"});
  g.node("Softmax", {"s"}, {"y"}).attributes.set("axis", std::int64_t{1});
  g.output("y");
  Tensor x(DType::kF32, {2, 3, 40, 31});
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.mutable_data<float>()[i] = std::cos(static_cast<float>(i));
  const auto one = Session(g.graph, threads(1)).run(std::vector{x})[0].to_floats();
  for (const int count : {2, 3, 4})
    EXPECT_EQ(Session(g.graph, threads(count)).run(std::vector{x})[0].to_floats(), one);
}

// y = x reshaped to [rows · columns, 1], with the shape computed from x's; w = as many ones.
SmallGraph with_shape_arithmetic() {
  SmallGraph g;
  g.input("x");
  describe(g, "x", DType::kF32, {kUnknownDim, kUnknownDim});
  g.constant("0", Tensor::of<std::int64_t>({1}, {0}));
  g.constant("1", Tensor::of<std::int64_t>({1}, {1}));
  g.node("Shape", {"x"}, {"dims"});
  g.node("Gather", {"dims", "0"}, {"rows"});
  g.node("Gather", {"dims", "1"}, {"columns"});
  g.node("Mul", {"rows", "columns"}, {"all"});
  g.node("Concat", {"all", "1"}, {"wanted"}).attributes.set("axis", std::int64_t{0});
  g.node("Reshape", {"x", "wanted"}, {"y"});
  g.node("ConstantOfShape", {"all"}, {"zeros"});
  g.node("Exp", {"zeros"}, {"w"});
  g.output("y");
  g.output("w");
  return g;
}

TEST(Session, WhatWasComputedOfShapesFollowsTheShapes) {
  const auto g = with_shape_arithmetic();
  const Session session(g.graph, threads(1));
  // 2000 ones are more than is held from run to run.
  for (const Shape& shape : {Shape{2, 3}, Shape{2, 3}, Shape{3, 2}, Shape{40, 50}, Shape{40, 50},
                             Shape{1, 6}, Shape{2, 3}}) {
    const auto results = session.run(std::vector{Tensor::zeros(DType::kF32, shape)});
    EXPECT_EQ(results[0].shape(), (Shape{shape.count(), 1}));
    EXPECT_EQ(results[1].to_floats(),
              std::vector<float>(static_cast<std::size_t>(shape.count()), 1.0f));
  }
}

TEST(Session, ARunAfterOneThatFailedIsAsGood) {
  SmallGraph g;
  g.input("x");
  describe(g, "x", DType::kF32, {kUnknownDim});
  g.constant("c", Tensor::of<float>({3}, {1, 2, 3}));
  g.node("Neg", {"x"}, {"n"});
  g.node("Add", {"n", "c"}, {"y"});
  g.output("y");
  const Session session(g.graph, threads(1));
  EXPECT_THROW((void)session.run(std::vector{Tensor::of<float>({2}, {7, 8})}), Error);
  EXPECT_THAT(session.run(std::vector{Tensor::of<float>({3}, {1, 1, 1})})[0].to_floats(),
              ElementsAre(0, 1, 2));
}

// A branch reads a value of the graph around it that nobody else reads.
TEST(Session, CapturedValuesLiveUntilTheBodyHasRun) {
  const auto branch = [](ValueId outer, const char* type) {
    SmallGraph body;
    body.graph.add_capture({outer, body.value("inner")});
    body.node(type, {"inner"}, {"r"});
    body.output("r");
    return std::make_shared<const Graph>(body.graph);
  };
  SmallGraph g;
  g.input("x");
  g.input("condition");
  g.node("Neg", {"x"}, {"n"});
  g.node("If", {"condition"}, {"y"});
  g.node("Exp", {"x"}, {"unused"});
  g.graph.node(1).attributes.set("then_branch", branch(g.value("n"), "Abs"));
  g.graph.node(1).attributes.set("else_branch", branch(g.value("n"), "Identity"));
  g.output("y");
  g.output("unused");
  const Session session(g.graph, threads(1));
  EXPECT_THAT(session.run(std::vector{kX, Tensor::scalar(true)})[0].to_floats(),
              ElementsAre(1, 0, 1));
  EXPECT_THAT(session.run(std::vector{kX, Tensor::scalar(false)})[0].to_floats(),
              ElementsAre(1, 0, -1));
}

}  // namespace
}  // namespace q8

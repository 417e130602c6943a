#include "graph/graph.h"

#include <gtest/gtest.h>

#include "data/thrown.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

// Reads the outer value as "inner" and gives it back through an Identity.
std::shared_ptr<const Graph> body_capturing(ValueId outer) {
  SmallGraph body;
  body.graph.add_capture({outer, body.value("inner")});
  body.node("Identity", {"inner"}, {"result"});
  body.output("result");
  return std::make_shared<const Graph>(body.graph);
}

TEST(Tidy, KeepsTheGivenOrderWhereItIsOne) {
  SmallGraph g;
  g.input("x");
  g.node("B", {"x"}, {"b"});
  g.node("A", {"x"}, {"a"});
  g.node("C", {"b", "a"}, {"c"});
  g.output("c");
  g.graph.tidy();
  EXPECT_EQ(g.types(), "B A C");
}

TEST(Tidy, SortsAndDropsWhatNobodyReads) {
  SmallGraph g;
  g.input("x");
  g.node("Last", {"b", "b"}, {"c"});
  g.node("Dead", {"a"}, {"d"});
  g.node("DeadToo", {"d"}, {"e"});
  g.node("Middle", {"a"}, {"b"});
  g.node("First", {"x"}, {"a"});
  g.output("c");
  g.graph.tidy();
  EXPECT_EQ(g.types(), "First Middle Last");
}

TEST(Tidy, KeepsWhatIsAlsoNeeded) {
  SmallGraph g;
  g.input("x");
  g.node("Kept", {"x"}, {"k"});
  g.node("Used", {"x"}, {"y"});
  g.output("y");
  g.graph.tidy({g.value("k")});
  EXPECT_EQ(g.types(), "Kept Used");
  g.graph.tidy();
  EXPECT_EQ(g.types(), "Used");
}

TEST(Tidy, ASubgraphsCaptureIsARead) {
  SmallGraph g;
  g.input("x");
  g.node("If", {"x"}, {"y"});
  g.node("Abs", {"x"}, {"a"});
  g.graph.node(0).attributes.set("then_branch", body_capturing(g.value("a")));
  g.output("y");
  g.graph.tidy();
  EXPECT_EQ(g.types(), "Abs If");
}

TEST(Tidy, NamesANodeOfACycleAndNotOneBehindIt) {
  SmallGraph g;
  g.input("x");
  g.node("Behind", {"b"}, {"y"});
  g.node("One", {"x", "b"}, {"a"});
  g.node("Two", {"a"}, {"b"});
  g.output("y");
  const auto message = bad_input_of([&] { g.graph.tidy(); });
  EXPECT_TRUE(message.ends_with("One 'One'") || message.ends_with("Two 'Two'")) << message;
}

TEST(Graph, NamesAreMadeUnique) {
  Graph graph;
  const ValueId a = graph.add_value("a"), b = graph.add_value("a"), c = graph.add_value("");
  EXPECT_EQ(graph.value(a).name, "a");
  EXPECT_NE(graph.value(b).name, "a");
  EXPECT_NE(graph.value(c).name, "");
  EXPECT_EQ(graph.find_value(graph.value(b).name), b);
}

TEST(ReplaceUses, ReachesCapturesButNotGraphOutputs) {
  SmallGraph g;
  g.input("x");
  g.input("z");
  g.node("Abs", {"x"}, {"y"});
  Node& branch = g.node("If", {"x"}, {"r"});
  branch.attributes.set("then_branch", body_capturing(g.value("x")));
  g.output("x");
  const auto before = g.graph.node(1).attributes.need_graph("then_branch");
  g.graph.replace_uses(g.value("x"), g.value("z"));
  EXPECT_EQ(g.only("Abs").inputs[0], g.value("z"));
  EXPECT_EQ(g.only("If").attributes.need_graph("then_branch")->captures()[0].outer, g.value("z"));
  EXPECT_EQ(before->captures()[0].outer, g.value("x"));  // copies share bodies: they stay
  EXPECT_EQ(g.graph.outputs()[0], g.value("x"));
}

TEST(Bypass, ReadersOfTheSecondReadTheFirst) {
  SmallGraph g;
  g.input("x");
  g.node("Identity", {"x"}, {"i"});
  g.node("Abs", {"i"}, {"y"});
  g.output("y");
  EXPECT_TRUE(g.graph.bypass(g.value("x"), g.value("i")));
  EXPECT_EQ(g.only("Abs").inputs[0], g.value("x"));
}

TEST(Bypass, AGraphOutputKeepsItsNameAndGetsTheProducer) {
  SmallGraph g;
  g.input("x");
  g.node("Abs", {"x"}, {"a"});
  g.node("Identity", {"a"}, {"y"});
  g.node("Neg", {"a"}, {"z"});
  g.output("y");
  g.output("z");
  EXPECT_TRUE(g.graph.bypass(g.value("a"), g.value("y")));
  g.graph.tidy();
  EXPECT_EQ(g.types(), "Abs Neg");
  EXPECT_EQ(g.name_of(g.only("Abs").outputs[0]), "y");
  EXPECT_EQ(g.name_of(g.only("Neg").inputs[0]), "y");
}

TEST(Bypass, RefusesWhatCannotBeAnOutput) {
  SmallGraph g;
  g.input("x");
  g.constant("c", Tensor::scalar(1.0f));
  g.node("Identity", {"x"}, {"from_input"});
  g.node("Identity", {"c"}, {"from_constant"});
  g.node("Abs", {"x"}, {"a"});
  g.node("Identity", {"a"}, {"b"});
  for (const auto* name : {"from_input", "from_constant", "a", "b"}) g.output(name);
  EXPECT_FALSE(g.graph.bypass(g.value("x"), g.value("from_input")));
  EXPECT_FALSE(g.graph.bypass(g.value("c"), g.value("from_constant")));
  EXPECT_FALSE(g.graph.bypass(g.value("a"), g.value("b")));
  EXPECT_EQ(g.types(), "Identity Identity Abs Identity");
}

TEST(Uses, OnlyConsumerIsNoneForOutputsAndForTwoReads) {
  SmallGraph g;
  g.input("x");
  g.node("Abs", {"x"}, {"a"});
  g.node("Mul", {"a", "a"}, {"b"});
  g.node("Neg", {"b"}, {"c"});
  g.output("b");
  g.output("c");
  const Uses uses(g.graph);
  EXPECT_EQ(uses.only_consumer(g.value("x")), 0);
  EXPECT_EQ(uses.only_consumer(g.value("a")), kNoNode);
  EXPECT_EQ(uses.only_consumer(g.value("b")), kNoNode);
  EXPECT_EQ(uses.producer(g.value("c")), 2);
}

TEST(Verify, NamesWhatIsWrong) {
  SmallGraph twice;
  twice.input("x");
  twice.node("A", {"x"}, {"y"});
  twice.node("B", {"x"}, {"y"});
  EXPECT_EQ(bad_input_of([&] { verify(twice.graph); }),
            "the value 'y' is made twice: by A 'A' and by B 'B'");
  SmallGraph missing;
  missing.node("A", {"x"}, {"y"});
  EXPECT_EQ(bad_input_of([&] { verify(missing.graph); }), "A 'A' reads 'x', which nothing makes");
  SmallGraph output;
  output.input("x");
  output.output("y");
  EXPECT_EQ(bad_input_of([&] { verify(output.graph); }), "nothing makes the graph's output 'y'");
}

TEST(Attributes, SayWhichIsMissingOrOfTheWrongType) {
  Attributes a;
  a.set("axis", std::int64_t{2});
  EXPECT_EQ(a.get_int("axis", 0), 2);
  EXPECT_EQ(a.get_int("other", 7), 7);
  EXPECT_NE(bad_input_of([&] { (void)a.get_float("axis", 0); }).find("'axis'"), std::string::npos);
  EXPECT_NE(bad_input_of([&] { (void)a.need_int("other"); }).find("'other'"), std::string::npos);
}

}  // namespace
}  // namespace q8

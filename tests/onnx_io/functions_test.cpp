#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "data/thrown.h"
#include "onnx_io/small_model.h"

namespace q8 {
namespace {

using testing::HasSubstr;

onnx::FunctionProto* function(SmallModel& m, const std::string& name, std::vector<std::string> in,
                              std::vector<std::string> out) {
  auto* made = m.proto.add_functions();
  made->set_domain("own");
  made->set_name(name);
  for (const auto& i : in) made->add_input(i);
  for (const auto& o : out) made->add_output(o);
  auto* opset = made->add_opset_import();
  opset->set_domain("");
  opset->set_version(17);
  return made;
}

SmallModel calling(const std::string& name) {
  SmallModel m;
  m.import("own", 1);
  m.input("x", {1});
  m.node(name, {"x"}, {"y"}, "call", "own");
  m.output("y", {1});
  return m;
}

std::string types(const Graph& graph) {
  std::string text;
  for (const Node& n : graph.nodes()) text += (text.empty() ? "" : " ") + n.op_type;
  return text;
}

TEST(Functions, NestedCallsAreInlined) {
  auto m = calling("Outer");
  auto* outer = function(m, "Outer", {"a"}, {"b"});
  SmallModel::node_in(outer, "Inner", {"a"}, {"t"}, "one", "own");
  SmallModel::node_in(outer, "Inner", {"t"}, {"b"}, "two", "own");
  auto* inner = function(m, "Inner", {"a"}, {"b"});
  SmallModel::node_in(inner, "Neg", {"a"}, {"t"});
  SmallModel::node_in(inner, "Abs", {"t"}, {"b"});
  const Graph graph = m.load().graph;
  EXPECT_EQ(types(graph), "Neg Abs Neg Abs");
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "y");
  std::set<std::string> names;
  for (const Node& node : graph.nodes()) EXPECT_TRUE(names.insert(node.name).second) << node.name;
}

TEST(Functions, AttributeReferencesTakeTheCallsValue) {
  for (const bool given : {false, true}) {
    auto m = calling("Leaky");
    if (given)
      SmallModel::attribute(m.graph()->mutable_node(0), "slope", onnx::AttributeProto::FLOAT)
          ->set_f(0.25f);
    auto* leaky = function(m, "Leaky", {"a"}, {"b"});
    leaky->add_attribute("slope");
    auto* node = SmallModel::node_in(leaky, "LeakyRelu", {"a"}, {"b"});
    SmallModel::attribute(node, "alpha", onnx::AttributeProto::FLOAT)->set_ref_attr_name("slope");
    const Graph graph = m.load().graph;
    EXPECT_EQ(graph.node(0).attributes.has("alpha"), given);
    EXPECT_EQ(graph.node(0).attributes.get_float("alpha", -1), given ? 0.25f : -1);
  }
}

TEST(Functions, AnInputThatIsAnOutputIsPassedOn) {
  auto m = calling("Both");
  m.graph()->mutable_node(0)->add_output("z");
  m.output("z", {1});
  auto* both = function(m, "Both", {"a"}, {"a", "b"});
  SmallModel::node_in(both, "Neg", {"a"}, {"b"});
  const Graph graph = m.load().graph;
  EXPECT_EQ(types(graph), "Identity Neg");
  EXPECT_EQ(graph.node(1).inputs[0], graph.find_value("x"));
}

TEST(Functions, BodiesOfControlFlowSeeTheCallsValues) {
  auto m = calling("Choose");
  auto* choose = function(m, "Choose", {"a"}, {"b"});
  SmallModel::node_in(choose, "Neg", {"a"}, {"n"});
  auto* node = SmallModel::node_in(choose, "If", {"a"}, {"b"});
  for (const auto* name : {"then_branch", "else_branch"}) {
    auto* body = SmallModel::attribute(node, name, onnx::AttributeProto::GRAPH)->mutable_g();
    SmallModel::node_in(body, "Abs", {"n"}, {"r"});
    body->add_output()->set_name("r");
  }
  const Graph graph = m.load().graph;
  const auto body = graph.node(1).attributes.need_graph("then_branch");
  ASSERT_EQ(body->captures().size(), 1u);
  EXPECT_EQ(body->captures()[0].outer, graph.node(0).outputs[0]);
}

TEST(Functions, ThatCallThemselvesAreRefused) {
  auto m = calling("A");
  SmallModel::node_in(function(m, "A", {"a"}, {"b"}), "B", {"a"}, {"b"}, "", "own");
  SmallModel::node_in(function(m, "B", {"a"}, {"b"}), "A", {"a"}, {"b"}, "", "own");
  EXPECT_THAT(bad_input_of([&] { (void)m.load(); }), HasSubstr("calls itself"));
}

TEST(Functions, OfTheSameNameAreRefused) {
  auto m = calling("A");
  for (const auto* type : {"Neg", "Abs"})
    SmallModel::node_in(function(m, "A", {"a"}, {"b"}), type, {"a"}, {"b"});
  EXPECT_THAT(thrown(ErrorKind::kUnsupported, [&] { (void)m.load(); }), HasSubstr("stands twice"));
}

TEST(Functions, OfAnotherOpsetAreRefused) {
  auto m = calling("A");
  auto* a = function(m, "A", {"a"}, {"b"});
  SmallModel::node_in(a, "Neg", {"a"}, {"b"});
  a->mutable_opset_import(0)->set_version(9);
  EXPECT_THAT(thrown(ErrorKind::kUnsupported, [&] { (void)m.load(); }), HasSubstr("opset 9"));
}

// Each calls the next one twice: 2^40 nodes out of a kilobyte.
TEST(Functions, ThatUnfoldWithoutEndAreRefused) {
  auto m = calling("F0");
  for (int i = 0; i < 40; ++i) {
    auto* f = function(m, "F" + std::to_string(i), {"a"}, {"b"});
    const std::string next = i < 39 ? "F" + std::to_string(i + 1) : "Neg";
    const std::string domain = i < 39 ? "own" : "";
    SmallModel::node_in(f, next, {"a"}, {"t"}, "", domain);
    SmallModel::node_in(f, next, {"t"}, {"b"}, "", domain);
  }
  thrown(ErrorKind::kUnsupported, [&] { (void)m.load(); });
}

TEST(Functions, ThatNestTooDeepAreRefused) {
  auto m = calling("F0");
  for (int i = 0; i < 5000; ++i)
    SmallModel::node_in(function(m, "F" + std::to_string(i), {"a"}, {"b"}),
                        "F" + std::to_string(i + 1), {"a"}, {"b"}, "", "own");
  EXPECT_THAT(thrown(ErrorKind::kUnsupported, [&] { (void)m.load(); }), HasSubstr("deep"));
}

}  // namespace
}  // namespace q8

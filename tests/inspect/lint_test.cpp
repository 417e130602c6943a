#include "inspect/lint.h"

#include <gmock/gmock.h>

#include <set>

#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Writes QDQ graphs by hand. `pair("x", 0.5, 128)` quantizes x to u8 and makes x_d.
class QdqBuilder {
 public:
  Graph& graph() { return builder_.graph(); }
  QdqBuilder& input(const std::string& name) { return builder_.input(name), *this; }
  QdqBuilder& output(const std::string& name) { return builder_.output(name), *this; }
  QdqBuilder& constant(const std::string& name, Tensor tensor) {
    return builder_.constant(name, std::move(tensor)), *this;
  }
  QdqBuilder& node(const std::string& type, const std::vector<std::string>& inputs,
                   const std::string& output) {
    return builder_.node(type, inputs, output), *this;
  }
  QdqBuilder& pair(const std::string& from, float scale, int zero = 0, bool is_signed = false) {
    constant(from + "_s", Tensor::scalar(scale));
    constant(from + "_z", is_signed ? Tensor::scalar(static_cast<std::int8_t>(zero))
                                    : Tensor::scalar(static_cast<std::uint8_t>(zero)));
    node("QuantizeLinear", {from, from + "_s", from + "_z"}, from + "_q");
    node("DequantizeLinear", {from + "_q", from + "_s", from + "_z"}, from + "_d");
    return *this;
  }
  // A MatMul with 2×2 weights of s8, in integers wherever its input is.
  QdqBuilder& product(const std::string& from, const std::string& to) {
    constant(to + "_w", Tensor::of<std::int8_t>(Shape{2, 2}, {1, -2, 3, 4}));
    constant(to + "_ws", Tensor::scalar(0.25f));
    node("DequantizeLinear", {to + "_w", to + "_ws"}, to + "_wd");
    node("MatMul", {from, to + "_wd"}, to);
    return *this;
  }

 private:
  GraphBuilder builder_;
};

std::vector<std::string> found(const Graph& graph, std::string_view target, std::string_view rule) {
  std::vector<std::string> nodes;
  for (const Finding& finding : lint(graph, find_target(target)).findings)
    if (finding.rule == rule) nodes.push_back(finding.node);
  return nodes;
}

TEST(Lint, SaysNothingOfAProductBetweenPairs) {
  QdqBuilder b;
  b.input("x").pair("x", 0.5f, 128).product("x_d", "y").output("y");
  const LintResult result = lint(b.graph(), find_target("onnxruntime-x86"));
  EXPECT_THAT(result.findings, IsEmpty());
  EXPECT_EQ(result.integer_products, 1);
  EXPECT_EQ(result.float_products, 0);
  EXPECT_EQ(result.pairs, 1);
}

TEST(Lint, RulesHaveNamesOfTheirOwnAndHelp) {
  std::set<std::string_view> names;
  for (const LintRule& rule : lint_rules()) {
    EXPECT_TRUE(names.insert(rule.name).second) << rule.name;
    EXPECT_FALSE(rule.help.empty());
  }
}

TEST(Lint, SurvivesAnEmptyGraphForEveryTarget) {
  for (const Target& target : targets()) {
    const LintResult result = lint(Graph(), target);
    ASSERT_EQ(result.findings.size(), 1u) << target.name;
    EXPECT_THAT(result.findings[0].message, HasSubstr("nothing in it is quantized"));
  }
}

TEST(Lint, PutsErrorsFirst) {
  QdqBuilder b;
  b.input("x").pair("x", 0.5f, 128).output("x_d");                // a warning: nothing uses it
  b.input("y").pair("y", -1.0f).product("y_d", "z").output("z");  // an error: its scale
  const auto findings = lint(b.graph(), find_target("onnxruntime-x86")).findings;
  ASSERT_GE(findings.size(), 2u);
  EXPECT_EQ(findings.front().level, FindingLevel::kError);
  EXPECT_EQ(findings.back().level, FindingLevel::kWarning);
}

TEST(LintParameters, FindsScalesThatAreNone) {
  for (const float scale : {0.0f, -0.5f, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(), 1e-40f}) {
    QdqBuilder b;
    b.input("x").pair("x", scale).product("x_d", "y").output("y");
    EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "parameters"),
                ElementsAre("x_q_node", "x_d_node"))
        << scale;
  }
}

TEST(LintParameters, FindsScalesThatAreComputed) {
  QdqBuilder b;
  b.input("x").input("s");
  b.node("QuantizeLinear", {"x", "s"}, "x_q").node("DequantizeLinear", {"x_q", "s"}, "x_d");
  b.product("x_d", "y").output("y");
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "parameters"),
              ElementsAre("x_q_node", "x_d_node"));
  EXPECT_EQ(lint(b.graph(), find_target("onnxruntime-x86")).integer_products, 0);
}

TEST(LintOperators, FindsTheQOperatorFormWhereQdqAloneIsRead) {
  GraphBuilder b;
  b.input("x").node("QLinearConv", {"x"}, "a").node("QLinearConv", {"a"}, "y").output("y");
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "operators"), IsEmpty());
  EXPECT_THAT(found(b.graph(), "tensorrt", "operators"), ElementsAre("a_node"));  // one for both
  EXPECT_EQ(lint(b.graph(), find_target("onnxruntime-x86")).integer_products, 2);
}

TEST(LintWeights, FindsQuantizedOnesOfRecurrentOperatorsWhereFloatAloneIsTaken) {
  QdqBuilder b;
  b.input("x").constant("w", Tensor::of<std::int8_t>(Shape{1, 1, 1}, {1}));
  b.constant("s", Tensor::scalar(0.5f)).node("DequantizeLinear", {"w", "s"}, "wd");
  b.node("GRU", {"x", "wd", "wd"}, "y").output("y");
  EXPECT_THAT(found(b.graph(), "openvino", "weights"), ElementsAre("y_node"));
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "weights"), IsEmpty());
}

TEST(LintProducts, OfTwoActivationsAreFloatWhereTheTargetSaysSo) {
  QdqBuilder b;
  b.input("x").input("y").pair("x", 0.5f, 128).pair("y", 0.25f, 128);
  b.node("MatMul", {"x_d", "y_d"}, "z").output("z");
  EXPECT_THAT(found(b.graph(), "openvino", "products"), ElementsAre("z_node"));
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "products"), IsEmpty());
}

TEST(LintPairs, FindsRoundingThatNothingNeeds) {
  QdqBuilder b;
  b.input("x").node("Erf", {"x"}, "a").pair("a", 0.5f).node("Erf", {"a_d"}, "y").output("y");
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "pairs"), ElementsAre("a_d_node"));
}

TEST(LintPairs, FindsWhatIsQuantizedTwiceInARow) {
  QdqBuilder b;
  b.input("x").pair("x", 0.5f).pair("x_d", 0.25f).product("x_d_d", "y").output("y");
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "pairs"), ElementsAre("x_d_node"));
}

TEST(LintPairs, FindsUnequalParametersOfOnePair) {
  QdqBuilder b;
  b.input("x").constant("s", Tensor::scalar(0.5f)).constant("t", Tensor::scalar(0.25f));
  b.node("QuantizeLinear", {"x", "s"}, "x_q").node("DequantizeLinear", {"x_q", "t"}, "x_d");
  b.product("x_d", "y").output("y");
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "pairs"), ElementsAre("x_d_node"));
}

TEST(LintMoves, WantsOneScaleBeforeAndBehind) {
  for (const float behind : {0.5f, 0.25f}) {
    QdqBuilder b;
    b.input("x").pair("x", 0.5f).node("Transpose", {"x_d"}, "t").pair("t", behind);
    b.product("t_d", "y").output("y");
    const bool equal = behind == 0.5f;
    EXPECT_EQ(found(b.graph(), "onnxruntime-x86", "moves").size(), equal ? 0u : 1u);
    EXPECT_EQ(found(b.graph(), "onnxruntime-x86", "islands").size(), equal ? 0u : 1u);
    EXPECT_THAT(found(b.graph(), "openvino", "moves"), IsEmpty());  // carries scales over them
  }
}

TEST(LintMoves, WantsOneScaleAtAConcatWhereTheTargetFixesIt) {
  QdqBuilder b;
  b.input("x").input("y").pair("x", 0.5f, 0, true).pair("y", 0.25f, 0, true);
  b.node("Concat", {"x_d", "y_d"}, "c").pair("c", 0.5f, 0, true).product("c_d", "z").output("z");
  EXPECT_THAT(found(b.graph(), "tflite-like", "moves"), ElementsAre("c_node"));
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "moves"), IsEmpty());  // has a QLinearConcat
}

TEST(LintClamps, FindsAValueQuantizedBeforeAndBehindItsClamp) {
  QdqBuilder b;
  b.input("x").pair("x", 0.5f).product("x_d", "a").pair("a", 0.5f, 128);
  b.node("Relu", {"a_d"}, "r").pair("r", 0.25f).product("r_d", "y").output("y");
  EXPECT_THAT(found(b.graph(), "onnxruntime-x86", "clamps"), ElementsAre("r_node"));
}

TEST(LintResiduals, WantsTheOtherSideOfAProductQuantized) {
  const auto residuals = [](bool product_is_quantized, bool other_is_quantized) {
    QdqBuilder b;
    b.input("x").pair("x", 0.5f, 0, true).product("x_d", "a");
    b.node("Erf", {"x"}, "other");
    if (product_is_quantized) b.pair("a", 0.5f, 0, true);
    if (other_is_quantized) b.pair("other", 0.5f, 0, true);
    b.node("Add", {product_is_quantized ? "a_d" : "a", other_is_quantized ? "other_d" : "other"},
           "s");
    b.pair("s", 0.5f, 0, true).product("s_d", "y").output("y");
    return found(b.graph(), "tensorrt", "residuals").size();
  };
  EXPECT_EQ(residuals(false, true), 0u);
  EXPECT_EQ(residuals(true, true), 1u);
  EXPECT_EQ(residuals(false, false), 1u);
}

TEST(LintBounded, WantsTheScalesThatTheTargetHasFixed) {
  const auto bounded = [](const std::string& type, float scale, int zero) {
    QdqBuilder b;
    b.input("x").pair("x", 0.5f, 0, true).product("x_d", "a").pair("a", 0.5f, 0, true);
    b.node(type, {"a_d"}, "s").pair("s", scale, zero, true).product("s_d", "y").output("y");
    return found(b.graph(), "tflite-like", "bounded").size();
  };
  EXPECT_EQ(bounded("Softmax", 1.0f / 256, -128), 0u);
  EXPECT_EQ(bounded("Softmax", 1.0f / 255, -128), 1u);
  EXPECT_EQ(bounded("Softmax", 1.0f / 256, 0), 1u);
  EXPECT_EQ(bounded("Tanh", 1.0f / 128, 0), 0u);
  EXPECT_EQ(bounded("Tanh", 1.0f / 256, -128), 1u);
}

TEST(LintIslands, NamesFloatNodesBetweenIntegersOnce) {
  QdqBuilder b;
  b.input("x").pair("x", 0.5f).product("x_d", "a").node("Erf", {"a"}, "e");
  b.node("Add", {"e", "a"}, "s").pair("s", 0.5f).product("s_d", "y").output("y");
  const LintResult result = lint(b.graph(), find_target("onnxruntime-x86"));
  EXPECT_EQ(result.float_islands, 1);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].level, FindingLevel::kNote);
  EXPECT_THAT(result.findings[0].message, HasSubstr("Add, Erf"));
}

TEST(LintIslands, PassesOverShapes) {
  QdqBuilder b;
  b.input("x").pair("x", 0.5f).product("x_d", "a").node("Shape", {"x_d"}, "n");
  b.node("Reshape", {"a", "n"}, "r").output("r");
  EXPECT_EQ(lint(b.graph(), find_target("onnxruntime-x86")).float_islands, 0);
}

}  // namespace
}  // namespace q8

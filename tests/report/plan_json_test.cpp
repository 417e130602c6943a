#include "report/plan_json.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace q8 {
namespace {

using testing::AllOf;
using testing::HasSubstr;

QuantizationPlan small_plan() {
  QuantizationPlan plan;
  plan.target = "tensorrt";
  plan.settings = "mode static\nobserver auto\n";
  plan.needs_output = false;
  plan.nodes = {
      {.node = "conv", .op_type = "Conv", .mode = NodeMode::kInteger, .reason = "weights"},
      {.node = "relu", .op_type = "Relu", .mode = NodeMode::kAbsorbed, .reason = "range"},
      {.node = "table", .op_type = "Gather", .mode = NodeMode::kWeightOnly, .reason = "rows"},
      {.node = "exp", .op_type = "Exp", .mode = NodeMode::kFloat, .reason = "float"},
      {.node = "fc", .op_type = "Gemm", .mode = NodeMode::kDynamic, .reason = "dynamic"}};
  // A third has no short decimal form: every bit has to come back.
  ActivationPlan& x = plan.activations["x"];
  x.params.dtype = DType::kS8;
  x.params.scale = {1.0f / 3};
  x.params.zero_point = {-5};
  x.range = {-1.0 / 3, 2.0 / 3};
  x.observer = "mse";
  x.shares_with = "y";
  x.everywhere = true;
  const auto constant = [&](const std::string& node, std::size_t input, std::vector<float> scale,
                            Storage storage) {
    ConstantPlan& made = plan.constants[{node, input}];
    made.value = node + "_weights";
    made.params.dtype = DType::kS8;
    made.params.axis = 0;
    made.params.zero_point.assign(scale.size(), 0);
    made.params.scale = std::move(scale);
    made.storage = storage;
  };
  constant("conv", 1, {0.1f, 1e-30f}, Storage::kTensor);
  constant("table", 0, {0.5f}, Storage::kRows);
  plan.warnings = {"a \"quoted\" word"};
  return plan;
}

// The plan's text with one piece of it replaced, read back: the error's message.
std::string fault(const std::string& from, const std::string& to) {
  std::string text = plan_json(small_plan());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  try {
    read_plan_json(text, "edited.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("edited.json"));
    return error.what();
  }
  return "";
}

TEST(PlanJson, RefusesNamesThatJsonCannotHold) {
  QuantizationPlan plan = small_plan();
  plan.nodes[0].node = "bo\xFF\xFE/conv";
  try {
    plan_json(plan);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
    EXPECT_THAT(error.what(), HasSubstr("UTF-8"));
  }
}

TEST(PlanJson, ReadsBackEveryFact) {
  const QuantizationPlan plan = small_plan();
  const QuantizationPlan read = read_plan_json(plan_json(plan), "plan.json");
  EXPECT_EQ(describe(read), describe(plan));
  EXPECT_EQ(read.needs_output, plan.needs_output);
  EXPECT_EQ(read.find_activation("x")->params, plan.find_activation("x")->params);
  EXPECT_EQ(read.find_activation("x")->range, plan.find_activation("x")->range);
  EXPECT_EQ(read.find_constant("conv", 1)->params, plan.find_constant("conv", 1)->params);
  EXPECT_EQ(read.find_constant("table", 0)->storage, Storage::kRows);
  EXPECT_EQ(read.warnings, plan.warnings);
}

TEST(PlanJson, KnowsItself) {
  EXPECT_TRUE(is_plan_json(plan_json(small_plan())));
  EXPECT_FALSE(is_plan_json("{\"passed\": true}"));
}

TEST(PlanJson, NamesUnknownAndMissingKeys) {
  EXPECT_THAT(fault("\"observer\"", "\"obsever\""),
              AllOf(HasSubstr("'obsever'"), HasSubstr("'observer'")));
  EXPECT_THAT(fault("\"shares_with\": \"y\",", ""), HasSubstr("'shares_with' is missing"));
}

TEST(PlanJson, NamesWrongWords) {
  EXPECT_THAT(fault("\"absorbed\"", "\"absorb\""),
              AllOf(HasSubstr("'absorb'"), HasSubstr("'absorbed'")));
  EXPECT_THAT(fault("\"rows\"", "\"row\""), HasSubstr("'row' is no storage"));
  EXPECT_THAT(fault("\"int8\"", "\"int9\""), HasSubstr("'int9' is no type"));
  EXPECT_THAT(fault("q8 plan 1", "q8 plan 0"), HasSubstr("q8 plan 0"));
}

TEST(PlanJson, RefusesParametersThatNoTensorHas) {
  EXPECT_THAT(fault("-5", "-129"), HasSubstr("-129 is not in int8"));
  EXPECT_THAT(fault("0.5", "0"), HasSubstr("above 0"));
  EXPECT_THAT(fault("0.5", "-1"), HasSubstr("above 0"));
  EXPECT_THAT(fault("0.5\n", "0.5, 0.5\n"), HasSubstr("one scale and zero_point for each channel"));
}

TEST(PlanJson, RefusesWhatIsNoPlan) {
  EXPECT_THAT(fault("\"nodes\"", "nodes"), HasSubstr("no plan of q8 quantize"));
  EXPECT_THAT(fault("\"integer\"", "7"), HasSubstr("no plan of q8 quantize"));
}

TEST(PlanJson, RefusesTwoRowsOfOneConstant) {
  EXPECT_THAT(
      fault("\"node\": \"table\",\n   \"input\": 0", "\"node\": \"conv\",\n   \"input\": 1"),
      HasSubstr("stands there twice"));
}

}  // namespace
}  // namespace q8

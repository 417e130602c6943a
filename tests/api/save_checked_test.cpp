#include "api/save_checked.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/error.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;
using test::GraphBuilder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kInput = "x";

// y = f(x), x and y of four floats.
Graph one_node(const std::string& type, const std::string& constant = {}, float value = 0) {
  GraphBuilder b;
  b.input(kInput);
  std::vector<std::string> inputs{kInput};
  if (!constant.empty()) {
    b.constant(constant, Tensor::scalar(value));
    inputs.push_back(constant);
  }
  b.node(type, inputs, "y").output("y");
  for (const char* name : {kInput, "y"})
    b.graph().value(b.value(name)).type = {.dtype = DType::kF32, .dims = {{4}}, .dim_names = {}};
  return b.graph();
}

class SaveChecked : public testing::Test {
 protected:
  SaveChecked() {
    folder_ = fs::temp_directory_path() /
              (std::string("q8_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    source_.model.graph = one_node("Add", "one", 1);
    host_.warn = [this](const std::string& text) { warnings_.push_back(text); };
  }
  ~SaveChecked() override { fs::remove_all(folder_); }

  // Saves `quantized` as the result of quantizing source_: y = x + 1.
  void save(const Graph& quantized) {
    Model model;
    model.graph = quantized;
    save_checked(std::move(model), folder_ / "y.onnx",
                 {.source = source_,
                  .planned = source_.model.graph,
                  .plan = plan_,
                  .sample = std::vector{Tensor::of<float>(Shape{4}, {1, 2, 3, 4})}},
                 host_);
  }

  std::string failure(const Graph& quantized) {
    try {
      save(quantized);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInternal);
      EXPECT_TRUE(fs::is_empty(folder_)) << "an error leaves no file behind";
      return error.what();
    }
    return "no error";
  }

  fs::path folder_;
  ModelFile source_;
  QuantizationPlan plan_;
  Host host_;
  std::vector<std::string> warnings_;
};

TEST_F(SaveChecked, WritesWhatIsRight) {
  save(one_node("Add", "one", 1));
  EXPECT_TRUE(fs::exists(folder_ / "y.onnx"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(SaveChecked, RefusesResultsThatAreNotFinite) {
  EXPECT_THAT(failure(one_node("Div", "zero", 0)), HasSubstr("'y' is NaN or infinite"));
}

TEST_F(SaveChecked, SaysWhenTheFloatModelIsNotFinite) {
  source_.model.graph = one_node("Div", "zero", 0);
  try {
    save(one_node("Add", "one", 1));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("'y' of the float model is NaN or infinite"));
  }
}

// Logarithms of probabilities, say: what both models have is no fault of either.
TEST_F(SaveChecked, TakesInfinitiesThatTheFloatModelHasToo) {
  source_.model.graph = one_node("Div", "zero", 0);
  save(source_.model.graph);
  EXPECT_TRUE(fs::exists(folder_ / "y.onnx"));
}

TEST_F(SaveChecked, RefusesResultsOfAnotherShape) {
  EXPECT_THAT(failure(one_node("ReduceMax")), HasSubstr("'y' has another shape"));
}

// A step more or less of a score decides how many are found.
TEST_F(SaveChecked, TakesAnotherNumberOfWhatIsFound) {
  const auto found = [](const std::string& shift, float by) {
    GraphBuilder b;
    b.input(kInput).constant("w", Tensor::of<float>(Shape{4, 1}, {1, 1, 1, 1}));
    b.constant(shift, Tensor::scalar(by)).node("MatMul", {kInput, "w"}, "product");
    b.node("Add", {"product", shift}, "sum").node("NonZero", {"sum"}, "y").output("y");
    b.graph().value(b.value(kInput)).type = one_node("Relu").value(0).type;
    return b.graph();
  };
  source_.model.graph = found("zero", 0);
  save(found("minus_ten", -10));  // 1 + 2 + 3 + 4 − 10
  EXPECT_TRUE(fs::exists(folder_ / "y.onnx"));
}

TEST_F(SaveChecked, RefusesWhatDoesNotRun) {
  Graph graph = one_node("Add", "four", 1);
  graph.value(graph.find_value("four")).constant = Tensor::of<float>(Shape{3}, {1, 2, 3});
  EXPECT_THAT(failure(graph), HasSubstr("failed its check and is not written"));
}

TEST_F(SaveChecked, KeepsWhatWasThereBefore) {
  save(one_node("Add", "one", 1));
  const auto size = fs::file_size(folder_ / "y.onnx");
  EXPECT_THROW(save(one_node("Div", "zero", 0)), Error);
  EXPECT_EQ(fs::file_size(folder_ / "y.onnx"), size);
}

TEST_F(SaveChecked, NamesTheTensorThatFalls) {
  save(one_node("Add", "minus_nine", -9));  // far from x + 1
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_THAT(warnings_[0], HasSubstr("'y' falls to"));
}

TEST_F(SaveChecked, NamesTheScaleThatItShares) {
  plan_.activations["y"].shares_with = "other";
  save(one_node("Add", "minus_nine", -9));
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("with the scale of 'other'")));
}

}  // namespace
}  // namespace q8

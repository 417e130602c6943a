#include "validate/compare_models.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "data/npy.h"

namespace q8 {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

// x [1, 3] + shift → y.
Graph adds(std::initializer_list<float> shift, const char* output = "y", Shape shape = {1, 3}) {
  Graph graph;
  graph.opsets[""] = 13;
  const ValueId x = graph.add_value("x");
  graph.value(x).type = {
      .dtype = DType::kF32, .dims = std::vector<std::int64_t>{1, 3}, .dim_names = {}};
  graph.add_input(x);
  Node node;
  node.op_type = "Add";
  node.inputs = {x, graph.add_constant("shift", Tensor::of<float>(std::move(shape), shift))};
  node.outputs = {graph.add_value(output)};
  graph.add_output(node.outputs[0]);
  graph.add_node(std::move(node));
  return graph;
}

class CompareModels : public testing::Test {
 protected:
  CompareModels()
      : folder_(fs::path(testing::TempDir()) /
                ("compare_" +
                 std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    write_file_atomically(folder_ / "x.npy", npy_bytes(Tensor::of<float>(
                                                 {4, 3}, {3, 1, 2, 0, 5, 1, 1, 2, 4, 2, 1, 0})));
  }
  ~CompareModels() override { fs::remove_all(folder_); }

  void label(const std::string& rows) {
    write_file_atomically(folder_ / "labels.csv", "index,class_index\n" + rows);
  }
  Validation run(const Graph& fp32, const Graph& int8, CompareOptions options = {}) const {
    DatasetOptions of;
    of.folders = {folder_};
    of.inputs = {{.name = "x", .dtype = DType::kF32, .dims = std::vector<std::int64_t>{1, 3}}};
    const Dataset data = Dataset::open(of);
    return compare_models(fp32, int8, data, {0, 1, 2, 3}, options);
  }

  fs::path folder_;
  const Graph same_ = adds({0, 0, 0}), shifted_ = adds({0, 0, 1.5f});
};

// Scores, class and argmax of both models:
//   3 1 2   class 0   0   3.5 → 2      0 5 1   class 1   1   1
//   1 2 4   class 2   2   2            2 1 0   class 1   0   0
TEST_F(CompareModels, CountsAsByHand) {
  label("0,0\n1,1\n2,2\n3,1\n");
  const Validation v = run(same_, shifted_);
  EXPECT_EQ(v.samples, 4);
  EXPECT_EQ(v.labelled, 4);
  EXPECT_EQ(v.fp32->top1, 0.75);
  EXPECT_EQ(v.int8->top1, 0.5);
  EXPECT_EQ(v.int8->top5, 1);  // three classes in all
  EXPECT_EQ(v.agreement, 0.75);
  // Σ x² = 14 + 26 + 21 + 5 = 66; four errors of 1.5² = 2.25.
  EXPECT_NEAR(v.sqnr_db, 10 * std::log10(66 / 9.0), 1e-9);
  EXPECT_EQ(v.max_abs_difference, 1.5);
  ASSERT_EQ(v.classes.size(), 3u);
  EXPECT_EQ(
      v.classes[0],
      (ClassResult{.index = 0, .name = "0", .samples = 1, .fp32_correct = 1, .int8_correct = 0}));
  EXPECT_EQ(
      v.classes[1],
      (ClassResult{.index = 1, .name = "1", .samples = 2, .fp32_correct = 1, .int8_correct = 1}));
  EXPECT_EQ(
      v.classes[2],
      (ClassResult{.index = 2, .name = "2", .samples = 1, .fp32_correct = 1, .int8_correct = 1}));
  ASSERT_EQ(v.outputs.size(), 1u);
  EXPECT_EQ(v.outputs[0].name, "y");
}

// The class of the second model is 2 where it is 0 in the first: no error of the size of 2.
TEST_F(CompareModels, AnIndexCountsOnlyWhereThereIsNothingElse) {
  const auto with_index = [](Graph graph) {
    Node node;
    node.op_type = "ArgMax";
    node.inputs = {graph.outputs()[0]};
    node.outputs = {graph.add_value("class")};
    node.attributes.set("axis", std::int64_t{1});
    graph.add_output(node.outputs[0]);
    graph.add_node(std::move(node));
    return graph;
  };
  const Validation v = run(with_index(same_), with_index(shifted_));
  EXPECT_NEAR(v.sqnr_db, 10 * std::log10(66 / 9.0), 1e-9);  // as in CountsAsByHand
  EXPECT_EQ(v.max_abs_difference, 1.5);
  ASSERT_EQ(v.outputs.size(), 2u);
  EXPECT_EQ(v.outputs[1].max_abs_difference, 2);  // 0 and 2
}

TEST_F(CompareModels, WithoutLabelsMeasuresTheRest) {
  const Validation v = run(same_, shifted_);
  EXPECT_FALSE(v.fp32.has_value());
  EXPECT_TRUE(v.classes.empty());
  EXPECT_EQ(v.agreement, 0.75);
}

TEST_F(CompareModels, AGridIsNoRowOfScores) {
  label("0,0\n1,1\n2,2\n3,1\n");
  const Graph grid = adds({0, 0}, "y", {2, 1});  // [1, 3] + [2, 1] → [2, 3]
  const Validation v = run(grid, grid);
  EXPECT_FALSE(v.has_class_scores);
  EXPECT_EQ(v.labelled, 4);
  EXPECT_FALSE(v.fp32.has_value());
  EXPECT_FALSE(v.agreement.has_value());
}

TEST_F(CompareModels, ScoresMayHaveMoreDimensions) {
  label("0,0\n1,1\n2,2\n3,1\n");
  const Graph deep = adds({0}, "y", {1, 1, 1});  // → [1, 1, 3]
  EXPECT_EQ(run(deep, deep).fp32->top1, 0.75);
}

TEST_F(CompareModels, SamplesWithoutALabelCountForTheRest) {
  label("1,1\n3,1\n");
  const Validation v = run(same_, shifted_);
  EXPECT_EQ(v.samples, 4);
  EXPECT_EQ(v.labelled, 2);
  EXPECT_EQ(v.fp32->top1, 0.5);
}

TEST_F(CompareModels, LabelOffsetMovesTheClasses) {
  label("0,0\n1,0\n2,1\n3,0\n");  // outputs 1, 1, 2, 1
  const Validation v = run(same_, same_, {.label_offset = 1});
  EXPECT_EQ(v.fp32->top1, 0.5);
  EXPECT_EQ(v.classes[0].fp32_correct, 1);
  EXPECT_EQ(v.classes[1].fp32_correct, 1);
}

TEST_F(CompareModels, LabelOutsideTheScoresNamesTheSample) {
  label("0,0\n1,1\n2,3\n3,1\n");
  try {
    run(same_, same_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("x.npy[2]"));
    EXPECT_THAT(error.what(), HasSubstr("class 3"));
    EXPECT_THAT(error.what(), HasSubstr("3 values"));
  }
}

TEST_F(CompareModels, OtherOutputsAreAnError) {
  try {
    run(same_, adds({0, 0, 0}, "z"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("FP32 y; INT8 z"));
  }
}

TEST_F(CompareModels, EndsWhenStopped) {
  std::stop_source source;
  source.request_stop();
  try {
    run(same_, same_, {.stop = source.get_token()});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  }
}

TEST_F(CompareModels, ThreadsDoNotMatter) {
  CompareOptions one, four;
  one.machine.threads = 1;
  four.machine.threads = 4;
  EXPECT_EQ(run(same_, shifted_, one).sqnr_db, run(same_, shifted_, four).sqnr_db);
}

}  // namespace
}  // namespace q8

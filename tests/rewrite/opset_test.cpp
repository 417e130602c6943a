#include "rewrite/opset.h"

#include <gtest/gtest.h>

#include "data/python.h"
#include "data/temporary_folder.h"
#include "onnx_io/save.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;

Attributes attribute(const std::string& name, Attribute value) {
  Attributes attributes;
  attributes.set(name, std::move(value));
  return attributes;
}

std::vector<std::int64_t> ints(std::initializer_list<std::int64_t> values) {
  return values;
}

// A graph of one node that reads x [2, 3, 4, 4].
struct Case {
  std::string name;
  std::int64_t opset;
  std::string op_type;
  Attributes attributes;
  std::vector<float> scales;        // of Upsample and Resize as an input
  std::vector<Tensor> others = {};  // constants that it reads after x
  std::int64_t to = 13;
  std::vector<std::string> more_outputs = {};
};

Tensor ramp(Shape shape, float first, float step) {
  Tensor t(DType::kF32, std::move(shape));
  for (std::int64_t i = 0; i < t.size(); ++i)
    t.mutable_data<float>()[i] = first + step * static_cast<float>(i);
  return t;
}

// What changed between opset 14 and 21.
std::vector<Case> newer_cases() {
  std::vector<Case> rows;
  for (const auto* type : {"ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceL1",
                           "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare"}) {
    rows.push_back({type, 13, type, attribute("axes", ints({1, -1})), {}, {}, 21});
    rows.back().attributes.set("keepdims", std::int64_t{0});
  }
  rows.push_back({"reduce_all", 13, "ReduceMean", {}, {}, {}, 21});
  rows.push_back({"split", 13, "Split", attribute("axis", std::int64_t{2}), {}, {}, 18, {"y2"}});
  rows.push_back({"resize_sizes",
                  13,
                  "Resize",
                  attribute("mode", std::string("linear")),
                  {},
                  {Tensor::of<float>(Shape{0}, {}), Tensor::of<float>(Shape{0}, {}),
                   Tensor::of<std::int64_t>(Shape{4}, {2, 3, 6, 5})},
                  21});
  rows.push_back({"roi_align",
                  13,
                  "RoiAlign",
                  attribute("output_height", std::int64_t{2}),
                  {},
                  {Tensor::of<float>(Shape{2, 4}, {0.0f, 0.0f, 2.0f, 3.0f, 1.0f, 0.5f, 3.0f, 3.0f}),
                   Tensor::of<std::int64_t>(Shape{2}, {0, 1})},
                  21});
  rows.push_back(
      {"grid_sample", 16, "GridSample", {}, {}, {ramp(Shape{2, 3, 2, 2}, -0.9f, 0.08f)}, 21});
  rows.push_back({"grid_sample_cubic",
                  16,
                  "GridSample",
                  attribute("mode", std::string("bicubic")),
                  {},
                  {ramp(Shape{2, 3, 2, 2}, -0.9f, 0.08f)},
                  21});
  rows.push_back({"batch_normalization",
                  9,
                  "BatchNormalization",
                  {},
                  {},
                  {ramp(Shape{3}, 0.5f, 0.25f), ramp(Shape{3}, -1, 1), ramp(Shape{3}, 0, 0.1f),
                   ramp(Shape{3}, 1, 0.5f)},
                  21});
  rows.push_back({"clip_then_newer", 10, "Clip", attribute("max", 0.25f), {}, {}, 21});
  rows.push_back({"softmax_flat_newer", 7, "Softmax", {}, {}, {}, 21});
  return rows;
}

std::vector<Case> cases() {
  std::vector<Case> rows = {
      {"softmax_flat", 7, "Softmax", {}, {}},
      {"softmax_axis2", 11, "Softmax", attribute("axis", std::int64_t{2}), {}},
      {"softmax_last", 11, "Softmax", attribute("axis", std::int64_t{-1}), {}},
      {"log_softmax", 9, "LogSoftmax", {}, {}},
      {"hardmax", 11, "Hardmax", {}, {}},
      {"pad_value", 7, "Pad", attribute("pads", ints({0, 0, 1, 2, 0, 0, 0, 1})), {}},
      {"pad_reflect", 2, "Pad", attribute("pads", ints({0, 0, 1, 1, 0, 0, 1, 1})), {}},
      {"slice", 9, "Slice", attribute("starts", ints({1, 0})), {}},
      {"reduce_sum", 11, "ReduceSum", attribute("axes", ints({1, 3})), {}},
      {"unsqueeze", 11, "Unsqueeze", attribute("axes", ints({0, 3})), {}},
      {"upsample_attribute",
       7,
       "Upsample",
       attribute("scales", std::vector<float>{1, 1, 2, 3}),
       {}},
      {"upsample_linear", 9, "Upsample", attribute("mode", std::string("linear")), {1, 1, 2, 2}},
      {"resize_up", 10, "Resize", {}, {1, 1, 2, 2}},
      {"resize_down", 10, "Resize", {}, {1, 1, 0.5f, 0.5f}},
      {"resize_linear", 10, "Resize", attribute("mode", std::string("linear")), {1, 1, 1.5f, 2}},
  };
  rows[5].attributes.set("value", 2.5f);
  rows[6].opset = 10;
  rows[6].attributes.set("mode", std::string("reflect"));
  rows[7].attributes.set("ends", ints({2, -1}));
  rows[7].attributes.set("axes", ints({0, 2}));
  Case clip{"clip", 10, "Clip", attribute("min", -0.5f), {}};
  clip.attributes.set("max", 0.25f);
  rows.push_back(clip);
  return rows;
}

Graph graph_of(const Case& row) {
  GraphBuilder b;
  b.input("x").output("y");
  std::vector<std::string> inputs = {"x"};
  if (!row.scales.empty()) {
    b.constant("scales", Tensor::of<float>(Shape{4}, row.scales));
    inputs.push_back("scales");
  }
  for (std::size_t i = 0; i < row.others.size(); ++i) {
    inputs.push_back("other" + std::to_string(i));
    b.constant(inputs.back(), row.others[i]);
  }
  b.node(row.op_type, inputs, "y", row.attributes);
  Graph graph = std::move(b.graph());
  for (const std::string& name : row.more_outputs)
    graph.node(0).outputs.push_back(graph.add_value(name));
  graph.opsets[""] = row.opset;
  graph.value(graph.find_value("x")).type = {
      .dtype = DType::kF32, .dims = std::vector<std::int64_t>{2, 3, 4, 4}, .dim_names = {}};
  graph.value(graph.find_value("y")).type.dtype = DType::kF32;
  return graph;
}

// Both models run in ONNX Runtime: the same outputs, bit for bit.
void expect_same_outputs(const std::vector<Case>& rows) {
  if (!has_python()) GTEST_SKIP() << "needs Q8_PYTHON with onnxruntime";
  const TemporaryFolder folder;
  for (const Case& row : rows) {
    Model model;
    model.ir_version = 8;
    model.graph = graph_of(row);
    save_model(model, folder / (row.name + ".old.onnx"));
    raise_opset(model.graph, row.to);
    EXPECT_EQ(model.graph.opset(), row.to);
    model.ir_version = row.to > 18 ? 10 : 8;
    save_model(model, folder / (row.name + ".new.onnx"));
  }
  EXPECT_TRUE(run_python("-B '" Q8_SOURCE_DIR "/tests/rewrite/same_outputs.py' '" +
                         folder.path().string() + "' " + std::to_string(rows.size())));
}

TEST(RaiseOpset, KeepsTheMeaningOfEveryOperatorThatChanged) {
  expect_same_outputs(cases());
}

TEST(RaiseOpset, KeepsTheMeaningUpToTheNewest) {
  expect_same_outputs(newer_cases());
}

TEST(RaiseOpset, NamesTheNodeThatCannotBeConverted) {
  Graph training = graph_of({"bn", 13, "BatchNormalization", {}, {}, {}, 21, {"mean"}});
  Graph groups = graph_of(
      {"gn", 18, "GroupNormalization", attribute("num_groups", std::int64_t{3}), {}, {}, 21});
  for (Graph* graph : {&training, &groups}) try {
      raise_opset(*graph, 21);
      ADD_FAILURE() << "was converted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("'y_node'"), std::string::npos) << error.what();
    }
}

// One value a group becomes one a channel: 3 channels in one group.
TEST(RaiseOpset, SpreadsTheScaleOfGroups) {
  Graph graph =
      graph_of({"gn",
                18,
                "GroupNormalization",
                attribute("num_groups", std::int64_t{1}),
                {},
                {Tensor::of<float>(Shape{1}, {0.5f}), Tensor::of<float>(Shape{1}, {2.0f})}});
  raise_opset(graph, 21);
  EXPECT_EQ(graph.constant(graph.node(0).inputs[1])->to_floats(), std::vector<float>(3, 0.5f));
  EXPECT_EQ(graph.constant(graph.node(0).inputs[2])->to_floats(), std::vector<float>(3, 2.0f));
}

TEST(RaiseOpset, MovesAttributesToInputs) {
  Graph graph = graph_of({"clip", 10, "Clip", attribute("max", 6.0f), {}});
  raise_opset(graph, 13);
  ASSERT_EQ(graph.node(0).inputs.size(), 3u);
  EXPECT_EQ(graph.node(0).inputs[1], kNoValue);
  EXPECT_EQ(graph.constant(graph.node(0).inputs[2])->to_floats()[0], 6.0f);
  EXPECT_FALSE(graph.node(0).attributes.has("max"));
}

TEST(RaiseOpset, LeavesNewerGraphsAlone) {
  Graph graph = graph_of({"softmax", 17, "Softmax", attribute("axis", std::int64_t{1}), {}});
  raise_opset(graph, 13);
  EXPECT_EQ(graph.opset(), 17);
  EXPECT_EQ(graph.node(0).attributes.get_int("axis", 0), 1);
}

TEST(RaiseOpset, RefusesWhatItCannotKeep) {
  Graph spatial =
      graph_of({"bn", 7, "BatchNormalization", attribute("spatial", std::int64_t{0}), {}});
  EXPECT_THROW(raise_opset(spatial, 13), Error);
  Graph mixed = graph_of({"resize", 10, "Resize", {}, {1, 1, 2, 0.5f}});
  EXPECT_THROW(raise_opset(mixed, 13), Error);
  Graph old = graph_of({"relu", 6, "Relu", {}, {}});
  EXPECT_THROW(raise_opset(old, 13), Error);
}

}  // namespace
}  // namespace q8

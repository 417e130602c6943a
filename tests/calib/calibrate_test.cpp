#include "calib/calibrate.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "calib/observed_values.h"
#include "data/npy.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

void add(Graph& graph, std::string type, std::vector<ValueId> inputs,
         std::vector<ValueId> outputs) {
  Node node;
  node.op_type = std::move(type);
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  graph.add_node(std::move(node));
}

// x [1, 2, 2] → x − 1 → Relu → y, and y + y → z.
Graph small_graph() {
  Graph graph;
  graph.opsets[""] = 13;
  const ValueId x = graph.add_value("x");
  graph.value(x).type = {
      .dtype = DType::kF32, .dims = std::vector<std::int64_t>{1, 2, 2}, .dim_names = {}};
  graph.add_input(x);
  const ValueId one = graph.add_constant("one", Tensor::scalar(1.0f));
  const ValueId shifted = graph.add_value("shifted"), y = graph.add_value("y"),
                z = graph.add_value("z");
  add(graph, "Sub", {x, one}, {shifted});
  add(graph, "Relu", {shifted}, {y});
  add(graph, "Add", {y, y}, {z});
  graph.add_output(z);
  return graph;
}

class Calibrate : public testing::Test {
 protected:
  Calibrate()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("calibrate_" +
                 std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~Calibrate() override { std::filesystem::remove_all(folder_); }

  void write_sample(const std::string& name, std::initializer_list<float> values) {
    write_file_atomically(folder_ / (name + ".npy"),
                          npy_bytes(Tensor::of<float>({1, 2, 2}, values)));
  }
  void write_nine_samples() {
    for (int i = 0; i < 9; ++i) {
      const auto r = static_cast<float>(i);
      write_sample("s" + std::to_string(i), {r, -r, 0.5f * r, 10 - r});
    }
  }
  Calibration run(CalibrateOptions options = {}, const Graph& graph = small_graph()) {
    DatasetOptions of;
    of.folders = {folder_};
    of.inputs = {{.name = "x", .dtype = DType::kF32, .dims = std::vector<std::int64_t>{1, 2, 2}}};
    const Dataset data = Dataset::open(of);
    return calibrate(graph, {.path = "/m.onnx", .sha256 = "abc"}, data,
                     {.folders = {folder_}, .size = data.size()}, options);
  }
  static std::string bytes_of(const CalibrationProfile& profile) {
    return serialize_profile(profile, "/");
  }

  std::filesystem::path folder_;
};

TEST_F(Calibrate, FillsStatisticsOfTheValuesThatMatter) {
  write_sample("a", {1, -2, 3, 4});
  write_sample("b", {0, 5, -1, 1});
  const CalibrationProfile profile = run().profile;
  EXPECT_TRUE(profile.complete);
  ASSERT_EQ(profile.tensors.size(), 3u);  // "shifted" is read by nothing but a Relu
  const TensorStatistics& x = *profile.find("x");
  EXPECT_EQ(x.count, 8u);
  EXPECT_EQ(x.zeros, 1u);
  EXPECT_EQ(x.extrema, (Extrema{-2, 5}));
  const TensorStatistics& y = *profile.find("y");
  EXPECT_EQ(y.extrema, (Extrema{0, 4}));
  EXPECT_EQ(y.zeros, 5u);
  EXPECT_EQ(profile.find("z")->extrema, (Extrema{0, 8}));
  // [1, 2, 2] of no Conv: channels along the last axis. Columns of x: 1 3 0 −1 and −2 4 5 1.
  EXPECT_EQ(x.channels.axis, 2);
  EXPECT_THAT(x.channels.channels, ElementsAre(Extrema{-1, 3}, Extrema{-2, 5}));
}

TEST_F(Calibrate, ClampedValuesOnRequest) {
  write_sample("a", {1, -2, 3, 4});
  const CalibrationProfile profile = run({.settings = {.clamped_values = true}}).profile;
  EXPECT_EQ(profile.find("shifted")->extrema, (Extrema{-3, 3}));
}

TEST_F(Calibrate, ShardsAndThreadsGiveTheSameBytes) {
  write_nine_samples();
  const std::string whole = bytes_of(run({.threads = 1}).profile);
  EXPECT_EQ(bytes_of(run({.threads = 2}).profile), whole);
  EXPECT_EQ(bytes_of(run({.isa = Isa::kScalar}).profile), whole);
  std::vector<CalibrationProfile> shards;
  for (const std::int64_t i : {3, 1, 2}) shards.push_back(run({.shard = Shard{i, 3}}).profile);
  EXPECT_EQ(shards[0].samples.size(), 3u);
  EXPECT_EQ(bytes_of(merge_profiles(shards)), whole);
}

TEST_F(Calibrate, AStoppedRunResumesToTheSameBytes) {
  write_nine_samples();
  const std::string whole = bytes_of(run().profile);
  std::stop_source stop;
  const Calibration part = run({.progress =
                                    [&](std::string_view, std::int64_t done, std::int64_t) {
                                      if (done == 3) stop.request_stop();
                                    },
                                .stop = stop.get_token()});
  EXPECT_FALSE(part.profile.complete);
  EXPECT_LT(part.profile.samples.size(), 9u);
  EXPECT_GE(part.profile.samples.size(), 3u);
  EXPECT_EQ(bytes_of(run({.resume = parse_profile(bytes_of(part.profile), "/")}).profile), whole);
  write_sample("s9", {1, 1, 1, 1});
  EXPECT_THROW(run({.resume = part.profile}), Error);  // the data has changed
}

// x [1, 2, 2] in two steps of [1, 2]: each is doubled; where x[0, 0, 0] is above 4, twice.
Graph graph_with_bodies() {
  Graph body;
  const ValueId step = body.add_value("step"), doubled = body.add_value("doubled");
  body.add_input(step);
  add(body, "Add", {step, step}, {doubled});
  body.add_output(doubled);
  Graph graph = small_graph();
  const ValueId steps = graph.add_value("steps"), flag = graph.add_value("flag"),
                first = graph.add_value("first"), end = graph.add_value("end");
  Attributes of_scan;
  of_scan.set("num_scan_inputs", std::int64_t{1});
  of_scan.set("scan_input_axes", std::vector<std::int64_t>{1});
  of_scan.set("body", std::make_shared<const Graph>(body));
  graph.add_node({.name = "scan",
                  .domain = "",
                  .op_type = "Scan",
                  .inputs = {graph.find_value("x")},
                  .outputs = {steps},
                  .attributes = of_scan,
                  .doc = ""});
  const auto branch = [&](const std::string& made, const char* type) {
    Graph inner;
    const ValueId in = inner.add_value("steps"), out = inner.add_value(made);
    inner.add_capture({.outer = steps, .inner = in});
    add(inner, type, {in}, {out});
    inner.add_output(out);
    return std::make_shared<const Graph>(inner);
  };
  Attributes of_if;
  of_if.set("then_branch", branch("negated", "Neg"));
  of_if.set("else_branch", branch("kept", "Identity"));
  const ValueId four = graph.add_constant("four", Tensor::scalar(4.0f)),
                zero = graph.add_constant("zero", Tensor::scalar(std::int64_t{0}));
  const ValueId flat = graph.add_value("flat");
  const ValueId all = graph.add_constant("all", Tensor::of<std::int64_t>({1}, {-1}));
  add(graph, "Reshape", {graph.find_value("x"), all}, {flat});
  add(graph, "Gather", {flat, zero}, {first});
  add(graph, "Greater", {first, four}, {flag});
  graph.add_node({.name = "if",
                  .domain = "",
                  .op_type = "If",
                  .inputs = {flag},
                  .outputs = {end},
                  .attributes = of_if,
                  .doc = ""});
  graph.add_output(end);
  return graph;
}

TEST_F(Calibrate, EachRunOfABodyCounts) {
  write_sample("a", {1, -2, 3, 4});
  write_sample("b", {0, 5, -1, 1});
  const CalibrationProfile profile = run({}, graph_with_bodies()).profile;
  const TensorStatistics& doubled = *profile.find("doubled");
  EXPECT_EQ(doubled.count, 8u);  // two samples, two steps, two values
  EXPECT_EQ(doubled.extrema, (Extrema{-4, 10}));
  EXPECT_THAT(doubled.samples, UnorderedElementsAre(Extrema{-4, 8}, Extrema{-2, 10}));
  EXPECT_EQ(profile.find("step")->extrema, (Extrema{-2, 5}));
  EXPECT_EQ(profile.find("kept")->count, 8u);
  EXPECT_EQ(profile.find("negated"), nullptr);  // a branch that no sample takes
}

TEST_F(Calibrate, ShardsOfDifferentBranchesGiveTheSameBytes) {
  write_nine_samples();  // the last four take the other branch
  const std::string whole = bytes_of(run({}, graph_with_bodies()).profile);
  std::vector<CalibrationProfile> shards;
  for (const std::int64_t i : {3, 1, 2})
    shards.push_back(run({.shard = Shard{i, 3}}, graph_with_bodies()).profile);
  std::vector<CalibrationProfile> single;
  for (const std::int64_t i : {8, 1, 9, 3, 2, 4, 7, 5, 6})
    single.push_back(run({.shard = Shard{i, 9}}, graph_with_bodies()).profile);
  EXPECT_EQ(bytes_of(merge_profiles(shards)), whole);
  EXPECT_EQ(bytes_of(merge_profiles(single)), whole);
}

TEST_F(Calibrate, NaNIsAnErrorThatNamesValueAndSample) {
  write_nine_samples();
  write_sample("bad", {0, std::numeric_limits<float>::quiet_NaN(), 0, 0});
  try {
    run();
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    EXPECT_THAT(error.what(), HasSubstr("'x' holds NaN"));
    EXPECT_THAT(error.what(), HasSubstr("bad.npy"));
  }
}

TEST_F(Calibrate, WarnsOfFewSamplesAndOfWhatNeverChanges) {
  write_sample("a", {0, -1, 0.5f, 1});
  write_sample("b", {0, -2, 0.5f, 1});
  EXPECT_THAT(run().warnings, testing::Contains(HasSubstr("activations never change: 'y', 'z'")));
  EXPECT_THAT(run().warnings, testing::Contains(HasSubstr("only 2 samples")));
}

// x → Shape → Cast → positions: the same for all samples, as it should be. y = Relu(x) is not.
TEST(ProfileWarnings, LeaveOutWhatOnlyShapesMake) {
  Graph graph;
  graph.opsets[""] = 13;
  const ValueId x = graph.add_value("x"), shape = graph.add_value("shape"),
                positions = graph.add_value("positions"), y = graph.add_value("y");
  graph.add_input(x);
  add(graph, "Shape", {x}, {shape});
  add(graph, "Cast", {shape}, {positions});
  add(graph, "Relu", {x}, {y});
  CalibrationProfile profile;
  profile.samples.resize(200);
  for (const char* name : {"positions", "y"}) {
    TensorStatistics& tensor = profile.tensors.emplace_back();
    tensor.name = name;
    tensor.count = 400;
    tensor.extrema = {2, 2};
  }
  EXPECT_THAT(profile_warnings(profile, graph),
              testing::ElementsAre("1 activation never changes: 'y'."));
}

TEST(ObservedValues, MinusInfinityMayBeOnTheWayToASoftmax) {
  Graph graph;
  graph.opsets[""] = 13;
  const ValueId mask = graph.add_value("mask"), scores = graph.add_value("scores"),
                sum = graph.add_value("sum"), out = graph.add_value("out"),
                left = graph.add_value("left");
  graph.add_input(mask);
  graph.add_input(left);
  add(graph, "MatMul", {left, left}, {scores});
  add(graph, "Add", {scores, mask}, {sum});
  add(graph, "Softmax", {sum}, {out});
  graph.add_output(out);
  std::vector<std::string> masked;
  for (const ObservedValue& value : find_observed_values(graph, false))
    if (value.may_be_masked) masked.push_back(graph.value(value.id).name);
  EXPECT_THAT(masked, ElementsAre("mask", "scores", "sum"));
}

}  // namespace
}  // namespace q8

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
  Calibration run(CalibrateOptions options = {}) {
    DatasetOptions of;
    of.folders = {folder_};
    of.inputs = {{.name = "x", .dtype = DType::kF32, .dims = std::vector<std::int64_t>{1, 2, 2}}};
    const Dataset data = Dataset::open(of);
    return calibrate(small_graph(), {.path = "/m.onnx", .sha256 = "abc"}, data,
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

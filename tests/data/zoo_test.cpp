#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/dataset.h"
#include "data/npz.h"
#include "data/sample_stream.h"
#include "data/sampling.h"
#include "python.h"
#include "temporary_folder.h"

// Real data and models' configurations, where the shared folder is there.
namespace q8 {
namespace {

const std::filesystem::path kShared = std::filesystem::path(Q8_SOURCE_DIR) / "../shared";

using Dims = std::vector<std::int64_t>;

Dataset open_zoo(std::string_view folder, std::vector<InputSpec> inputs,
                 std::string_view model = "") {
  DatasetOptions options;
  options.folders = {kShared / "zoo/data" / folder};
  options.inputs = std::move(inputs);
  if (!model.empty())
    options.preprocess =
        read_preprocess_config(kShared / "zoo/models" / model / "preprocessor_config.json");
  return Dataset::open(std::move(options));
}

#define SKIP_WITHOUT_ZOO() \
  if (!std::filesystem::exists(kShared / "zoo")) GTEST_SKIP() << "no ../shared/zoo"

class ZooImages : public testing::TestWithParam<const char*> {};

TEST_P(ZooImages, EqualTheScoringScript) {
  SKIP_WITHOUT_ZOO();
  if (!has_python()) GTEST_SKIP() << "no Python given (Q8_PYTHON)";
  const TemporaryFolder folder;
  ASSERT_TRUE(run_python(std::string(Q8_SOURCE_DIR) + "/tests/data/zoo_expected.py " +
                         kShared.string() + " " + GetParam() + " 12 " +
                         (folder / "x.npz").string()));
  const auto model = kShared / "zoo/models" / GetParam();
  const auto config = read_preprocess_config(model / "preprocessor_config.json");
  const auto task = nlohmann::json::parse(read_text_file(model / "task.json"));
  const auto expected = read_npz(folder / "x.npz");
  ASSERT_GE(expected.size(), 12u);
  // A step of one pixel value after rescaling and normalization; results must be within it, and are
  // in fact the same but for rounding.
  float step = config.rescale.value_or(1);
  if (!config.std.empty()) step /= *std::ranges::max_element(config.std);
  for (const auto& [name, array] : expected) {
    const MappedFile file(kShared / "zoo" / task["eval"] / name);
    const Tensor x = preprocess(file.bytes(), config);
    ASSERT_EQ(x.shape(), array.shape()) << name;
    float largest = 0;
    for (std::int64_t i = 0; i < x.size(); ++i)
      largest = std::max(largest, std::abs(x.data<float>()[i] - array.data<float>()[i]));
    EXPECT_LE(largest, 0.01F * step) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ZooImages,
                         testing::Values("squeezenet1.1", "efficientnet_lite0", "mobilenet_v2",
                                         "densenet121", "cifar10_nhwc", "cifar10_vit", "yolox_nano",
                                         "nanodet_m", "ultraface_rfb", "super_resolution",
                                         "ocr_detection"));

struct ArrayCase {
  const char* folder;
  std::vector<InputSpec> inputs;
  std::int64_t samples;
  bool labelled;
};

TEST(Zoo, EveryFolderOfArraysOpens) {
  SKIP_WITHOUT_ZOO();
  const std::vector<ArrayCase> cases = {
      {"mnist/eval", {{"Input3", DType::kF32, Dims{1, 1, 28, 28}}}, 2000, true},
      {"letter_mlp/eval", {{"features", DType::kF32, Dims{-1, 16}}}, 1000, true},
      {"filetype_magika/eval", {{"bytes", DType::kS32, Dims{-1, 2048}}}, 910, true},
      {"minilm_l6/calib",
       {{"input_ids", DType::kS64, Dims{-1, -1}},
        {"attention_mask", DType::kS64, Dims{-1, -1}},
        {"token_type_ids", DType::kS64, Dims{-1, -1}}},
       300,
       false},
      {"speech_digits_gru/eval", {{"logmel", DType::kF32, Dims{-1, -1, 40}}}, 1000, true},
      {"noise_suppression_2/eval",
       {{"input_4", DType::kF32, Dims{1, 1, 512}}, {"input_5", DType::kF32, Dims{1, 2, 128, 2}}},
       450,
       false},
      {"textlines/eval", {{"x", DType::kF32, Dims{-1, 3, -1, -1}}}, 32, true},
  };
  for (const ArrayCase& c : cases) {
    const Dataset dataset = open_zoo(c.folder, c.inputs);
    EXPECT_EQ(dataset.size(), c.samples) << c.folder;
    EXPECT_EQ(dataset.has_labels(), c.labelled) << c.folder;
    const Sample sample = dataset.sample(c.samples - 1);
    for (std::size_t i = 0; i < c.inputs.size(); ++i) {
      EXPECT_EQ(sample.inputs[i].shape().rank(), std::ssize(*c.inputs[i].dims)) << c.folder;
      EXPECT_EQ(sample.inputs[i].shape()[0], 1) << c.folder;
      EXPECT_EQ(sample.inputs[i].dtype(), c.inputs[i].dtype) << c.folder;
    }
  }
}

TEST(Zoo, ImageFoldersHaveTheirLabels) {
  SKIP_WITHOUT_ZOO();
  const Dataset cifar =
      open_zoo("cifar10/calib", {{"x:0", DType::kF32, Dims{-1, 32, 32, 3}}}, "cifar10_nhwc");
  EXPECT_EQ(cifar.size(), 500);
  EXPECT_EQ(cifar.class_names().size(), 10u);
  EXPECT_EQ(cifar.class_names().front(), "airplane");
  EXPECT_EQ(cifar.label(0), 0);
  EXPECT_EQ(cifar.label(499), 9);
  const Dataset imagenet =
      open_zoo("imagenet/calib", {{"data_0", DType::kF32, Dims{1, 3, 224, 224}}}, "squeezenet1.1");
  EXPECT_EQ(imagenet.size(), 300);
  EXPECT_TRUE(imagenet.has_labels());
  const auto chosen = select_samples(cifar, {.count = 50});
  std::vector<int> per_class(10);
  for (const std::int64_t i : chosen) ++per_class[static_cast<std::size_t>(*cifar.label(i))];
  EXPECT_THAT(per_class, testing::Each(5));
}

}  // namespace
}  // namespace q8

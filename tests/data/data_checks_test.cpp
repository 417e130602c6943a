#include "data/data_checks.h"

#include <gmock/gmock.h>

#include <limits>

#include "data/npz.h"
#include "temporary_folder.h"

namespace q8 {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// 60 rows of [1, 2, 2]; row r holds base + step · (0, 1, 2, 3) + r · shift.
Tensor rows(float base, float step, float shift) {
  Tensor t(DType::kF32, {60, 1, 2, 2});
  for (std::int64_t i = 0; i < t.size(); ++i)
    t.mutable_data<float>()[i] =
        base + step * static_cast<float>(i % 4) + shift * static_cast<float>(i / 4);
  return t;
}

std::vector<std::string> warnings_of(const Dataset& dataset) {
  DataChecks checks(dataset);
  for (std::int64_t i = 0; i < dataset.size(); ++i) checks.add(dataset.sample(i));
  return checks.warnings();
}
std::vector<std::string> warnings_of(const Tensor& array) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", array}});
  DatasetOptions options;
  options.folders = {folder.path()};
  options.inputs = {{"x", DType::kF32, std::vector<std::int64_t>{-1, 1, 2, 2}}};
  return warnings_of(Dataset::open(options));
}
std::vector<std::string> warnings_of_pictures(std::string_view json) {
  const TemporaryFolder folder;
  for (int i = 0; i < 60; ++i) {
    std::string picture = ppm(2, 2, 4 * i);
    picture.back() = static_cast<char>(255 - 4 * i);
    folder.write(std::to_string(i) + ".ppm", picture);
  }
  DatasetOptions options;
  options.folders = {folder.path()};
  options.inputs = {{"x", DType::kF32, std::vector<std::int64_t>{-1, 3, 2, 2}}};
  options.preprocess = parse_preprocess_config(json, "test");
  return warnings_of(Dataset::open(options));
}

TEST(DataChecks, OrdinaryDataGivesNoWarning) {
  EXPECT_THAT(warnings_of(rows(-1, 0.5F, 0.01F)), IsEmpty());
  EXPECT_THAT(warnings_of_pictures(R"({"do_rescale": true, "rescale_factor": 0.00392156862745098,
      "do_normalize": true, "image_mean": 0.45, "image_std": 0.22})"),
              IsEmpty());
}

TEST(DataChecks, RepeatedSamples) {
  EXPECT_THAT(warnings_of(Tensor::of<float>({2, 1, 2, 2}, {1, 2, 3, 0.5, 1, 2, 3, 0.5})),
              ElementsAre(HasSubstr("a.npz[1] = a.npz[0]")));
}

TEST(DataChecks, ConstantAndInfiniteSamples) {
  Tensor t = rows(-1, 0.5F, 0.01F);
  for (int i = 4; i < 8; ++i) t.mutable_data<float>()[i] = 0.3F;
  t.mutable_data<float>()[9] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(warnings_of(t), ElementsAre(AllOf(HasSubstr("NaN"), HasSubstr("a.npz[2]")),
                                          AllOf(HasSubstr("one value"), HasSubstr("a.npz[1]"))));
}

TEST(DataChecks, RawPixelsInArrays) {
  EXPECT_THAT(warnings_of(rows(0, 10, 3)), ElementsAre(HasSubstr("raw pixels")));
  EXPECT_THAT(warnings_of(rows(0.25F, 10.5F, 3)), ElementsAre(HasSubstr("raw pixels")));
  EXPECT_THAT(warnings_of(rows(0, 0.1F, 0.01F)), IsEmpty());
  EXPECT_THAT(warnings_of(rows(-1, 10, 3)), IsEmpty());
}

TEST(DataChecks, RawPixelsOfPictures) {
  EXPECT_THAT(warnings_of_pictures("{}"),
              ElementsAre(AllOf(HasSubstr("raw pixels"), HasSubstr("do_rescale"))));
  EXPECT_THAT(
      warnings_of_pictures(R"({"do_rescale": true, "rescale_factor": 0.00392156862745098})"),
      IsEmpty());
  EXPECT_THAT(
      warnings_of_pictures(R"({"do_normalize": true, "image_mean": 127, "image_std": 128})"),
      IsEmpty());
}

TEST(DataChecks, MeansMadeForTheOtherRange) {
  EXPECT_THAT(warnings_of_pictures(R"({"do_rescale": false, "do_normalize": true,
      "image_mean": 0.45, "image_std": 0.22})"),
              ElementsAre(HasSubstr("is do_rescale missing"), HasSubstr("after normalization")));
  EXPECT_THAT(warnings_of_pictures(R"({"do_rescale": true, "rescale_factor": 0.00392156862745098,
      "do_normalize": true, "image_mean": 127, "image_std": 128})"),
              ElementsAre(HasSubstr("is do_rescale wrong"), HasSubstr("after normalization")));
}

TEST(DataChecks, ClassesWithoutSamples) {
  const TemporaryFolder folder;
  for (int i = 0; i < 60; ++i)
    folder.write((i % 2 == 0 ? "a/" : "c/") + std::to_string(i) + ".ppm", ppm(1, 1, i));
  folder.write("classes.txt", "a\nb\nc\n");
  DatasetOptions options;
  options.folders = {folder.path()};
  options.inputs = {{"x", DType::kF32, std::vector<std::int64_t>{-1, 3, 1, 1}}};
  options.preprocess = PreprocessConfig();
  EXPECT_THAT(warnings_of(Dataset::open(options)),
              Contains(AllOf(HasSubstr("1 of 3 classes"), HasSubstr("b"))));
}

}  // namespace
}  // namespace q8

#include "data/dataset.h"

#include <gmock/gmock.h>

#include <cstring>

#include "base/sha256.h"
#include "data/npz.h"
#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Dims = std::vector<std::int64_t>;

DatasetOptions options_of(const TemporaryFolder& folder, std::vector<InputSpec> inputs) {
  DatasetOptions options;
  options.folders = {folder.path()};
  options.inputs = std::move(inputs);
  return options;
}
InputSpec float_input(Dims dims) {
  return {"x", DType::kF32, std::move(dims)};
}
DatasetOptions images_of(const TemporaryFolder& folder, Dims dims = {1, 3, -1, -1}) {
  DatasetOptions options = options_of(folder, {float_input(std::move(dims))});
  options.preprocess = PreprocessConfig();
  return options;
}
std::string error_of(const DatasetOptions& options) {
  return bad_input_of([&] { (void)Dataset::open(options); });
}
std::vector<std::optional<std::int64_t>> labels_of(const Dataset& dataset) {
  std::vector<std::optional<std::int64_t>> labels;
  for (std::int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
  return labels;
}
std::string hash_of_text(const std::string& text) {
  return sha256_hex(std::as_bytes(std::span(text)));
}
Tensor counting(Shape shape) {
  Tensor t(DType::kF32, std::move(shape));
  for (std::int64_t i = 0; i < t.size(); ++i) t.mutable_data<float>()[i] = static_cast<float>(i);
  return t;
}

// --- images

TEST(Dataset, ImagesComeSortedWithTheBatchAxis) {
  const TemporaryFolder folder;
  folder.write("b.ppm", ppm(2, 3, 7));
  folder.write("a.ppm", ppm(2, 3, 5));
  folder.write("notes.txt", "passed over");
  const Dataset dataset = Dataset::open(images_of(folder));
  ASSERT_EQ(dataset.size(), 2);
  const Sample sample = dataset.sample(1);
  EXPECT_EQ(sample.name, "b.ppm");
  EXPECT_EQ(sample.inputs.at(0).shape(), (Shape{1, 3, 2, 3}));
  EXPECT_EQ(sample.inputs[0].data<float>()[0], 7);
  EXPECT_EQ(sample.label, std::nullopt);
  EXPECT_EQ(sample.sha256, hash_of_text(ppm(2, 3, 7)));
  EXPECT_EQ(dataset.sha256(0), hash_of_text(ppm(2, 3, 5)));
}

TEST(Dataset, SubFoldersAreClassesSortedByName) {
  const TemporaryFolder folder;
  folder.write("dog/1.ppm", ppm(1, 1, 0));
  folder.write("cat/2.ppm", ppm(1, 1, 0));
  folder.write("cat/1.ppm", ppm(1, 1, 0));
  const Dataset dataset = Dataset::open(images_of(folder));
  EXPECT_THAT(dataset.class_names(), ElementsAre("cat", "dog"));
  EXPECT_THAT(labels_of(dataset), ElementsAre(0, 0, 1));
  EXPECT_EQ(dataset.name(2), "dog/1.ppm");
}

TEST(Dataset, OneSubFolderIsNoClass) {
  const TemporaryFolder folder;
  folder.write("images/1.ppm", ppm(1, 1, 0));
  EXPECT_FALSE(Dataset::open(images_of(folder)).has_labels());
}

TEST(Dataset, ClassesTxtNumbersSubFoldersThatItLists) {
  const TemporaryFolder folder;
  folder.write("dog/1.ppm", ppm(1, 1, 0));
  folder.write("cat/1.ppm", ppm(1, 1, 0));
  folder.write("classes.txt", "bird\ndog\ncat\n");
  EXPECT_THAT(labels_of(Dataset::open(images_of(folder))), ElementsAre(2, 1));
  folder.write("classes.txt", "a cat\r\na dog\r\n");  // other words, one for each
  const Dataset named = Dataset::open(images_of(folder));
  EXPECT_THAT(labels_of(named), ElementsAre(0, 1));
  EXPECT_THAT(named.class_names(), ElementsAre("a cat", "a dog"));
  folder.write("classes.txt", "bird\ndog\n");
  EXPECT_THAT(error_of(images_of(folder)), HasSubstr("'cat'"));
}

TEST(Dataset, ImagesBesideClassFoldersAreAnError) {
  const TemporaryFolder folder;
  folder.write("dog/1.ppm", ppm(1, 1, 0));
  folder.write("cat/1.ppm", ppm(1, 1, 0));
  folder.write("stray.ppm", ppm(1, 1, 0));
  EXPECT_THAT(error_of(images_of(folder)), HasSubstr("stray.ppm"));
}

TEST(Dataset, LabelsCsvNamesFiles) {
  const TemporaryFolder folder;
  folder.write("a.ppm", ppm(1, 1, 0));
  folder.write("b, c.ppm", ppm(1, 1, 0));
  folder.write("d.ppm", ppm(1, 1, 0));
  folder.write("labels.csv",
               "\xEF\xBB\xBF"
               "file,class_index\r\n\"b, c.ppm\",4\r\n./a.ppm,2\r\n");
  EXPECT_THAT(labels_of(Dataset::open(images_of(folder))), ElementsAre(2, 4, std::nullopt));
}

TEST(Dataset, WrongLabelsNameTheirLine) {
  const TemporaryFolder folder;
  folder.write("a.ppm", ppm(1, 1, 0));
  const auto error_with = [&](std::string_view csv) {
    folder.write("labels.csv", csv);
    return error_of(images_of(folder));
  };
  EXPECT_THAT(error_with("file,class_index\nb.ppm,0\n"),
              AllOf(HasSubstr("labels.csv: line 2"), HasSubstr("'b.ppm'")));
  EXPECT_THAT(error_with("file,class_index\na.ppm,0\na.ppm,1\n"), HasSubstr("labelled twice"));
  EXPECT_THAT(error_with("file,class_index\na.ppm,-1\n"), HasSubstr("'-1'"));
  EXPECT_THAT(error_with("file,class_index\na.ppm,cat\n"), HasSubstr("'cat'"));
  EXPECT_THAT(error_with("file,class_index\na.ppm\n"), HasSubstr("2 fields"));
  EXPECT_THAT(error_with("name,label\na.ppm,0\n"), HasSubstr("file,class_index"));
  EXPECT_THAT(error_with("index,class_index\n1,0\n"), HasSubstr("only 1 samples"));
  EXPECT_THAT(error_with("file,class_index\n\"a.ppm,0\n"), HasSubstr("quote"));
  folder.write("classes.txt", "only\n");
  EXPECT_THAT(error_with("file,class_index\na.ppm,1\n"), HasSubstr("classes.txt names 1"));
}

TEST(Dataset, ALabelsFileStandsInsteadOfTheFolders) {
  const TemporaryFolder folder;
  folder.write("data/x/a.ppm", ppm(1, 1, 0));
  folder.write("data/y/b.ppm", ppm(1, 1, 0));
  DatasetOptions options = images_of(folder);
  options.folders = {folder / "data"};
  options.labels = folder.write("mine.csv", "file,class_index\nx/a.ppm,9\ny/b.ppm,8\n");
  EXPECT_THAT(labels_of(Dataset::open(options)), ElementsAre(9, 8));
}

TEST(Dataset, SeveralFoldersAndAManifestAddUp) {
  const TemporaryFolder folder;
  folder.write("p/a.ppm", ppm(1, 1, 1));
  folder.write("q/a.ppm", ppm(1, 1, 2));
  folder.write("r/a.ppm", ppm(1, 1, 3));
  DatasetOptions options = images_of(folder);
  options.folders = {folder / "p/", folder / "q"};
  options.manifest = folder.write("list.txt", "# one more\n\nr/a.ppm\n");
  const Dataset dataset = Dataset::open(options);
  ASSERT_EQ(dataset.size(), 3);
  EXPECT_EQ(dataset.sample(1).inputs[0].data<float>()[0], 2);
  EXPECT_EQ(dataset.sample(2).inputs[0].data<float>()[0], 3);
  EXPECT_EQ(dataset.name(0), "p/a.ppm");
  EXPECT_EQ(dataset.name(1), "q/a.ppm");
  folder.write("list.txt", "r/a.ppm\np/a.ppm\n");
  EXPECT_THAT(error_of(options), HasSubstr("listed twice"));
  folder.write("list.txt", "r/b.ppm\n");
  EXPECT_THAT(error_of(options), AllOf(HasSubstr("list.txt: line 1"), HasSubstr("b.ppm")));
}

TEST(Dataset, LabelsNameTheManifestsLines) {
  const TemporaryFolder folder;
  folder.write("r/a.ppm", ppm(1, 1, 1));
  folder.write("s/a.ppm", ppm(1, 1, 2));
  DatasetOptions options = images_of(folder);
  options.folders.clear();
  options.manifest = folder.write("list.txt", "s/a.ppm\nr/a.ppm\n");
  options.labels = folder.write("labels.csv", "file,class_index\nr/a.ppm,5\ns/a.ppm,6\n");
  EXPECT_THAT(labels_of(Dataset::open(options)), ElementsAre(6, 5));
}

TEST(Dataset, FoldersWithoutSamplesAreErrors) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of(images_of(folder)), HasSubstr("empty"));
  folder.write("readme.md", "");
  EXPECT_THAT(error_of(images_of(folder)), HasSubstr("readme.md"));
  DatasetOptions missing = images_of(folder);
  missing.folders = {folder / "nothing"};
  EXPECT_THAT(error_of(missing), HasSubstr("does not exist"));
  missing.folders = {folder / "readme.md"};
  EXPECT_THAT(error_of(missing), HasSubstr("not a folder"));
  folder.write("x.gif", "");
  thrown(ErrorKind::kUnsupported, [&] { (void)Dataset::open(images_of(folder)); });
}

TEST(Dataset, MixedKindsNameBoth) {
  const TemporaryFolder folder;
  folder.write("a.ppm", ppm(1, 1, 0));
  write_npz(folder / "b.npz", {{"x", counting({1, 3, 1, 1})}});
  EXPECT_THAT(error_of(images_of(folder)), AllOf(HasSubstr("a.ppm"), HasSubstr("b.npz")));
}

TEST(Dataset, BrokenImagesNameTheirFileWhenLoaded) {
  const TemporaryFolder folder;
  folder.write("a.jpg", "no picture");
  const Dataset dataset = Dataset::open(images_of(folder));
  EXPECT_THAT(bad_input_of([&] { (void)dataset.sample(0); }), HasSubstr("a.jpg"));
}

TEST(Dataset, ImagesNeedAPreprocessing) {
  const TemporaryFolder folder;
  folder.write("a.ppm", ppm(1, 1, 0));
  DatasetOptions options = images_of(folder);
  options.preprocess.reset();
  EXPECT_THAT(error_of(options), HasSubstr("--preprocess"));
  options = images_of(folder);
  options.inputs.push_back(float_input({1}));
  EXPECT_THAT(error_of(options), HasSubstr("one input"));
}

TEST(Dataset, TheLayoutMustBeTheModels) {
  const TemporaryFolder folder;
  folder.write("a.ppm", ppm(2, 2, 0));
  EXPECT_THAT(error_of(images_of(folder, {-1, 2, 2, 3})), HasSubstr("\"channels_last\""));
  EXPECT_THAT(error_of(images_of(folder, {-1, 1, 2, 2})), HasSubstr("do_convert_grayscale"));
  EXPECT_THAT(error_of(images_of(folder, {-1, 12})), HasSubstr("4 dimensions"));
  thrown(ErrorKind::kUnsupported, [&] { (void)Dataset::open(images_of(folder, {8, 3, 2, 2})); });
  DatasetOptions last = images_of(folder, {-1, 2, 2, 3});
  last.preprocess->channels_last = true;
  EXPECT_EQ(Dataset::open(last).sample(0).inputs[0].shape(), (Shape{1, 2, 2, 3}));
  EXPECT_EQ(Dataset::open(images_of(folder, {3, 2, 2})).sample(0).inputs[0].shape(),
            (Shape{3, 2, 2}));
}

TEST(Dataset, AnotherSizeIsAnErrorOrResized) {
  const TemporaryFolder folder;
  folder.write("a.ppm", ppm(4, 5, 9));
  DatasetOptions options = images_of(folder, {1, 3, 2, 2});
  const Dataset strict = Dataset::open(options);
  EXPECT_THAT(bad_input_of([&] { (void)strict.sample(0); }),
              AllOf(HasSubstr("[1, 3, 4, 5]"), HasSubstr("[1, 3, 2, 2]")));
  options.size_mismatch = DatasetOptions::SizeMismatch::kResize;
  EXPECT_EQ(Dataset::open(options).sample(0).inputs[0].shape(), (Shape{1, 3, 2, 2}));
  options.size_mismatch = DatasetOptions::SizeMismatch::kError;
  options.preprocess->center_crop = PixelSize{3, 3};
  EXPECT_THAT(error_of(options), HasSubstr("[1, 3, 3, 3]"));  // known before any image is read
}

TEST(Dataset, ImagesTakeTheInputsType) {
  const TemporaryFolder folder;
  folder.write("a.ppm", ppm(1, 1, 200));
  DatasetOptions options = images_of(folder);
  options.inputs[0].dtype = DType::kU8;
  EXPECT_EQ(Dataset::open(options).sample(0).inputs[0].data<std::uint8_t>()[0], 200);
}

// --- arrays

TEST(Dataset, TheFirstAxisIsSamplesWithOneDimensionMore) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", counting({3, 1, 2})}, {"unused", counting({7})}});
  const Dataset dataset = Dataset::open(options_of(folder, {float_input({1, 2})}));
  ASSERT_EQ(dataset.size(), 3);
  const Sample sample = dataset.sample(2);
  EXPECT_EQ(sample.name, "a.npz[2]");
  EXPECT_EQ(sample.inputs[0].shape(), (Shape{1, 2}));
  EXPECT_THAT(sample.inputs[0].values<float>(), ElementsAre(4, 5));
}

TEST(Dataset, TheFirstAxisIsSamplesWhereTheBatchIsOneOrFree) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", counting({3, 2})}});
  for (const std::int64_t batch : {1, -1}) {
    const Dataset dataset = Dataset::open(options_of(folder, {float_input({batch, 2})}));
    ASSERT_EQ(dataset.size(), 3);
    EXPECT_EQ(dataset.sample(1).inputs[0].shape(), (Shape{1, 2}));
    EXPECT_THAT(dataset.sample(1).inputs[0].values<float>(), ElementsAre(2, 3));
  }
  InputSpec any{"x", DType::kF32, std::nullopt};
  EXPECT_EQ(Dataset::open(options_of(folder, {any})).sample(2).inputs[0].shape(), (Shape{1, 2}));
}

TEST(Dataset, AFixedBatchIsOneSample) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", counting({3, 2})}});
  const Dataset dataset = Dataset::open(options_of(folder, {float_input({3, 2})}));
  ASSERT_EQ(dataset.size(), 1);
  EXPECT_EQ(dataset.name(0), "a.npz");
  EXPECT_EQ(dataset.sample(0).inputs[0].shape(), (Shape{3, 2}));
  EXPECT_THAT(error_of(options_of(folder, {float_input({4, 2})})), HasSubstr("[4, 2]"));
}

TEST(Dataset, AnArrayWithoutTheBatchAxisIsOneSample) {
  const TemporaryFolder folder;
  folder.write("a.npy", npy_bytes(counting({2, 3})));
  folder.write("b.npy", npy_bytes(counting({2, 3})));
  const Dataset dataset = Dataset::open(options_of(folder, {float_input({-1, 2, 3})}));
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.sample(1).inputs[0].shape(), (Shape{1, 2, 3}));
}

TEST(Dataset, AScalarIsForEverySample) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz",
            {{"x", counting({2, 3})}, {"rate", Tensor::scalar<std::int64_t>(16)}});
  const Dataset dataset =
      Dataset::open(options_of(folder, {float_input({-1, 3}), {"rate", DType::kS64, Dims{}}}));
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.sample(1).inputs[1].rank(), 0);
  EXPECT_EQ(dataset.sample(1).inputs[1].data<std::int64_t>()[0], 16);
}

TEST(Dataset, ArraysThatDoNotFitNameBothShapes) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", counting({3, 2})}, {"y", counting({4, 2})}});
  EXPECT_THAT(error_of(options_of(folder, {float_input({-1, 5})})),
              AllOf(HasSubstr("a.npz"), HasSubstr("[3, 2]"), HasSubstr("float[?, 5]")));
  EXPECT_THAT(error_of(options_of(folder, {float_input({-1, 1, 2, 2, 2})})), HasSubstr("rank"));
  EXPECT_THAT(error_of(options_of(folder, {float_input({-1, 2}), {"y", DType::kF32, Dims{-1, 2}}})),
              HasSubstr("3 samples of 'x', but 4 of 'y'"));
  EXPECT_THAT(error_of(options_of(folder, {{"xs", DType::kF32, Dims{-1, 2}}})),
              AllOf(HasSubstr("'xs'"), HasSubstr("'x'")));
}

TEST(Dataset, FilesOfRowsFollowOneAnother) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", counting({2, 1})}});
  write_npz(folder / "b.npz", {{"x", counting({3, 1})}});
  write_npz(folder / "c.npz", {{"x", counting({1, 1})}});
  folder.write("labels.csv", "index,class_index\n4,1\n0,2\n");
  const Dataset dataset = Dataset::open(options_of(folder, {float_input({-1, 1})}));
  ASSERT_EQ(dataset.size(), 6);
  EXPECT_THAT(labels_of(dataset),
              ElementsAre(2, std::nullopt, std::nullopt, std::nullopt, 1, std::nullopt));
  for (const std::int64_t i : {4, 0, 5, 4})  // back and forth between more files than are kept
    EXPECT_EQ(dataset.sample(i).inputs[0].data<float>()[0], i == 4 ? 2 : 0) << i;
}

TEST(Dataset, RowsHashByContent) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", Tensor::of<float>({3, 2}, {1, 2, 3, 4, 1, 2})}});
  const Dataset dataset = Dataset::open(options_of(folder, {float_input({-1, 2})}));
  EXPECT_EQ(dataset.sha256(0), dataset.sha256(2));
  EXPECT_NE(dataset.sha256(0), dataset.sha256(1));
  EXPECT_EQ(dataset.sha256(1), dataset.sample(1).sha256);
}

TEST(Dataset, TypesAreCastOrRefusedByName) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", Tensor::of<double>({2, 1}, {1.0, 1e300})}});
  const Dataset dataset = Dataset::open(options_of(folder, {float_input({-1, 1})}));
  EXPECT_EQ(dataset.sample(0).inputs[0].dtype(), DType::kF32);
  EXPECT_THAT(bad_input_of([&] { (void)dataset.sample(1); }),
              AllOf(HasSubstr("a.npz"), HasSubstr("sample 1"), HasSubstr("'x'")));
}

// --- ONNX test data sets, with a stand-in for the decoder: "name:" and one float

NamedTensor read_stand_in(std::span<const std::byte> bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t colon = text.find(':');
  return {text.substr(0, colon), Tensor::of<float>({1}, {std::stof(text.substr(colon + 1))})};
}

TEST(Dataset, TestDataSetsMatchInputsByNameThenNumber) {
  const TemporaryFolder folder;
  folder.write("test_data_set_0/input_0.pb", "y:2");
  folder.write("test_data_set_0/input_1.pb", "x:1");
  folder.write("test_data_set_1/input_0.pb", ":3");
  folder.write("test_data_set_1/input_1.pb", ":4");
  folder.write("test_data_set_1/output_0.pb", "not read");
  folder.write("model.onnx", "not read");
  DatasetOptions options = options_of(folder, {float_input({1}), {"y", DType::kF32, Dims{-1}}});
  options.read_tensor_proto = read_stand_in;
  const Dataset dataset = Dataset::open(options);
  ASSERT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.name(0), "test_data_set_0");
  EXPECT_EQ(dataset.sample(0).inputs[0].data<float>()[0], 1);
  EXPECT_EQ(dataset.sample(0).inputs[1].data<float>()[0], 2);
  EXPECT_EQ(dataset.sample(1).inputs[0].data<float>()[0], 3);
  options.folders = {folder / "test_data_set_1"};
  EXPECT_EQ(Dataset::open(options).sample(0).inputs[1].data<float>()[0], 4);
}

TEST(Dataset, IncompleteTestDataSetsAreErrors) {
  const TemporaryFolder folder;
  folder.write("test_data_set_0/input_0.pb", ":2");
  DatasetOptions options = options_of(folder, {float_input({1}), {"y", DType::kF32, Dims{1}}});
  options.read_tensor_proto = read_stand_in;
  EXPECT_THAT(bad_input_of([&] { (void)Dataset::open(options).sample(0); }), HasSubstr("'y'"));
  folder.write("test_data_set_0/input_7.pb", ":2");
  EXPECT_THAT(bad_input_of([&] { (void)Dataset::open(options).sample(0); }),
              HasSubstr("input_7.pb"));
}

}  // namespace
}  // namespace q8

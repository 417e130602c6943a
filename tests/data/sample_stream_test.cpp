#include "data/sample_stream.h"

#include <gmock/gmock.h>

#include "data/npz.h"
#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::HasSubstr;

Dataset pictures(const TemporaryFolder& folder, int count) {
  for (int i = 0; i < count; ++i)
    folder.write("p" + std::to_string(100 + i) + ".ppm", ppm(8, 8, i));
  DatasetOptions options;
  options.folders = {folder.path()};
  options.inputs = {{"x", DType::kF32, std::vector<std::int64_t>{-1, 3, -1, -1}}};
  options.preprocess = PreprocessConfig();
  return Dataset::open(options);
}

TEST(SampleStream, KeepsTheOrderForEveryNumberOfThreads) {
  const TemporaryFolder folder;
  const Dataset dataset = pictures(folder, 40);
  const std::vector<std::int64_t> indices = {39, 0, 7, 7, 3, 21, 5, 1, 38, 2, 4, 6, 8, 10};
  for (const int threads : {0, 1, 2, 5}) {
    for (const std::size_t ahead : {1u, 3u, 100u}) {
      SampleStream stream(dataset, indices, threads, ahead);
      for (const std::int64_t i : indices) {
        const auto sample = stream.next();
        ASSERT_TRUE(sample);
        EXPECT_EQ(sample->inputs[0].data<float>()[0], static_cast<float>(i));
      }
      EXPECT_FALSE(stream.next());
      EXPECT_FALSE(stream.next());
    }
  }
}

TEST(SampleStream, AnErrorComesInItsTurn) {
  const TemporaryFolder folder;
  for (const int threads : {0, 1, 3}) {
    folder.write("p103.ppm", ppm(8, 8, 3));
    const Dataset dataset = pictures(folder, 6);
    folder.write("p103.ppm", "P6 broken");
    SampleStream stream(dataset, {0, 1, 2, 3, 4}, threads, 2);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(stream.next());
    EXPECT_THAT(bad_input_of([&] { (void)stream.next(); }), HasSubstr("p103.ppm"));
    EXPECT_THAT(bad_input_of([&] { (void)stream.next(); }), HasSubstr("p103.ppm"));
  }
}

TEST(SampleStream, MayBeLeftEarlyAndMayBeEmpty) {
  const TemporaryFolder folder;
  const Dataset dataset = pictures(folder, 20);
  SampleStream left(dataset, {0, 1, 2, 3, 4, 5, 6, 7}, 2, 2);
  EXPECT_TRUE(left.next());
  SampleStream empty(dataset, {});
  EXPECT_FALSE(empty.next());
}

}  // namespace
}  // namespace q8

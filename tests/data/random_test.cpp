#include <gtest/gtest.h>

#include "pillow_checks.h"
#include "python.h"
#include "temporary_folder.h"

namespace q8 {
namespace {

// Fresh pictures and sizes by the same script as the committed fixtures, other ones for each seed.
class RandomImages : public testing::TestWithParam<int> {};

TEST_P(RandomImages, EqualPillow) {
  if (!has_python()) GTEST_SKIP() << "no Python given (Q8_PYTHON)";
  const TemporaryFolder folder;
  ASSERT_TRUE(run_python(std::string(Q8_SOURCE_DIR) + "/tests/data/make_fixtures.py " +
                         folder.path().string() + " --seed " + std::to_string(GetParam())));
  expect_decoded_as_pillow(folder.path());
  expect_resized_as_pillow(folder.path());
  expect_preprocessed_as_python(folder.path());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomImages, testing::Values(1, 2, 3));

}  // namespace
}  // namespace q8

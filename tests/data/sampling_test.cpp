#include "data/sampling.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "data/npz.h"
#include "temporary_folder.h"
#include "thrown.h"

namespace q8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As many samples as `labels`; a label below 0 is none.
class Labelled {
 public:
  explicit Labelled(const std::vector<int>& labels) {
    Tensor rows(DType::kF32, {static_cast<std::int64_t>(labels.size()), 1});
    std::string csv = "index,class_index\n";
    for (std::size_t i = 0; i < labels.size(); ++i) {
      rows.mutable_data<float>()[i] = static_cast<float>(i);
      if (labels[i] >= 0) csv += std::to_string(i) + "," + std::to_string(labels[i]) + "\n";
    }
    write_npz(folder_ / "a.npz", {{"x", rows}});
    folder_.write("labels.csv", csv);
    DatasetOptions options;
    options.folders = {folder_.path()};
    options.inputs = {{"x", DType::kF32, std::vector<std::int64_t>{-1, 1}}};
    dataset_.emplace(Dataset::open(options));
  }
  const Dataset& dataset() const { return *dataset_; }

 private:
  TemporaryFolder folder_;
  std::optional<Dataset> dataset_;
};

TEST(Sampling, WithoutACountEverythingIsTaken) {
  const Labelled four({-1, -1, -1, -1});
  EXPECT_THAT(select_samples(four.dataset(), {}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(select_samples(four.dataset(), {.count = 9, .seed = 1}), ElementsAre(0, 1, 2, 3));
}

TEST(Sampling, WithoutASeedSamplesAreSpreadEvenly) {
  const Labelled ten(std::vector<int>(10, -1));
  EXPECT_THAT(select_samples(ten.dataset(), {.count = 5}), ElementsAre(0, 2, 4, 6, 8));
  EXPECT_THAT(select_samples(ten.dataset(), {.count = 3}), ElementsAre(0, 3, 6));
}

TEST(Sampling, ClassesGetEqualSharesAsFarAsTheyGo) {
  // Class 0: ten samples, class 1: three, class 2: one.
  const Labelled uneven({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2});
  for (const std::optional<std::uint64_t> seed : {std::optional<std::uint64_t>(), {7}}) {
    const auto taken = select_samples(uneven.dataset(), {.count = 8, .seed = seed});
    std::map<std::int64_t, int> counts;
    for (const std::int64_t i : taken) ++counts[*uneven.dataset().label(i)];
    // 3 + 3 + 1 leaves one, and only class 0 has more.
    EXPECT_THAT(counts, ElementsAre(std::pair(0, 4), std::pair(1, 3), std::pair(2, 1)));
    EXPECT_TRUE(std::ranges::is_sorted(taken));
  }
}

TEST(Sampling, UnstratifiedIgnoresLabels) {
  const Labelled two({0, 0, 0, 1});
  EXPECT_THAT(select_samples(two.dataset(), {.count = 2, .stratified = false}), ElementsAre(0, 2));
}

TEST(Sampling, ASeedDrawsTheSameEveryTime) {
  const Labelled many(std::vector<int>(100, -1));
  const auto draw = [&](std::uint64_t seed) {
    return select_samples(many.dataset(), {.count = 10, .seed = seed});
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  const auto taken = draw(3);
  EXPECT_EQ(taken.size(), 10u);
  EXPECT_EQ(std::ranges::adjacent_find(taken, std::greater_equal()), taken.end());  // ascending
}

// 4 of 20 drawn with 500 seeds: each is drawn 100 times on average; with p = 1/5 the standard
// deviation is sqrt(500 · 0.2 · 0.8) = 9, so 50 is more than five of them away.
TEST(Sampling, EverySampleIsEquallyLikely) {
  const Labelled twenty(std::vector<int>(20, -1));
  std::vector<int> counts(20);
  for (std::uint64_t seed = 0; seed < 500; ++seed)
    for (const std::int64_t i : select_samples(twenty.dataset(), {.count = 4, .seed = seed}))
      ++counts[static_cast<std::size_t>(i)];
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Gt(50), testing::Lt(150))));
}

TEST(Sampling, ShardsAreDisjointAndComplete) {
  const std::vector<std::int64_t> indices = {2, 3, 5, 7, 11, 13, 17};
  EXPECT_THAT(shard_of(indices, 1, 3), ElementsAre(2, 7, 17));
  EXPECT_THAT(shard_of(indices, 2, 3), ElementsAre(3, 11));
  EXPECT_THAT(shard_of(indices, 3, 3), ElementsAre(5, 13));
  EXPECT_THAT(shard_of({1}, 2, 2), ElementsAre());
  EXPECT_THAT(thrown(ErrorKind::kUsage, [&] { shard_of(indices, 4, 3); }), HasSubstr("4/3"));
  thrown(ErrorKind::kUsage, [&] { shard_of(indices, 0, 3); });
}

// Of any number of samples each is there once, and of 20 classes that stand one after the other the
// first 40 numbers miss none.
TEST(Sampling, BeginningsOfTheSpreadOrderReachAllOver) {
  for (const std::int64_t count : {0, 1, 2, 3, 7, 64, 100, 192, 633, 1000, 1024}) {
    const std::vector<std::int64_t> order = spread_order(count);
    std::set<std::int64_t> classes;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(40, count); ++i)
      classes.insert(order[static_cast<std::size_t>(i)] * 20 / count);
    if (count >= 40) {
      EXPECT_EQ(classes.size(), 20) << count;
    }
    std::vector<std::int64_t> sorted = order, all(static_cast<std::size_t>(count));
    std::ranges::sort(sorted);
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(sorted, all);
  }
}

TEST(Sampling, NoSamplesIsAUsageError) {
  const Labelled one({-1});
  thrown(ErrorKind::kUsage, [&] { (void)select_samples(one.dataset(), {.count = 0}); });
}

TEST(Sampling, SamplesWithoutTheGivenContents) {
  const Labelled four({-1, -1, -1, -1});
  const auto hash = [&](std::int64_t i) { return four.dataset().sha256(i); };
  EXPECT_THAT(samples_without(four.dataset(), {hash(0), hash(2)}), ElementsAre(1, 3));
}

}  // namespace
}  // namespace q8

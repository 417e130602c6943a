#include "calib/profile.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/file.h"
#include "calib/profile_builder.h"
#include "calib/statistics_of.h"

namespace q8 {
namespace {

using testing::HasSubstr;

constexpr std::size_t kSamples = 300;  // more than are kept

struct TestSample {
  CalibrationSample sample;
  std::vector<std::vector<float>> tensors;
};

std::vector<TestSample> make_samples() {
  Numbers numbers(11);
  std::vector<TestSample> samples(kSamples);
  for (std::size_t i = 0; i < kSamples; ++i) {
    samples[i].sample = {.name = "image_" + std::to_string(i),
                         .sha256 = std::to_string(numbers.below(1u << 24)),
                         .label = static_cast<std::int64_t>(i % 10)};
    for (int t = 0; t < 3; ++t) {
      std::vector<float> values(1 + numbers.below(60));
      for (float& x : values)
        x = static_cast<float>(std::ldexp(numbers.bell(), static_cast<int>(numbers.below(12))));
      samples[i].tensors.push_back(values);
    }
  }
  return samples;
}

CalibrationProfile start() {
  CalibrationProfile profile;
  profile.q8_version = "1.2.3";
  profile.model = {.path = "/data/models/m.onnx", .sha256 = "abc"};
  profile.sources = {{.folders = {"/data/images"}, .manifest = {}, .labels = {}, .size = 1000}};
  profile.preprocess = "resize 256";
  profile.settings = {.samples = 300, .seed = 5};
  profile.tensors.resize(3);
  for (std::size_t t = 0; t < 3; ++t) profile.tensors[t].name = "tensor" + std::to_string(t);
  return profile;
}

CalibrationProfile profile_of(std::span<const TestSample> samples, int thread_count = 1,
                              CalibrationProfile from = start()) {
  Threads threads(thread_count);
  StatisticsCollector collector(threads, best_isa());
  ProfileBuilder builder(std::move(from));
  for (const TestSample& s : samples) {
    std::vector<Extrema> extrema;
    for (std::size_t t = 0; t < s.tensors.size(); ++t)
      extrema.push_back(collector
                            .add({.data = s.tensors[t].data(), .inner = std::ssize(s.tensors[t])},
                                 builder.tensor(t))
                            .extrema);
    builder.end_sample(s.sample, extrema);
  }
  return std::move(builder).finish(true);
}

std::string bytes_of(const CalibrationProfile& profile) {
  return serialize_profile(profile, "/data");
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kBadInput);
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Profile, EveryOrderSplitAndThreadCountGivesTheSameBytes) {
  std::vector<TestSample> samples = make_samples();
  const std::string whole = bytes_of(profile_of(samples));
  Numbers numbers(5);
  for (int round = 0; round < 20; ++round) {
    shuffle(samples, numbers);
    std::vector<CalibrationProfile> parts;
    for (std::size_t begin = 0; begin < kSamples;) {
      const std::size_t length = std::min(kSamples - begin, 1 + numbers.below(kSamples));
      parts.push_back(profile_of(std::span(samples).subspan(begin, length), 1 + round % 3));
      begin += length;
    }
    shuffle(parts, numbers);
    EXPECT_EQ(bytes_of(merge_profiles(parts)), whole) << "round " << round;
    // Merging the merged: pairs first, the rest afterwards.
    if (parts.size() < 3) continue;
    std::vector<CalibrationProfile> nested = {merge_profiles(std::span(parts).first(2))};
    nested.insert(nested.begin(), parts.begin() + 2, parts.end());
    EXPECT_EQ(bytes_of(merge_profiles(nested)), whole) << "round " << round;
  }
}

TEST(Profile, ResumingGivesTheSameBytes) {
  const std::vector<TestSample> samples = make_samples();
  const CalibrationProfile half = profile_of(std::span(samples).first(177));
  const CalibrationProfile loaded = parse_profile(bytes_of(half), "/data");
  EXPECT_EQ(bytes_of(profile_of(std::span(samples).subspan(177), 1, loaded)),
            bytes_of(profile_of(samples)));
}

TEST(Profile, KeepsExtremaOfTheSamplesWithTheSmallestHashes) {
  const CalibrationProfile profile = profile_of(make_samples());
  const std::vector<std::size_t> kept = profile.kept_samples();
  ASSERT_EQ(kept.size(), CalibrationProfile::kKeptSamples);
  for (const TestSample& s : make_samples()) {
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (profile.samples[kept[i]].name != s.sample.name) continue;
      EXPECT_EQ(profile.tensors[1].samples[i], statistics_of(s.tensors[1]).extrema);
    }
  }
}

TEST(Profile, AllShardsTogetherAreNoShards) {
  const std::vector<TestSample> samples = make_samples();
  const std::string whole = bytes_of(profile_of(samples));
  std::vector<CalibrationProfile> shards;
  for (std::int64_t s = 1; s <= 3; ++s) {
    CalibrationProfile from = start();
    from.shards = {{s, 3}};
    shards.push_back(profile_of(
        std::span(samples).subspan(static_cast<std::size_t>(s - 1) * 100, 100), 1, from));
  }
  const auto two = merge_profiles(std::span(shards).first(2));
  EXPECT_EQ(two.shards, (std::vector<Shard>{{1, 3}, {2, 3}}));
  EXPECT_EQ(bytes_of(merge_profiles(std::vector{shards[2], two})), whole);
}

TEST(Profile, RefusesToMergeWhatDiffersAndSaysWhat) {
  const std::vector<TestSample> samples = make_samples();
  const CalibrationProfile a = profile_of(std::span(samples).first(10));
  const auto refusal = [&](auto&& change) {
    CalibrationProfile b = profile_of(std::span(samples).subspan(10, 10));
    change(b);
    return message_of([&] { merge_profiles(std::vector{a, b}); });
  };
  EXPECT_THAT(refusal([](auto& b) { b.model.sha256 = "def"; }), HasSubstr("model"));
  EXPECT_THAT(refusal([](auto& b) { b.preprocess = "resize 224"; }),
              HasSubstr("'resize 256' and 'resize 224'"));
  EXPECT_THAT(refusal([](auto& b) { b.settings.seed = 6; }), HasSubstr("seed 6"));
  EXPECT_THAT(refusal([](auto& b) { b.tensors[1].name = "other"; }), HasSubstr("'other'"));
  EXPECT_THAT(refusal([&](auto& b) { b = profile_of(std::span(samples).subspan(9, 4)); }),
              HasSubstr("'image_9'"));
}

TEST(Profile, ComesBackFromItsFileAsItWas) {
  CalibrationProfile profile = profile_of(make_samples());
  profile.sources[0].manifest = "/data/list.txt";
  profile.sources[0].labels = "/elsewhere/labels.csv";
  profile.shards = {{2, 5}};
  profile.tensors[0].channels = {
      .state = ChannelExtrema::State::kKept, .axis = 1, .channels = {{-1, 2}, {0, 3}, {}}};
  profile.tensors[1].channels.state = ChannelExtrema::State::kVaries;
  profile.samples[3].label.reset();
  const std::string path = testing::TempDir() + "profile_test.q8cal";
  save_profile(profile, path);
  EXPECT_EQ(load_profile(path), profile);
}

TEST(Profile, PathsMoveWithTheFile) {
  const std::string bytes = serialize_profile(start(), "/data");
  EXPECT_EQ(parse_profile(bytes, "/moved").model.path, "/moved/models/m.onnx");
  EXPECT_EQ(parse_profile(bytes, "/moved").sources[0].folders[0], "/moved/images");
}

TEST(Profile, NoDamagedFileIsTaken) {
  const std::vector<TestSample> samples = make_samples();
  const CalibrationProfile profile = profile_of(std::span(samples).first(5));
  const std::string bytes = bytes_of(profile);
  EXPECT_THAT(message_of([] { parse_profile("", "/data"); }), HasSubstr("not a q8 calibration"));
  EXPECT_THAT(message_of([] { parse_profile("ONNX model", "/data"); }),
              HasSubstr("not a q8 calibration"));
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    message_of([&] { parse_profile(bytes.substr(0, size), "/data"); });
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_NE(message_of([&] { parse_profile(damaged, "/data"); }), "nothing was thrown")
        << "byte " << i;
  }
}

}  // namespace
}  // namespace q8

#include "api/trial_samples.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "data/sample_stream.h"
#include "data/sampling.h"

namespace q8 {
namespace {

// What the samples may take in memory; of larger ones fewer are used.
constexpr std::size_t kSampleBytes = std::size_t{512} << 20;
constexpr std::int64_t kJudgeEvery = 3;
// The same of those that only observers are chosen by, and how many they are at most.
constexpr std::size_t kMoreSampleBytes = std::size_t{64} << 20;
constexpr std::int64_t kMostSamples = 1000;

std::size_t size_of(const SampleInputs& inputs) {
  std::size_t bytes = 0;
  for (const Tensor& input : inputs) bytes += input.size_bytes();
  return bytes;
}

// Indices of the profile's samples in the data that it was made of, `count` spread evenly, in
// spread_order().
std::vector<std::int64_t> find_samples(const CalibrationData& data, std::int64_t count) {
  const auto& samples = data.profile().samples;
  const std::int64_t all = std::ssize(samples), taken = std::min(count, all);
  std::vector<std::int64_t> found;
  for (const std::int64_t i : spread_order(taken))
    found.push_back(data.find(samples[static_cast<std::size_t>(i * all / taken)]));
  return found;
}

// Loads and hands out the samples of `indices` with their place in the list. Throws bad_input for
// one that is not what calibration saw.
template <typename Take>
void load(const CalibrationData& data, const std::vector<std::int64_t>& indices, const Host& host,
          Take&& take) {
  SampleStream stream(data.dataset(), indices);
  const std::int64_t total = std::ssize(indices);
  for (std::int64_t i = 0; i < total; ++i) {
    if (host.stop.stop_requested()) throw interrupted();
    std::optional<Sample> sample = stream.next();
    data.check_unchanged(*sample);
    take(i, std::move(sample->inputs));
    if (host.progress) host.progress("loading samples", i + 1, total);
  }
}

}  // namespace

TrialSamples load_trial_samples(const QuantizeJob& job, const CalibrationData& data, bool ranges,
                                const Host& host) {
  std::vector<std::int64_t> indices = find_samples(data, job.recover_samples);
  if (data.profile().samples.empty()) throw bad_input("there is no profile with samples");
  if (indices.size() < 2) throw bad_input("the profile has fewer than two samples");
  const std::size_t bytes =
      std::max<std::size_t>(1, size_of(data.dataset().sample(indices[0]).inputs));
  const auto fitting = static_cast<std::int64_t>(kSampleBytes / bytes);
  indices = find_samples(data, std::clamp<std::int64_t>(fitting, 2, std::ssize(indices)));
  TrialSamples samples;
  load(data, indices, host, [&](std::int64_t i, SampleInputs inputs) {
    if (ranges) samples.ranges.push_back(inputs);
    // The second of three: two samples are enough for one of either.
    const bool is_judge = i % kJudgeEvery == 1;
    (is_judge ? samples.judge : samples.fit).push_back(std::move(inputs));
  });
  if (!ranges) return samples;
  const auto small = static_cast<std::int64_t>(kMoreSampleBytes / bytes);
  std::vector<std::int64_t> more =
      find_samples(data, std::clamp<std::int64_t>(small, 1, kMostSamples));
  std::erase_if(more,
                [&](std::int64_t i) { return std::ranges::find(indices, i) != indices.end(); });
  load(data, more, host,
       [&](std::int64_t, SampleInputs inputs) { samples.ranges.push_back(std::move(inputs)); });
  return samples;
}

}  // namespace q8

#include "api/recovery.h"

#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "api/held_out.h"
#include "api/save_checked.h"
#include "base/error.h"
#include "data/sample_stream.h"
#include "onnx_io/save.h"

namespace q8 {
namespace {

// What the samples may take in memory; of larger ones fewer are used.
constexpr std::size_t kSampleBytes = std::size_t{512} << 20;
constexpr std::int64_t kJudgeEvery = 3;

std::size_t size_of(const SampleInputs& inputs) {
  std::size_t bytes = 0;
  for (const Tensor& input : inputs) bytes += input.size_bytes();
  return bytes;
}

// Indices of the profile's samples in the data that it was made of, `count` spread evenly.
std::vector<std::int64_t> find_samples(const Dataset& dataset, const CalibrationProfile& profile,
                                       std::int64_t count) {
  std::unordered_map<std::string_view, std::int64_t> by_name;
  for (std::int64_t i = 0; i < dataset.size(); ++i) by_name.emplace(dataset.name(i), i);
  const std::int64_t all = std::ssize(profile.samples);
  std::vector<std::int64_t> found;
  for (std::int64_t i = 0; i < std::min(count, all); ++i) {
    const auto& sample = profile.samples[static_cast<std::size_t>(i * all / std::min(count, all))];
    const auto at = by_name.find(sample.name);
    if (at == by_name.end())
      throw bad_input("the sample '" + sample.name + "' that calibration saw is not in its folder");
    found.push_back(at->second);
  }
  return found;
}

struct Samples {
  std::vector<SampleInputs> fit, judge;
};

void check_preprocessing(const Dataset& dataset, const CalibrationProfile& profile) {
  const auto& config = dataset.preprocess_config();
  if ((config ? config->str() : "") == profile.preprocess) return;
  throw bad_input(
      "the samples would be preprocessed in another way than calibration did (name "
      "its file with --preprocess)");
}

Samples load_samples(const QuantizeJob& job, const ModelFile& source,
                     const CalibrationProfile& profile, const Host& host) {
  DataPaths paths = data_of_profile(profile);
  paths.preprocess = job.data.preprocess;
  const Dataset dataset = open_data(paths, source);
  check_preprocessing(dataset, profile);
  std::vector<std::int64_t> indices = find_samples(dataset, profile, job.recover_samples);
  if (indices.size() < 2) throw bad_input("the profile has fewer than two samples");
  const std::size_t first_bytes = size_of(dataset.sample(indices[0]).inputs);
  const auto fitting =
      static_cast<std::int64_t>(kSampleBytes / std::max<std::size_t>(1, first_bytes));
  indices =
      find_samples(dataset, profile, std::clamp<std::int64_t>(fitting, 2, std::ssize(indices)));

  std::unordered_map<std::string_view, std::string_view> hashes;
  for (const CalibrationSample& sample : profile.samples)
    hashes.emplace(sample.name, sample.sha256);
  Samples samples;
  SampleStream stream(dataset, indices);
  const std::int64_t total = std::ssize(indices);
  for (std::int64_t i = 0; i < total; ++i) {
    if (host.stop.stop_requested()) throw interrupted();
    std::optional<Sample> sample = stream.next();
    if (hashes.at(sample->name) != sample->sha256)
      throw bad_input("the sample '" + sample->name + "' has changed since calibration saw it");
    // The second of three: two samples are enough for one of either.
    const bool is_judge = i % kJudgeEvery == 1;
    (is_judge ? samples.judge : samples.fit).push_back(std::move(sample->inputs));
    if (host.progress) host.progress("loading samples", i + 1, total);
  }
  return samples;
}

}  // namespace

Recovery recover_accuracy(const QuantizeJob& job, const ModelFile& source,
                          const CalibrationProfile& profile, QuantizationPlan plan,
                          const Host& host) {
  Recovery unchanged{.model = {.graph = source.model.graph, .plan = std::move(plan)},
                     .effects = {}};
  if (job.recover == std::vector<std::string>{"none"}) return unchanged;
  const bool by_name = !job.recover.empty();
  const std::vector<RecoveryPass> passes = find_recovery_passes(job.recover);
  const bool has_integers = unchanged.model.plan.count(NodeMode::kInteger) > 0;
  if (!has_integers) {
    if (by_name) throw usage_error("--recover: nothing of this model runs in integers");
    return unchanged;
  }
  if (!by_name && weight_bytes(source.model.graph) > kRunBelowBytes) {
    if (host.warn)
      host.warn(
          "the model has more than 1 GB of weights: accuracy recovery, which would run it, is left "
          "out (--recover NAMES asks for it, --recover none leaves it out without this warning)");
    return unchanged;
  }
  Samples samples;
  try {
    samples = load_samples(job, source, profile, host);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) throw;
    if (by_name) throw error.within("--recover");
    if (host.warn)
      host.warn(std::string("accuracy recovery is left out: ") + error.what() +
                " (--recover none leaves it out without this warning)");
    return unchanged;
  }
  return recover(std::move(unchanged.model), passes,
                 {.fit = samples.fit,
                  .judge = samples.judge,
                  .machine = session_options(host),
                  .progress = host.progress,
                  .stop = host.stop,
                  .note = host.warn});
}

std::string describe(const std::vector<RecoveryEffect>& effects) {
  std::string text;
  for (const RecoveryEffect& effect : effects) {
    char numbers[80];
    std::snprintf(numbers, sizeof numbers, "%.2f to %.2f dB", effect.before_db, effect.after_db);
    text += effect.pass + (effect.kept ? ": kept, " : ": refused, ") + numbers + "\n";
  }
  return text;
}

}  // namespace q8

#include "calib/calibrate.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "calib/collector.h"
#include "calib/cost_meter.h"
#include "calib/observed_values.h"
#include "calib/profile_builder.h"
#include "calib/value_block.h"
#include "data/data_checks.h"
#include "data/sample_stream.h"
#include "data/sampling.h"
#include "exec/session.h"
#include "exec/token_mask.h"

namespace q8 {
namespace {

std::string_view name_of(Oddity oddity) {
  switch (oddity) {
    case Oddity::kNaN:
      return "NaN";
    case Oddity::kPositiveInfinity:
      return "+inf";
    case Oddity::kNegativeInfinity:
      return "-inf";
    case Oddity::kNone:
      break;
  }
  return "finite";
}

// Takes what the session shows of one sample into the profile.
class Observation {
 public:
  Observation(const Graph& graph, const std::vector<ObservedValue>& values, const Session& session,
              const CalibrateOptions& options)
      : values_(values),
        index_(graph.values().size(), -1),
        session_(session),
        collector_(session.threads(), options.isa),
        mask_(graph, options.mask),
        extrema_(values_.size()) {
    for (std::size_t i = 0; i < values_.size(); ++i)
      if (values_[i].in_body)
        in_bodies_[values_[i].name] = static_cast<int>(i);
      else
        index_[static_cast<std::size_t>(values_[i].id)] = static_cast<int>(i);
  }

  const std::vector<Extrema>& extrema() const { return extrema_; }
  void begin_sample(std::span<const Tensor> inputs) {
    mask_.begin_sample(session_, inputs);
    extrema_.assign(values_.size(), {});
    shown_.assign(values_.size(), false);
  }
  // The session must have shown every value: a range that lacks samples would be wrong in silence.
  // But a body may not have run at all.
  void end_sample() const {
    for (std::size_t i = 0; i < values_.size(); ++i) Q8_ASSERT(shown_[i] || values_[i].in_body);
  }

  void observe(const Produced& produced, ProfileBuilder& builder) {
    const int index = index_of(produced);
    if (index < 0) return;
    const auto i = static_cast<std::size_t>(index);
    const bool in_body = values_[i].in_body;  // each run of which counts
    Q8_ASSERT(!shown_[i] || in_body);
    shown_[i] = true;
    // What is computed in double is not quantized: it would not be exact enough.
    if (!is_floating(produced.tensor.dtype()) || produced.tensor.dtype() == DType::kF64) return;
    const Tensor floats = cast(produced.tensor, DType::kF32);
    if (in_body) return add(floats, produced, i, builder.tensor(i));
    for (const Tensor& part : mask_.unmasked(produced.value, floats))
      add(part, produced, i, builder.tensor(i));
  }

 private:
  int index_of(const Produced& produced) const {
    if (produced.value != kNoValue) return index_[static_cast<std::size_t>(produced.value)];
    const auto it = in_bodies_.find(produced.name);
    return it == in_bodies_.end() ? -1 : it->second;
  }
  void add(const Tensor& floats, const Produced& produced, std::size_t i,
           TensorStatistics& statistics) {
    const ValueBlock block = block_of(floats, produced.axes, values_[i].channels);
    StatisticsCollector::Added added = collector_.add(block, statistics);
    if (added.oddity == Oddity::kNegativeInfinity && values_[i].may_be_masked)
      added = collector_.add_with_infinities(floats.values<float>(), statistics);
    if (added.oddity != Oddity::kNone)
      throw bad_input("the value '" + values_[i].name + "' holds " +
                      std::string(name_of(added.oddity)));
    extrema_[i].include(added.extrema);
  }

  const std::vector<ObservedValue>& values_;
  std::vector<int> index_;                     // by ValueId: into values_, or -1
  std::map<std::string_view, int> in_bodies_;  // by name: into values_
  const Session& session_;
  StatisticsCollector collector_;
  TokenMask mask_;
  // Of the sample at hand.
  std::vector<Extrema> extrema_;
  std::vector<bool> shown_;
};

CalibrationProfile empty_profile(const std::vector<ObservedValue>& values,
                                 const ModelReference& model, const Dataset& data,
                                 const DataSource& source, const CalibrateOptions& options) {
  CalibrationProfile profile;
  profile.q8_version = options.q8_version;
  profile.model = model;
  profile.sources = {source};
  if (data.preprocess_config()) profile.preprocess = data.preprocess_config()->str();
  profile.mask = options.mask;
  profile.settings = options.settings;
  if (options.shard && options.shard->count > 1) profile.shards = {*options.shard};
  profile.complete = false;
  for (const ObservedValue& value : values) {
    TensorStatistics& tensor = profile.tensors.emplace_back();
    tensor.name = value.name;
    tensor.in_body = value.in_body;
  }
  return profile;
}

void check_resumable(const CalibrationProfile& start, const CalibrationProfile& resumed) {
  const auto refuse = [](const std::string& what) {
    throw bad_input("the interrupted profile cannot be resumed: it has another " + what);
  };
  if (resumed.q8_version != start.q8_version) refuse("q8 version, " + resumed.q8_version);
  if (resumed.model.sha256 != start.model.sha256) refuse("model");
  if (resumed.preprocess != start.preprocess) refuse("preprocessing, " + resumed.preprocess);
  if (resumed.mask != start.mask) refuse("mask, '" + resumed.mask + "'");
  if (!(resumed.settings == start.settings)) refuse("choice of samples");
  if (resumed.shards != start.shards) refuse("shard");
  if (resumed.sources != start.sources) refuse("data folder, or its samples have changed");
  if (!std::equal(start.tensors.begin(), start.tensors.end(), resumed.tensors.begin(),
                  resumed.tensors.end(),
                  [](const auto& a, const auto& b) { return a.name == b.name; }))
    refuse("list of tensors");
}

// Of the chosen samples those that are not in the profile yet.
std::vector<std::int64_t> choose_samples(const Dataset& data, const CalibrateOptions& options,
                                         const CalibrationProfile& profile) {
  std::vector<std::int64_t> chosen = options.samples;
  if (chosen.empty())
    chosen = select_samples(data, {.count = options.settings.samples,
                                   .seed = options.settings.seed,
                                   .stratified = options.settings.stratified});
  if (options.shard) chosen = shard_of(chosen, options.shard->index, options.shard->count);
  if (profile.samples.empty()) return chosen;
  std::set<std::pair<std::string_view, std::string_view>> done;
  for (const CalibrationSample& sample : profile.samples) done.insert({sample.name, sample.sha256});
  std::erase_if(chosen, [&](std::int64_t index) {
    return done.contains({data.name(index), data.sha256(index)});
  });
  return chosen;
}

// Integers (tokens, flags) are no tensors of the profile: nothing of them was observed.
void drop_unobserved(CalibrationProfile& profile) {
  std::erase_if(profile.tensors, [](const TensorStatistics& tensor) {
    return tensor.count == 0 && tensor.negative_infinities == 0;
  });
}

// What is asked of the graph while it runs, for which it need not hold its weights.
Graph without_constants(Graph graph) {
  for (ValueId id = 0; id < graph.value_count(); ++id) graph.value(id).constant.reset();
  return graph;
}

}  // namespace

Calibration calibrate(Graph canonical, const ModelReference& model, const Dataset& data,
                      const DataSource& source, const CalibrateOptions& options) {
  std::vector<ObservedValue> values =
      find_all_observed_values(canonical, options.settings.clamped_values);
  if (!options.values.empty())
    std::erase_if(values, [&](const ObservedValue& value) {
      return std::ranges::find(options.values, value.name) == options.values.end();
    });
  CalibrationProfile start = empty_profile(values, model, data, source, options);
  if (options.resume) {
    check_resumable(start, *options.resume);
    start = *options.resume;
  }
  const std::vector<std::int64_t> chosen = choose_samples(data, options, start);
  const auto already = static_cast<std::int64_t>(start.samples.size());
  ProfileBuilder builder(std::move(start));

  std::vector<ValueId> keep;
  for (const ObservedValue& value : values)
    if (!value.in_body) keep.push_back(value.id);
  std::optional<CostMeter> meter;
  if (options.measure_cost) meter.emplace(canonical, options);
  const Graph structure = without_constants(canonical);
  const Session session(std::move(canonical), {.threads = options.threads,
                                               .isa = options.isa,
                                               .optimize = true,
                                               .keep = std::move(keep),
                                               .show_bodies = true});
  Observation observation(structure, values, session, options);
  DataChecks checks(data);
  // What is measured shall not share the processor with the decoding of other samples.
  SampleStream stream(data, chosen, options.measure_cost ? 0 : 1);
  const std::int64_t total = already + std::ssize(chosen);
  std::int64_t done = already;
  while (!options.stop.stop_requested()) {
    if (options.progress) options.progress("calibrating", done, total);
    const std::optional<Sample> sample = stream.next();
    if (!sample) break;
    checks.add(*sample);
    const auto run = [&] {
      session.run(sample->inputs,
                  [&](const Produced& produced) { observation.observe(produced, builder); });
    };
    try {
      observation.begin_sample(sample->inputs);
      if (meter)
        meter->time(sample->inputs, run);
      else
        run();
    } catch (const Error& error) {
      throw error.within("sample '" + sample->name + "'");
    }
    observation.end_sample();
    builder.end_sample({.name = sample->name, .sha256 = sample->sha256, .label = sample->label},
                       observation.extrema());
    ++done;
  }
  Calibration result{.profile = std::move(builder).finish(done == total),
                     .warnings = checks.warnings(),
                     .cost = meter ? meter->cost() : std::nullopt};
  if (!result.profile.complete) return result;
  drop_unobserved(result.profile);
  for (std::string& warning : profile_warnings(result.profile, structure))
    result.warnings.push_back(std::move(warning));
  return result;
}

}  // namespace q8

#include "api/recovery.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>

#include "api/calibrate_again.h"
#include "api/folds.h"
#include "api/save_checked.h"
#include "base/error.h"
#include "onnx_io/save.h"
#include "plan/overrides.h"
#include "plan/range_memo.h"
#include "recover/rounding.h"

namespace q8 {
namespace {

// Of fewer samples none may show what a range clips: every observer that clips looks good on the
// samples that its ranges were made of, and fails on others (docs/calibration.md). So each sample
// is judged by ranges of the others there.
constexpr std::size_t kFewestForTrials = 32;

// Otherwise the plan is given, or no ranges are in it.
bool plans_ranges(const QuantizeJob& job) {
  return job.mode == "static" && job.use_plan.empty();
}

// What is given up where samples cannot be read, and how to say that this is meant so.
void warn_of_no_samples(const Host& host, bool trials, bool recovery, const Error& error) {
  if (!host.warn) return;
  std::string text;
  if (trials) text = "ranges are chosen tensor by tensor, by no trial";
  if (recovery)
    text += (trials ? ", and accuracy" : "accuracy") + std::string(" recovery is left out");
  text += ": " + std::string(error.what()) + " (without this warning: ";
  if (trials) text += "--observer auto:4";
  if (trials && recovery) text += " and ";
  if (recovery) text += "--recover none";
  host.warn(text + ")");
}

// The model with weights rounded as they will be, where they will be.
std::optional<Proposal> round_beforehand(const PlannedGraph& model,
                                         std::span<const RecoveryPass> passes,
                                         RecoveryContext context) {
  if (std::ranges::find(passes, &round_by_output_error, &RecoveryPass::propose) == passes.end())
    return std::nullopt;
  context.note = {};  // the pass itself says what it leaves out
  return round_by_output_error(model, context);
}

std::vector<RecoveryPass> of_stage(const std::vector<RecoveryPass>& passes, bool is_before_ranges) {
  std::vector<RecoveryPass> some;
  std::ranges::copy_if(passes, std::back_inserter(some), [&](const RecoveryPass& pass) {
    return pass.is_before_ranges == is_before_ranges;
  });
  return some;
}

// Runs the passes that change the float graph. They are judged with ranges by auto:4, whatever is
// asked for: so `inspect --verify`, which asks for the observers that were chosen behind them,
// comes to the same graph.
Recovery prepare(Recovery start, const std::vector<RecoveryPass>& passes, const PlanConfig& config,
                 const Target& target, const CalibrationData& data, RangeMemo& memo,
                 RecoveryContext context, const Host& host) {
  const std::vector<RecoveryPass> some = of_stage(passes, true);
  // A profile that was merged of several calibrations cannot be made again from their settings.
  if (some.empty() || data.profile().sources.size() != 1) return start;
  PlanConfig judged_by = config;
  judged_by.observer = PlanConfig().observer;
  judged_by.clip_weight = PlanConfig().clip_weight;
  judged_by.observer_of.clear();
  const PlanSource source{
      .profile = data.profile(), .config = judged_by, .target = target, .memo = memo};
  context.source = &source;
  context.observe_again = [&](const Graph& graph, const std::vector<std::string>& values) {
    return calibrate_again(data, graph, {.shard = {}, .values = values}, host);
  };
  start.model.plan = make_plan(start.model.graph, data.profile(), judged_by, target, &memo);
  return recover(std::move(start.model), some, context);
}

}  // namespace

Improvement improve(const QuantizeJob& job, const PlanConfig& config, const Target& target,
                    const CalibrationData& data, PlannedGraph planned, const Host& host) {
  Improvement result{.recovery = {.model = std::move(planned), .profile = {}, .effects = {}},
                     .ranges = {}};
  PlannedGraph& model = result.recovery.model;
  const bool none = job.recover == std::vector<std::string>{"none"};
  const std::vector<RecoveryPass> passes =
      none ? std::vector<RecoveryPass>() : find_recovery_passes(job.recover);
  const bool asked_for = !job.recover.empty() && !none;
  if (model.plan.count(NodeMode::kInteger) == 0) {
    if (asked_for) throw usage_error("--recover: nothing of this model runs in integers");
    return result;
  }
  const bool trials = job.observer == "auto" && plans_ranges(job);
  const bool by_folds = trials && data.profile().samples.size() < kFewestForTrials;
  if (!trials && passes.empty()) return result;
  if (!asked_for && weight_bytes(model.graph) > kRunBelowBytes) {
    if (host.warn)
      host.warn(
          "the model has more than 1 GB of weights: what would run it is left out, accuracy "
          "recovery (--recover NAMES asks for it) and the choice of observers (--observer auto:4 "
          "and --recover none leave both out without this warning)");
    return result;
  }
  RecoveryContext context{.mask = data.profile().mask,
                          .float_budget_percent = job.float_budget_percent,
                          .machine = session_options(host),
                          .progress = host.progress,
                          .stop = host.stop,
                          .note = host.warn};
  TrialSamples samples;
  RangeMemo memo_before;  // of data.profile()
  Recovery prepared{.model = model, .profile = {}, .effects = {}};
  std::vector<Fold> folds;
  try {
    samples = load_trial_samples(job, data, trials && !by_folds, host);
    context.fit = samples.fit;
    context.judge = samples.judge;
    if (plans_ranges(job))
      prepared =
          prepare(std::move(prepared), passes, config, target, data, memo_before, context, host);
    if (by_folds) folds = make_folds(data, prepared.model.graph, host);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted) throw;
    if (asked_for) throw error.within("--recover");
    warn_of_no_samples(host, trials, !passes.empty(), error);
    return result;
  }
  context.float_budget_percent -= prepared.time_percent;
  const CalibrationProfile& profile = prepared.profile ? *prepared.profile : data.profile();
  model.graph = std::move(prepared.model.graph);
  RangeMemo memo;
  memo.learn(memo_before, data.profile(), profile);
  if (prepared.profile) model.plan = make_plan(model.graph, profile, config, target, &memo);
  std::optional<Proposal> rounded;
  if (trials) {
    if (!by_folds) rounded = round_beforehand(model, passes, context);
    if (rounded) context.rounded = &rounded->model.plan;
    const auto begin = std::chrono::steady_clock::now();
    context.judge = samples.ranges;
    result.ranges = by_folds ? choose_by_folds(model.graph, profile, config, target, folds, context)
                             : choose_ranges(model.graph, {profile, config, target, memo}, context);
    context.judge = samples.judge;
    model.plan = result.ranges->plan;
    result.ranges_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  const PlanConfig chosen = result.ranges ? result.ranges->config : config;
  const PlanSource source{.profile = profile, .config = chosen, .target = target, .memo = memo};
  if (plans_ranges(job)) context.source = &source;
  const std::vector<ScaledValue> given = model.plan.scaled;
  result.recovery = recover(std::move(result.recovery.model), of_stage(passes, false), context);
  result.recovery.effects.insert(result.recovery.effects.begin(), prepared.effects.begin(),
                                 prepared.effects.end());
  // Plans that were made anew since do not know of it.
  result.recovery.model.plan.scaled = prepared.profile ? prepared.model.plan.scaled : given;
  return result;
}

std::string describe(const RangeChoice& choice, double seconds) {
  std::string text = "ranges: " + observer_text(choice.config.observer, choice.config.percentile,
                                                choice.config.clip_weight);
  if (choice.changed > 0)
    text += ", " + std::to_string(choice.changed) +
            (choice.changed == 1 ? " value by another observer" : " values by other observers");
  char numbers[100];
  std::snprintf(numbers, sizeof numbers, "; %.2f dB on %zu samples, tried in %.1f s\n",
                choice.sqnr_db, choice.samples, seconds);
  return text + numbers;
}

std::vector<std::string> describe_trials(const RangeChoice& choice) {
  std::vector<std::string> lines;
  for (const RangeTrial& trial : choice.trials) {
    char number[32];
    std::snprintf(number, sizeof number, ": %.2f dB", trial.sqnr_db);
    lines.push_back(trial.observer + number);
  }
  return lines;
}

std::string describe(const std::vector<RecoveryEffect>& effects) {
  std::string text;
  for (const RecoveryEffect& effect : effects) {
    char numbers[120];
    if (!effect.needed) {
      std::snprintf(numbers, sizeof numbers, ": not needed at %.2f dB\n", effect.before_db);
      text += effect.pass + numbers;
      continue;
    }
    std::snprintf(numbers, sizeof numbers, "%.2f to %.2f dB, %+.2f ± %.2f dB a sample",
                  effect.before_db, effect.after_db, effect.gain.mean_db, effect.gain.error_db);
    const bool lower = effect.after_db < effect.before_db;
    text += effect.pass +
            (!effect.kept ? ": refused, "
             : lower      ? ": kept as not clearly worse, "
                          : ": kept, ") +
            numbers + (effect.detail.empty() ? "" : " (" + effect.detail + ")") + "\n";
  }
  return text;
}

}  // namespace q8

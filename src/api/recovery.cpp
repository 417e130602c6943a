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

class Improver {
 public:
  Improver(const QuantizeJob& job, const PlanConfig& config, const Target& target,
           const CalibrationData& data, const Host& host)
      : job_(job),
        config_(config),
        target_(target),
        data_(data),
        host_(host),
        is_asked_for_(!job.recover.empty() && !asks_for_none()),
        passes_(asks_for_none() ? std::vector<RecoveryPass>() : find_recovery_passes(job.recover)),
        trials_(job.observer == "auto" && plans_ranges(job)),
        by_folds_(trials_ && data.profile().samples.size() < kFewestForTrials) {}

  Improvement improve(PlannedGraph planned) && {
    Improvement result{.recovery = {.model = std::move(planned), .profile = {}, .effects = {}},
                       .ranges = {}};
    if (has_nothing_to_do(result.recovery.model)) return result;
    context_ = {.mask = data_.profile().mask,
                .float_budget_percent = job_.float_budget_percent,
                .machine = session_options(host_),
                .progress = host_.progress,
                .stop = host_.stop,
                .note = host_.warn};
    RangeMemo memo_before;  // of data_.profile()
    std::optional<Recovery> prepared = read_and_prepare(result.recovery.model, memo_before);
    if (!prepared) return result;

    PlannedGraph model = std::move(result.recovery.model);
    context_.float_budget_percent -= prepared->time_percent;
    const CalibrationProfile& profile = prepared->profile ? *prepared->profile : data_.profile();
    model.graph = std::move(prepared->model.graph);
    RangeMemo memo;
    memo.learn(memo_before, data_.profile(), profile);
    if (prepared->profile) model.plan = make_plan(model.graph, profile, config_, target_, &memo);
    std::optional<Proposal> rounded;
    if (trials_ && !by_folds_) rounded = round_beforehand(model, passes_, context_);
    if (rounded) context_.rounded = &rounded->model.plan;
    if (trials_) choose(model, profile, memo, result);

    const PlanConfig chosen = result.ranges ? result.ranges->config : config_;
    const PlanSource source{.profile = profile, .config = chosen, .target = target_, .memo = memo};
    if (plans_ranges(job_)) context_.source = &source;
    // Plans that are made anew do not know of it.
    const std::vector<ScaledValue> scaled =
        prepared->profile ? prepared->model.plan.scaled : model.plan.scaled;
    result.recovery = recover(std::move(model), of_stage(passes_, false), context_);
    result.recovery.effects.insert(result.recovery.effects.begin(), prepared->effects.begin(),
                                   prepared->effects.end());
    result.recovery.model.plan.scaled = scaled;
    return result;
  }

 private:
  bool asks_for_none() const { return job_.recover == std::vector<std::string>{"none"}; }

  // Throws usage_error where passes were asked for that can do nothing.
  bool has_nothing_to_do(const PlannedGraph& model) const {
    if (model.plan.count(NodeMode::kInteger) == 0) {
      if (is_asked_for_) throw usage_error("--recover: nothing of this model runs in integers");
      return true;
    }
    if (!trials_ && passes_.empty()) return true;
    if (is_asked_for_ || weight_bytes(model.graph) <= kRunBelowBytes) return false;
    if (host_.warn)
      host_.warn(
          "the model has more than 1 GB of weights: what would run it is left out, accuracy "
          "recovery (--recover NAMES asks for it) and the choice of observers (--observer auto:4 "
          "and --recover none leave both out without this warning)");
    return true;
  }

  // All that reads samples anew, with the passes that change the float graph; nothing where they
  // cannot be read and nobody has asked for passes by name.
  std::optional<Recovery> read_and_prepare(const PlannedGraph& model, RangeMemo& memo) {
    Recovery prepared{.model = model, .profile = {}, .effects = {}};
    try {
      samples_ = load_trial_samples(job_, data_, trials_ && !by_folds_, host_);
      context_.fit = samples_.fit;
      context_.judge = samples_.judge;
      if (plans_ranges(job_)) prepared = prepare(std::move(prepared), memo);
      if (by_folds_) folds_ = make_folds(data_, prepared.model.graph, host_);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted) throw;
      if (is_asked_for_) throw error.within("--recover");
      warn_of_no_samples(host_, trials_, !passes_.empty(), error);
      return std::nullopt;
    }
    return prepared;
  }

  // Runs the passes that change the float graph. They are judged with ranges by auto:4, whatever is
  // asked for: so `inspect --verify`, which asks for the observers that were chosen behind them,
  // comes to the same graph.
  Recovery prepare(Recovery start, RangeMemo& memo) const {
    const std::vector<RecoveryPass> some = of_stage(passes_, true);
    // A profile that was merged of several calibrations cannot be made again from their settings.
    if (some.empty() || data_.profile().sources.size() != 1) return start;
    PlanConfig judged_by = config_;
    judged_by.observer = PlanConfig().observer;
    judged_by.clip_weight = PlanConfig().clip_weight;
    judged_by.observer_of.clear();
    const PlanSource source{
        .profile = data_.profile(), .config = judged_by, .target = target_, .memo = memo};
    RecoveryContext context = context_;
    context.source = &source;
    context.observe_again = [&](const Graph& graph, const std::vector<std::string>& values) {
      return calibrate_again(data_, graph, {.shard = {}, .values = values}, host_);
    };
    start.model.plan = make_plan(start.model.graph, data_.profile(), judged_by, target_, &memo);
    return recover(std::move(start.model), some, context);
  }

  // Chooses observers by trials; the model gets the plan.
  void choose(PlannedGraph& model, const CalibrationProfile& profile, RangeMemo& memo,
              Improvement& result) const {
    const auto begin = std::chrono::steady_clock::now();
    RecoveryContext context = context_;
    context.judge = samples_.ranges;
    result.ranges = by_folds_
                        ? choose_by_folds(model.graph, profile, config_, target_, folds_, context)
                        : choose_ranges(model.graph, {profile, config_, target_, memo}, context);
    model.plan = result.ranges->plan;
    result.ranges_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  const QuantizeJob& job_;
  const PlanConfig& config_;
  const Target& target_;
  const CalibrationData& data_;
  const Host& host_;
  bool is_asked_for_;  // by name
  std::vector<RecoveryPass> passes_;
  bool trials_, by_folds_;  // of observers
  TrialSamples samples_;
  std::vector<Fold> folds_;
  RecoveryContext context_;
};

}  // namespace

Improvement improve(const QuantizeJob& job, const PlanConfig& config, const Target& target,
                    const CalibrationData& data, PlannedGraph planned, const Host& host) {
  return Improver(job, config, target, data, host).improve(std::move(planned));
}

std::string describe(const RangeChoice& choice, double seconds) {
  std::string text = "ranges: " + observer_text(choice.config.observer, choice.config.percentile,
                                                choice.config.clip_weight);
  if (choice.changed > 0)
    text += ", " + std::to_string(choice.changed) +
            (choice.changed == 1 ? " value by another observer" : " values by other observers");
  char numbers[100];
  std::snprintf(numbers, sizeof numbers, "; %.2f dB%s on %zu samples, tried in %.1f s\n",
                choice.sqnr_db, choice.with_rounded ? " with rounded weights" : "", choice.samples,
                seconds);
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

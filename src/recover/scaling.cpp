#include "recover/scaling.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/threads.h"
#include "plan/make_plan.h"
#include "plan/range_memo.h"
#include "recover/channel_groups.h"
#include "recover/choose_factors.h"
#include "recover/estimated_time.h"
#include "recover/observe_values.h"
#include "recover/output_judge.h"
#include "recover/paired_gain.h"
#include "recover/work_limit.h"

namespace q8 {
namespace {

// A group must be expected to gain so much; then those that gain most are tried alone as well.
constexpr double kLeastDb[] = {0.2, 1, 3};
// What must be gained (less is lost again when ranges are chosen anew), and so much more for each
// percent of time that it takes.
constexpr double kLeastGainDb = 0.5, kDbPerPercent = 0.1;
// Values of activations that all trials together may compute.
constexpr double kWork = 1e9, kTrials = std::size(kLeastDb) + 1;
constexpr std::size_t kFewestSamples = 6;

struct Candidate {
  const ChannelGroup* group = nullptr;
  ChosenRule chosen;
};

struct Trial {
  std::vector<Candidate> taken;
  PlannedGraph model = {};
  CalibrationProfile profile = {};
  double gain_db = 0, percent = 0;  // percent: of the estimated time, more
};

// Finds factors that hold on samples which neither they nor the ranges behind them were made of: a
// channel that fills its range on all samples seen is clipped on the next ones. So the fitting
// samples are parted once more; what is proposed in the end is made of all samples.
class Scaling {
 public:
  Scaling(const PlannedGraph& model, const RecoveryContext& context,
          std::vector<ChannelGroup> groups, std::string_view what)
      : model_(model),
        source_(*context.source),
        groups_(std::move(groups)),
        what_(what),
        seen_(context),
        unseen_(context) {
    for (std::size_t i = 0; i < context.fit.size(); ++i)
      (i % 3 == 1 ? unseen_samples_ : seen_samples_).push_back(context.fit[i]);
    seen_.fit = seen_samples_;
    unseen_.judge = std::span(unseen_samples_).first(allowed_samples());
  }

  // The best of the choices, with statistics of all samples; nothing where none pays.
  std::optional<Trial> propose() {
    if (groups_.empty() || seen_samples_.empty() || unseen_samples_.empty()) return std::nullopt;
    const auto rows = collect_column_rows(model_.graph, groups_, seen_);
    const FactorSource by_seen{model_.graph, model_.plan, source_.profile, rows};
    const std::vector<Candidate> candidates = choose(by_seen);
    if (candidates.empty()) return std::nullopt;
    std::optional<Trial> best = try_choices(candidates, by_seen);
    if (!best || best->gain_db < kLeastGainDb) return std::nullopt;
    const FactorSource by_all{model_.graph, model_.plan, source_.profile, rows, true};
    Graph graph = model_.graph;
    const std::vector<std::string> names = scale(graph, best->taken, by_all, nullptr);
    Trial proposed = attempt(best->taken, by_all, seen_.observe_again(graph, names));
    const bool pays = best->gain_db >= kLeastGainDb + kDbPerPercent * proposed.percent;
    return pays ? std::optional(std::move(proposed)) : std::nullopt;
  }

 private:
  std::size_t allowed_samples() const {
    const std::size_t allowed = runs_within(kWork / kTrials, source_.profile);
    return std::min(unseen_samples_.size(), std::max(kFewestSamples, allowed));
  }

  void tell(std::size_t done) const {
    if (seen_.stop.stop_requested()) throw interrupted();
    if (seen_.progress)
      seen_.progress(what_, static_cast<std::int64_t>(done), std::ssize(kLeastDb) + 1);
  }

  std::vector<Candidate> choose(const FactorSource& by) const {
    tell(0);
    std::vector<ChosenRule> chosen(groups_.size());
    Threads threads(seen_.machine.threads);
    threads.parallel_for(std::ssize(groups_), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        if (seen_.stop.stop_requested()) return;
        const auto at = static_cast<std::size_t>(i);
        chosen[at] = choose_rule(groups_[at], by);
      }
    });
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < groups_.size(); ++i)
      if (chosen[i].gain_db >= kLeastDb[0]) candidates.push_back({&groups_[i], chosen[i]});
    return candidates;
  }

  // The statistics of a scaled value depend on its own group alone, so one look at the samples with
  // all groups scaled serves all choices.
  std::optional<Trial> try_choices(const std::vector<Candidate>& candidates,
                                   const FactorSource& by) const {
    Graph all = model_.graph;
    const std::vector<std::string> names = scale(all, candidates, by, nullptr);
    const std::size_t times =
        std::max<std::size_t>(1, source_.profile.samples.size() / seen_samples_.size());
    const CalibrationProfile observed = observe_values(all, names, times, seen_);
    const OutputJudge judge(model_.graph, unseen_);
    const std::vector<double> before = judge.noises(model_);
    std::optional<Trial> best;
    std::size_t tried = 0;
    for (std::size_t i = 0; i < std::size(kLeastDb); ++i) {
      std::vector<Candidate> taken;
      std::ranges::copy_if(candidates, std::back_inserter(taken),
                           [&](const Candidate& c) { return c.chosen.gain_db >= kLeastDb[i]; });
      if (taken.empty() || taken.size() == std::exchange(tried, taken.size())) continue;
      tell(1 + i);
      Trial trial = attempt(std::move(taken), by, observed);
      trial.gain_db = paired_gain(before, judge.noises(trial.model)).least_db();
      if (trial.gain_db > (best ? best->gain_db : 0)) best = std::move(trial);
    }
    return best;
  }

  // The names of what holds something else than before.
  std::vector<std::string> scale(Graph& graph, const std::vector<Candidate>& taken,
                                 const FactorSource& by, std::vector<ScaledValue>* written) const {
    std::vector<ScaledChannels> scaled;
    for (const Candidate& candidate : taken) {
      const ChannelGroup& group = *candidate.group;
      scaled.push_back({&group, factors_by(candidate.chosen.rule, FactorError(group, by))});
      if (written != nullptr)
        written->push_back({.value = graph.value(group.values.front()).name,
                            .by_product = group.needs_product(),
                            .factors = scaled.back().factors});
    }
    std::vector<std::string> names;
    for (const ValueId id : scale_channels(graph, scaled)) names.push_back(graph.value(id).name);
    return names;
  }

  Trial attempt(std::vector<Candidate> taken, const FactorSource& by,
                const CalibrationProfile& observed) const {
    Trial trial{.taken = std::move(taken)};
    Graph& graph = trial.model.graph = model_.graph;
    std::vector<ScaledValue> written = model_.plan.scaled;
    const std::vector<std::string> names = scale(graph, trial.taken, by, &written);
    trial.profile = source_.profile;
    for (const std::string& name : names) {
      const TensorStatistics* seen = observed.find(name);
      if (seen == nullptr) continue;
      const auto known = std::ranges::find(trial.profile.tensors, name, &TensorStatistics::name);
      if (known != trial.profile.tensors.end())
        *known = *seen;
      else if (model_.graph.find_value(name) == kNoValue)  // others were left out on purpose
        trial.profile.tensors.push_back(*seen);
    }
    RangeMemo memo;
    memo.learn(source_.memo, source_.profile, trial.profile);
    trial.model.plan = make_plan(graph, trial.profile, source_.config, source_.target, &memo);
    trial.model.plan.scaled = std::move(written);
    const double before = estimated_time(model_.graph, source_.profile, model_.plan);
    trial.percent = 100 * (estimated_time(graph, trial.profile, trial.model.plan) / before - 1);
    return trial;
  }

  const PlannedGraph& model_;
  const PlanSource& source_;
  std::vector<ChannelGroup> groups_;
  std::string_view what_;
  std::vector<SampleInputs> seen_samples_, unseen_samples_;
  RecoveryContext seen_, unseen_;
};

bool can_scale(const RecoveryContext& context) {
  return context.source != nullptr && context.observe_again;
}

// Values that layers read in integers, made in float or fed, in none of the groups.
std::vector<ChannelGroup> product_groups(const PlannedGraph& model) {
  const Graph& graph = model.graph;
  const Uses uses(graph);
  std::set<ValueId> grouped;
  for (const ChannelGroup& group : find_channel_groups(graph).groups)
    grouped.insert(group.values.begin(), group.values.end());
  std::vector<ChannelGroup> groups;
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    const ActivationPlan* planned = model.plan.find_activation(graph.value(id).name);
    if (planned == nullptr || grouped.contains(id)) continue;
    if (planned->everywhere && !graph.is_input(id)) continue;
    if (auto group = find_product_group(graph, uses, id)) groups.push_back(std::move(*group));
  }
  return groups;
}

}  // namespace

std::optional<Proposal> equalize_channels(const PlannedGraph& model,
                                          const RecoveryContext& context) {
  if (!can_scale(context)) return std::nullopt;
  ChannelGroups found = find_channel_groups(model.graph);
  const std::size_t all = found.groups.size();
  std::optional<Trial> best =
      Scaling(model, context, std::move(found.groups), "recover: equalization").propose();
  if (!best) return std::nullopt;
  std::string detail =
      std::to_string(best->taken.size()) + " of " + std::to_string(all) + " groups of channels";
  if (!found.blocked.empty())
    detail += "; " + std::to_string(found.blocked.size()) +
              " values in none: " + found.blocked.front().reason +
              (found.blocked.size() > 1 ? ", …" : "");
  return Proposal{.model = std::move(best->model),
                  .profile = std::move(best->profile),
                  .detail = std::move(detail)};
}

std::optional<Proposal> smooth_channels(const PlannedGraph& model, const RecoveryContext& context) {
  if (!can_scale(context) || context.float_budget_percent <= 0) return std::nullopt;
  std::optional<Trial> best =
      Scaling(model, context, product_groups(model), "recover: smoothing").propose();
  if (!best || best->percent > context.float_budget_percent) return std::nullopt;
  char text[100];
  std::snprintf(text, sizeof text, "%zu products, %.0f %% more time by estimate",
                best->taken.size(), best->percent);
  return Proposal{.model = std::move(best->model),
                  .profile = std::move(best->profile),
                  .detail = text,
                  .time_percent = std::max(0.0, best->percent)};
}

void scale_as_planned(Graph& graph, const std::vector<ScaledValue>& scaled) {
  for (const ScaledValue& one : scaled) {
    const ValueId id = graph.find_value(one.value);
    std::optional<ChannelGroup> group;
    if (id != kNoValue && one.by_product) group = find_product_group(graph, Uses(graph), id);
    if (id != kNoValue && !one.by_product)
      for (ChannelGroup& found : find_channel_groups(graph).groups)
        if (std::ranges::find(found.values, id) != found.values.end()) group = std::move(found);
    if (!group || group->channels != std::ssize(one.factors))
      throw bad_input("the plan scales " + std::to_string(one.factors.size()) + " channels of '" +
                      one.value + "', which the model does not have or cannot scale");
    scale_channels(graph, std::vector{ScaledChannels{&*group, one.factors}});
  }
}

}  // namespace q8

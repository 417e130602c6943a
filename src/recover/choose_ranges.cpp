#include "recover/choose_ranges.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "plan/range_memo.h"
#include "recover/output_judge.h"
#include "recover/paired_gain.h"
#include "recover/range_candidates.h"
#include "recover/rounding.h"
#include "recover/work_limit.h"

namespace q8 {
namespace {

// The first round gets half of the runs: what clips shows its errors in few samples, and those must
// be among them.
constexpr std::size_t kFirstShare = 2, kFewestSamples = 8;
// Single values may take the ranges of so many plans, the best of the first round.
constexpr std::size_t kOffers = 5, kMaxTrials = 96;

double sum_of(const std::vector<double>& noises) {
  return std::accumulate(noises.begin(), noises.end(), 0.0);
}

struct Trial {
  PlanConfig config;
  QuantizationPlan plan;
  std::string name;
  std::vector<double> noises;  // by sample, as far as it was run
};

bool same_ranges(const QuantizationPlan& a, const QuantizationPlan& b) {
  return std::equal(a.activations.begin(), a.activations.end(), b.activations.begin(),
                    b.activations.end(), [](const auto& x, const auto& y) {
                      return x.first == y.first && x.second.params == y.second.params;
                    });
}

class Chooser {
 public:
  Chooser(const Graph& graph, const PlanSource& source, const RecoveryContext& context)
      : graph_(graph),
        source_(source),
        context_(context),
        judge_(graph, context),
        runs_left_(runs_within(kRangeWork, source.profile)) {}

  RangeChoice choose() {
    RangeChoice choice;
    hold_finals(hold_first_round(), choice);
    Trial& best = finalists_.front();
    const std::vector<std::string> values = differing_values();
    refine(best, values);
    choice.samples = best.noises.size();
    choice.sqnr_db = judge_.sqnr_db(best.noises);
    choice.with_rounded = context_.rounded != nullptr;
    choice.changed = best.config.observer_of.size();
    choice.config = std::move(best.config);
    choice.plan = std::move(best.plan);
    return choice;
  }

 private:
  void tell(std::size_t done, std::size_t total) const {
    if (context_.stop.stop_requested()) throw interrupted();
    if (context_.progress)
      context_.progress("trying ranges", static_cast<std::int64_t>(done),
                        static_cast<std::int64_t>(total));
  }

  QuantizationPlan plan_of(const PlanConfig& config) {
    return make_plan(graph_, source_.profile, config, source_.target, &source_.memo);
  }

  void run(Trial& trial, std::size_t until) {
    if (trial.noises.size() >= until) return;
    const std::size_t from = trial.noises.size();
    PlannedGraph model{graph_, trial.plan};
    if (context_.rounded != nullptr) take_rounded_weights(*context_.rounded, model.plan);
    const std::vector<double> more = judge_.noises(model, from, until);
    trial.noises.insert(trial.noises.end(), more.begin(), more.end());
    runs_left_ -= std::min(runs_left_, until - from);
  }

  std::vector<Trial> hold_first_round() {
    std::vector<Trial> trials;
    const std::size_t samples = std::min(
        judge_.samples(), std::max(kFewestSamples, runs_left_ / (kFirstShare * kRangeCandidates)));
    for (const PlanConfig& config : range_candidates(source_.config)) {
      Trial trial{.config = config, .plan = {}, .name = observer_text(config), .noises = {}};
      trial.plan = plan_of(trial.config);
      tell(trials.size(), kRangeCandidates);
      if (std::ranges::any_of(trials,
                              [&](const Trial& t) { return same_ranges(t.plan, trial.plan); }))
        continue;
      run(trial, samples);
      trials.push_back(std::move(trial));
    }
    sort(trials);
    return trials;
  }

  static void sort(std::vector<Trial>& trials) {
    std::ranges::stable_sort(
        trials, [](const Trial& a, const Trial& b) { return sum_of(a.noises) < sum_of(b.noises); });
  }

  void hold_finals(std::vector<Trial> trials, RangeChoice& choice) {
    for (const Trial& trial : trials)
      choice.trials.push_back({trial.name, judge_.sqnr_db(trial.noises)});
    trials.resize(std::min(trials.size(), kOffers));
    offers_ = trials;
    // Where a few samples carry most of the error, a first round without them must rule out nobody.
    const std::vector<double> least = trials.front().noises;
    std::erase_if(trials, [&](const Trial& t) { return is_clearly_less(least, t.noises); });
    const std::size_t allowed = runs_left_ / trials.size();
    const std::size_t until = std::min(judge_.samples(), trials.front().noises.size() + allowed);
    for (Trial& trial : trials) run(trial, until);
    sort(trials);
    finalists_ = std::move(trials);
  }

  // Values with a range of their own that is not the same with all offers, in the graph's order.
  std::vector<std::string> differing_values() const {
    std::vector<std::string> names;
    for (const Value& value : graph_.values()) {
      const ActivationPlan* first = finalists_.front().plan.find_activation(value.name);
      if (first == nullptr) continue;
      for (const Trial& other : offers_) {
        const ActivationPlan* there = other.plan.find_activation(value.name);
        if (there == nullptr || there->params == first->params) continue;
        names.push_back(value.name);
        break;
      }
    }
    return names;
  }

  static ObserverFor rule_of(const std::string& value, const PlanConfig& config) {
    return {.pattern = value,
            .observer = config.observer,
            .percentile = config.percentile,
            .clip_weight = config.clip_weight};
  }

  void refine(Trial& best, const std::vector<std::string>& values) {
    if (values.empty()) return;
    const std::size_t trials = std::min(kMaxTrials, runs_left_ / best.noises.size());
    const std::size_t groups = std::min(values.size(), trials / offers_.size());
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t begin = values.size() * g / groups, end = values.size() * (g + 1) / groups;
      for (const Trial& other : offers_) {
        tell(g, groups);
        Trial trial{.config = best.config, .plan = {}, .name = {}, .noises = {}};
        for (std::size_t v = begin; v < end; ++v) {
          std::erase_if(trial.config.observer_of,
                        [&](const ObserverFor& row) { return row.pattern == values[v]; });
          trial.config.observer_of.push_back(rule_of(values[v], other.config));
        }
        trial.plan = plan_of(trial.config);
        if (same_ranges(trial.plan, best.plan)) continue;
        run(trial, best.noises.size());
        // One that does nothing is taken once in forty tries, and does no harm then.
        if (is_clearly_less(trial.noises, best.noises)) best = std::move(trial);
      }
    }
  }

  const Graph& graph_;
  const PlanSource& source_;
  const RecoveryContext& context_;
  OutputJudge judge_;
  std::size_t runs_left_;
  std::vector<Trial> offers_, finalists_;  // best first
};

}  // namespace

RangeChoice choose_ranges(const Graph& graph, const PlanSource& source,
                          const RecoveryContext& context) {
  if (context.judge.empty()) throw bad_input("ranges cannot be tried without a sample");
  return Chooser(graph, source, context).choose();
}

}  // namespace q8

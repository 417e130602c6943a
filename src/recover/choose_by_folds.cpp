#include "recover/choose_by_folds.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "plan/range_memo.h"
#include "recover/output_judge.h"
#include "recover/range_candidates.h"
#include "recover/work_limit.h"

namespace q8 {
namespace {

// Of each fold, however long that takes.
constexpr std::size_t kFewestSamples = 2;

struct Entrant {
  PlanConfig config;
  std::vector<double> noises;  // by fold and sample

  double noise() const { return std::accumulate(noises.begin(), noises.end(), 0.0); }
};

}  // namespace

RangeChoice choose_by_folds(const Graph& graph, const CalibrationProfile& profile,
                            const PlanConfig& asked, const Target& target,
                            std::span<const Fold> folds, const RecoveryContext& context) {
  std::vector<Entrant> entrants;
  for (PlanConfig& config : range_candidates(asked)) entrants.push_back({std::move(config), {}});
  const std::size_t allowed = runs_within(kRangeWork, profile) / (entrants.size() * folds.size());
  double signal = 0;
  std::int64_t done = 0;
  for (const Fold& fold : folds) {
    RecoveryContext judging = context;
    judging.judge = std::span(fold.samples)
                        .first(std::min(fold.samples.size(), std::max(kFewestSamples, allowed)));
    const OutputJudge judge(graph, judging);
    signal += judge.signal();
    RangeMemo memo;
    for (Entrant& entrant : entrants) {
      if (context.stop.stop_requested()) throw interrupted();
      if (context.progress)
        context.progress("trying ranges", done++, std::ssize(folds) * std::ssize(entrants));
      const QuantizationPlan plan = make_plan(graph, fold.profile, entrant.config, target, &memo);
      for (const double noise : judge.noises({graph, plan})) entrant.noises.push_back(noise);
    }
  }
  std::ranges::stable_sort(entrants, {}, &Entrant::noise);
  RangeChoice choice;
  for (const Entrant& entrant : entrants)
    choice.trials.push_back({observer_text(entrant.config), decibels(signal, entrant.noise())});
  choice.config = entrants.front().config;
  choice.plan = make_plan(graph, profile, choice.config, target);
  choice.samples = entrants.front().noises.size();
  choice.sqnr_db = choice.trials.front().sqnr_db;
  return choice;
}

}  // namespace q8

#include "recover/recover.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "plan/range_memo.h"
#include "recover/output_judge.h"

namespace q8 {
namespace {

// An error of a thousandth of the signal's amplitude is less than 8 bits are expected to keep. What
// shows there is how sure the model was of a few samples, and says nothing of others.
constexpr double kNothingLostDb = 60;

bool is_kept(const RecoveryPass& pass, const RecoveryEffect& effect) {
  constexpr double kClearly = 2;  // standard errors
  if (pass.trusted) return effect.gain.mean_db >= -kClearly * effect.gain.error_db;
  return effect.gain.least_db() > 0 && effect.gain.least_db() >= pass.least_gain_db;
}

}  // namespace

Recovery recover(PlannedGraph model, std::span<const RecoveryPass> passes,
                 const RecoveryContext& context) {
  Recovery result{.model = std::move(model), .profile = {}, .effects = {}};
  if (passes.empty()) return result;
  if (context.fit.empty() || context.judge.empty())
    throw bad_input("accuracy recovery needs a sample to fit and another one to judge by, found " +
                    std::to_string(context.fit.size()) + " and " +
                    std::to_string(context.judge.size()));
  const OutputJudge judge(result.model.graph, context);
  std::vector<double> noises = judge.noises(result.model);
  RecoveryContext now = context;
  std::optional<PlanSource> source;
  std::unique_ptr<RangeMemo> memo;
  for (const RecoveryPass& pass : passes) {
    const double before_db = judge.sqnr_db(noises);
    if (before_db >= kNothingLostDb) {
      result.effects.push_back({.pass = std::string(pass.name),
                                .before_db = before_db,
                                .after_db = before_db,
                                .needed = false});
      continue;
    }
    std::optional<Proposal> proposed = pass.propose(result.model, now);
    if (!proposed) continue;
    std::vector<double> proposed_noises = judge.noises(proposed->model);
    RecoveryEffect& effect =
        result.effects.emplace_back(RecoveryEffect{.pass = std::string(pass.name),
                                                   .before_db = before_db,
                                                   .after_db = judge.sqnr_db(proposed_noises),
                                                   .gain = paired_gain(noises, proposed_noises),
                                                   .detail = std::move(proposed->detail)});
    effect.kept = is_kept(pass, effect);
    if (!effect.kept) continue;
    result.model = std::move(proposed->model);
    noises = std::move(proposed_noises);
    result.time_percent += proposed->time_percent;
    now.float_budget_percent -= proposed->time_percent;
    if (!proposed->profile) continue;
    auto learned = std::make_unique<RangeMemo>();
    learned->learn(now.source->memo, now.source->profile, *proposed->profile);
    result.profile = std::move(proposed->profile);
    memo = std::move(learned);
    source.emplace(
        PlanSource{*result.profile, context.source->config, context.source->target, *memo});
    now.source = &*source;
  }
  return result;
}

}  // namespace q8

#include "recover/recover.h"

#include "base/error.h"
#include "recover/output_judge.h"

namespace q8 {

Recovery recover(PlannedGraph model, std::span<const RecoveryPass> passes,
                 const RecoveryContext& context) {
  Recovery result{.model = std::move(model), .effects = {}};
  if (passes.empty()) return result;
  if (context.fit.empty() || context.judge.empty())
    throw bad_input("accuracy recovery needs a sample to fit and another one to judge by, found " +
                    std::to_string(context.fit.size()) + " and " +
                    std::to_string(context.judge.size()));
  const OutputJudge judge(result.model.graph, context);
  double noise = judge.noise(result.model);
  for (const RecoveryPass& pass : passes) {
    std::optional<Proposal> proposed = pass.propose(result.model, context);
    if (!proposed) continue;
    const double proposed_noise = judge.noise(proposed->model);
    const double before_db = judge.sqnr_db(noise), after_db = judge.sqnr_db(proposed_noise);
    const bool gains = proposed_noise < noise && !(after_db < before_db + pass.least_gain_db);
    result.effects.push_back({.pass = std::string(pass.name),
                              .before_db = before_db,
                              .after_db = after_db,
                              .kept = gains,
                              .detail = std::move(proposed->detail)});
    if (!result.effects.back().kept) continue;
    result.model = std::move(proposed->model);
    noise = proposed_noise;
  }
  return result;
}

}  // namespace q8

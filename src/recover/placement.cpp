#include "recover/placement.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "plan/coverage.h"
#include "plan/make_plan.h"
#include "recover/estimated_time.h"
#include "recover/output_judge.h"
#include "recover/paired_gain.h"
#include "recover/work_limit.h"

namespace q8 {
namespace {

// From here on the error has 3 % of the signal's amplitude: what 8 bits are expected to keep.
constexpr double kEnoughDb = 30;
// A group must gain so much, and so much more for each percent of time that it takes. These and the
// numbers of windows and groups were varied one at a time: docs/accuracy.md, "Float where it pays".
constexpr double kLeastDb = 0.5, kDbPerPercent = 0.1;
constexpr std::size_t kWindows = 12, kMostGroups = 3;
// Values of activations that all trials together may compute, and about how many trials there are.
constexpr double kWork = 2e9;
constexpr std::int64_t kTrials = 48;
constexpr std::size_t kFewestSamples = 6;

using Group = std::vector<NodeId>;  // in the order of the graph

struct Trial {
  Group group;
  std::vector<double> noises = {};  // by sample
  double gain_db = 0, percent = 0;  // beside what is kept already
  double worth() const { return gain_db - kDbPerPercent * std::max(0.0, percent); }
};

class Placement {
 public:
  Placement(const PlannedGraph& model, const RecoveryContext& context)
      : graph_(model.graph),
        plan_(model.plan),
        context_(context),
        source_(*context.source),
        judging_(judging(context)),
        judge_(graph_, judging_),
        integer_time_(time_of(plan_)) {
    noises_ = judge_.noises({graph_, plan_});
  }

  std::optional<Proposal> propose() {
    const double before = judge_.sqnr_db(noises_);
    while (groups_ < kMostGroups && judge_.sqnr_db(noises_) < kEnoughDb) {
      std::optional<Trial> best = best_group();
      if (!best) break;
      take(std::move(*best));
    }
    if (kept_.empty()) return std::nullopt;
    char text[160];
    std::snprintf(
        text, sizeof text,
        "%zu node%s in float: %.1f to %.1f dB on %zu samples, %.0f %% more time by estimate",
        kept_.size(), kept_.size() == 1 ? "" : "s", before, judge_.sqnr_db(noises_),
        judge_.samples(), percent_);
    return Proposal{.model = {graph_, plan_}, .detail = text, .time_percent = percent_};
  }

 private:
  // Those to fit, as many as the work allows.
  static RecoveryContext judging(const RecoveryContext& context) {
    const std::size_t allowed =
        runs_within(kWork / static_cast<double>(kTrials), context.source->profile);
    RecoveryContext few = context;
    few.judge = context.fit.first(std::min(context.fit.size(), std::max(kFewestSamples, allowed)));
    return few;
  }

  double time_of(const QuantizationPlan& plan) const {
    return estimated_time(graph_, source_.profile, plan);
  }
  double budget_left() const { return context_.float_budget_percent - percent_; }
  bool pays(const Trial& trial) const {
    return trial.percent <= budget_left() && trial.worth() >= kLeastDb;
  }

  // Nodes that compute in integers, those with weights and all others that are no mere moves.
  Group integer_nodes() const {
    Group nodes;
    for (NodeId id = 0; id < graph_.node_count(); ++id)
      if (plan_.nodes[static_cast<std::size_t>(id)].mode == NodeMode::kInteger &&
          quant_role(graph_, graph_.node(id)) != QuantRole::kMoves)
        nodes.push_back(id);
    return nodes;
  }

  std::vector<Group> candidates() const {
    const Group nodes = integer_nodes();
    std::vector<Group> groups;
    const std::size_t windows = std::min(kWindows, nodes.size());
    for (std::size_t w = 0; w < windows; ++w)
      groups.emplace_back(
          nodes.begin() + static_cast<std::ptrdiff_t>(nodes.size() * w / windows),
          nodes.begin() + static_cast<std::ptrdiff_t>(nodes.size() * (w + 1) / windows));
    std::map<std::string_view, Group> by_type;
    for (const NodeId id : nodes)
      if (quant_role(graph_, graph_.node(id)) != QuantRole::kWeighted)
        by_type[graph_.node(id).op_type].push_back(id);
    for (auto& [type, group] : by_type)
      if (group.size() > 1) groups.push_back(std::move(group));
    return groups;
  }

  QuantizationPlan plan_with(const Group& group, const std::string& reason) {
    PlanConfig config = source_.config;
    config.keep_float.insert(config.keep_float.end(), kept_.begin(), kept_.end());
    for (const NodeId id : group) config.keep_float.push_back({graph_.node(id).name, reason});
    return make_plan(graph_, source_.profile, config, source_.target, &source_.memo);
  }

  Trial attempt(Group group) {
    if (context_.stop.stop_requested()) throw interrupted();
    ++trials_;
    if (context_.progress)
      context_.progress("recover: placement", trials_, std::max(trials_, kTrials));
    Trial trial{.group = std::move(group)};
    const QuantizationPlan plan = plan_with(trial.group, "tried");
    trial.noises = judge_.noises({graph_, plan});
    trial.gain_db = paired_gain(noises_, trial.noises).mean_db;
    trial.percent = 100 * (time_of(plan) / integer_time_ - 1) - percent_;
    return trial;
  }

  // The one that gains most, narrowed to what pays; else the one that is worth most as it is.
  std::optional<Trial> best_group() {
    std::optional<Trial> most, best;
    for (Group& group : candidates()) {
      Trial trial = attempt(std::move(group));
      if (pays(trial) && (!best || trial.worth() > best->worth())) best = trial;
      if (!most || trial.gain_db > most->gain_db) most = std::move(trial);
    }
    if (most) most = narrow(std::move(*most));
    return most && pays(*most) ? most : best;
  }

  // Halves the group while a half is worth more, or while it does not fit the budget.
  Trial narrow(Trial trial) {
    while (trial.group.size() > 1 && trial.gain_db >= kLeastDb) {
      const auto middle =
          trial.group.begin() + static_cast<std::ptrdiff_t>((trial.group.size() + 1) / 2);
      Trial first = attempt({trial.group.begin(), middle});
      Trial second = attempt({middle, trial.group.end()});
      Trial& half = first.worth() >= second.worth() ? first : second;
      if (half.worth() < trial.worth() && trial.percent <= budget_left()) break;
      trial = std::move(half);
    }
    return trial;
  }

  void take(Trial trial) {
    char reason[80];
    std::snprintf(reason, sizeof reason, "in integers %s %.1f dB of SQNR",
                  trial.group.size() > 1 ? "it and its neighbours cost" : "it costs",
                  trial.gain_db);
    plan_ = plan_with(trial.group, reason);
    for (const NodeId id : trial.group) kept_.push_back({graph_.node(id).name, reason});
    noises_ = std::move(trial.noises);
    percent_ += trial.percent;
    ++groups_;
  }

  const Graph& graph_;
  QuantizationPlan plan_;
  const RecoveryContext& context_;
  const PlanSource& source_;
  RecoveryContext judging_;
  OutputJudge judge_;
  double integer_time_, percent_ = 0;  // percent_: of integer_time_, spent
  std::vector<double> noises_;         // by sample
  std::vector<KeptFloat> kept_;
  std::size_t groups_ = 0;
  std::int64_t trials_ = 0;
};

}  // namespace

std::optional<Proposal> keep_in_float(const PlannedGraph& model, const RecoveryContext& context) {
  if (context.source == nullptr || context.float_budget_percent <= 0) return std::nullopt;
  return Placement(model, context).propose();
}

}  // namespace q8

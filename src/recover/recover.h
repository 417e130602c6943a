#pragma once

#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "exec/session.h"
#include "graph/graph.h"
#include "plan/make_plan.h"
#include "plan/plan.h"
#include "recover/paired_gain.h"

namespace q8 {

// A graph and the plan made for it: what a recovery pass takes and gives back.
struct PlannedGraph {
  Graph graph;
  QuantizationPlan plan;
};

using SampleInputs = std::vector<Tensor>;  // one for each input of the graph, in its order

// What the plan was made of, for passes that make it anew.
struct PlanSource {
  const CalibrationProfile& profile;
  const PlanConfig& config;
  const Target& target;
  RangeMemo& memo;  // of the profile
};

// The statistics of some values of a graph that computes the same as the one of the profile, taken
// from all samples that this was made of.
using ObserveAgain =
    std::function<CalibrationProfile(const Graph&, const std::vector<std::string>& values)>;

// What passes and the judge work with.
struct RecoveryContext {
  std::span<const SampleInputs> fit = {};    // passes learn from these
  std::span<const SampleInputs> judge = {};  // and are judged by these; no pass sees them
  std::string mask = {};               // the input that marks padding (TokenMask); empty: none
  const PlanSource* source = nullptr;  // null: the plan came from elsewhere
  ObserveAgain observe_again = {};     // for passes that change the float graph
  // A plan of the graph whose weights the rounding pass has rounded, by other ranges; or null.
  const QuantizationPlan* rounded = nullptr;
  // Of the estimated time, to be spent on float nodes; recover() takes away what passes spend.
  double float_budget_percent = 0;
  SessionOptions machine = {};  // threads and ISA
  Progress progress = {};
  std::stop_token stop = {};
  // Whole sentences about what a pass had to leave out; empty: nobody listens.
  std::function<void(const std::string&)> note = {};
};

struct Proposal {
  PlannedGraph model;
  std::optional<CalibrationProfile> profile = {};  // where values hold something else than before
  std::string detail = {};                         // what was done, for the user
  double time_percent = 0;                         // of the float budget, spent
};

// One cure for lost accuracy. `propose` is pure: the same arguments give the same result, whatever
// the number of threads. Nothing where there is nothing to propose.
struct RecoveryPass {
  std::string_view name;
  std::string_view help;
  bool by_default;
  double least_gain_db;  // of what it must gain to be kept: what costs time must be worth it
  // It lowers the error of each layer's own output, which few samples show well. It is kept unless
  // the model's outputs, where few samples say little, are clearly worse.
  bool trusted;
  std::optional<Proposal> (*propose)(const PlannedGraph&, const RecoveryContext&);
  // It changes the float graph and its profile (not what it computes): ranges are chosen
  // afterwards.
  bool is_before_ranges = false;
};
std::span<const RecoveryPass> recovery_passes();  // in the order in which they run

// The passes of those names, in the order of the list; of no names, the default ones. Throws
// usage_error for unknown names.
std::vector<RecoveryPass> find_recovery_passes(std::span<const std::string> names);

// What became of a pass: SQNR of the model's outputs, INT8 against FP32, on the judging samples.
struct RecoveryEffect {
  std::string pass;
  double before_db = 0, after_db = 0;
  PairedGain gain = {};
  bool needed = true;  // false: the error is too small to judge by, and the pass was not tried
  bool kept = false;
  std::string detail = {};  // of the proposal
};

struct Recovery {
  PlannedGraph model;
  std::optional<CalibrationProfile> profile = {};  // of the model, where a pass changed it
  std::vector<RecoveryEffect> effects;  // in the order of the passes, of those that proposed
  double time_percent = 0;              // of the float budget, spent by those that were kept
};

// Runs the passes one after the other. The result of each is kept only where, on the judging
// samples, both the error energy of the INT8 model's outputs and that of the mean sample fall; of a
// trusted pass, where the mean sample does not lose by more than two standard errors. Otherwise the
// model stays as it was. At 60 dB and above none is tried.
// Throws bad_input where there is no sample to fit or to judge by, and kInterrupted.
Recovery recover(PlannedGraph model, std::span<const RecoveryPass> passes,
                 const RecoveryContext& context);

}  // namespace q8

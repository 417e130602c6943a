#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "calib/profile.h"
#include "graph/graph.h"
#include "plan/plan.h"
#include "plan/targets.h"

namespace q8 {

enum class PlanMode {
  kStatic,   // activations and weights in integers, ranges from the profile
  kDynamic,  // products with constant weights in integers, ranges taken while it runs; no profile
  kWeights,  // weights only, for size; no profile is read
};

struct ObserverFor {
  std::string pattern;  // of value names
  std::string observer;
  double percentile = 99.99;
  double clip_weight = 4;  // of auto
};

struct TypeFor {
  std::string pattern;  // of value names
  std::string type;     // u8, s8, u16, s16 or float
};

// A node that computes in float although it could in integers; its weights are stored as s8.
struct KeptFloat {
  std::string node;    // its very name
  std::string reason;  // for the plan
};

class RangeMemo;

// What a user can ask for. Patterns: * and ? as in a shell, over names.
struct PlanConfig {
  PlanMode mode = PlanMode::kStatic;
  bool per_channel = true;
  std::string observer = "auto";  // a row of observers()
  double percentile = 99.99;
  double clip_weight = 4;                // of auto: see ObserverSettings
  std::string weight_observer = "auto";  // minmax, mse; auto: mse for s4 of all but convolutions
  std::string weights = "s8";            // or "s4"
  std::int64_t block_size = 0;  // of s4 weights: inputs of a channel that share a scale; 0: all
  std::int64_t opset = 13;      // the result's at least; 16-bit and 4-bit types need 21
  std::vector<std::string> exclude;  // nodes that stay float
  std::vector<std::string> dynamic;  // nodes that take their ranges while they run
  bool float16_islands = false;      // what stays float is computed in float16 where that is safe
  std::vector<ObserverFor> observer_of;   // each pattern is a value's very name
  std::vector<ObserverFor> observer_for;  // goes before observer_of
  std::vector<TypeFor> type_for;
  std::vector<KeptFloat> keep_float;  // as recovery found out; no part of describe()
};

// "mse", "percentile:99.9", "auto:4": as --observer and --observer-for take it.
std::string observer_text(std::string_view observer, double percentile, double clip_weight);

// The configuration as fixed text, one "name value" line each.
std::string describe(const PlanConfig& config);

// Decides what is quantized and how. Pure: the same arguments give the same plan.
//   graph    canonical (canonicalize()): constants and BatchNormalization folded
//   profile  of that graph; values it does not know stay float
//   memo     where it is not null: of the same profile; makes many similar plans cheap
// Throws usage_error for unknown observers, types and patterns that match nothing, and for types
// that the opset does not have.
QuantizationPlan make_plan(const Graph& graph, const CalibrationProfile& profile,
                           const PlanConfig& config, const Target& target,
                           RangeMemo* memo = nullptr);

}  // namespace q8

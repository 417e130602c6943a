#include "recover/range_candidates.h"

namespace q8 {
namespace {

struct Candidate {
  const char* observer;
  double percentile;  // 0: as asked for
  double clip_weight;
};
constexpr Candidate kCandidates[kRangeCandidates] = {
    {"minmax", 0, 1},  {"mse", 0, 1},     {"percentile", 0, 1}, {"percentile", 99.999, 1},
    {"entropy", 0, 1}, {"average", 0, 1}, {"aciq", 0, 1},       {"auto", 0, 1},
    {"auto", 0, 4},    {"auto", 0, 16},   {"auto", 0, 64},
};

}  // namespace

std::vector<PlanConfig> range_candidates(const PlanConfig& asked) {
  std::vector<PlanConfig> configs;
  for (const Candidate& candidate : kCandidates) {
    PlanConfig& config = configs.emplace_back(asked);
    config.observer = candidate.observer;
    if (candidate.percentile > 0) config.percentile = candidate.percentile;
    config.clip_weight = candidate.clip_weight;
  }
  return configs;
}

std::string observer_text(const PlanConfig& config) {
  return observer_text(config.observer, config.percentile, config.clip_weight);
}

}  // namespace q8

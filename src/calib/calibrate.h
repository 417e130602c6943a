#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/isa.h"
#include "base/progress.h"
#include "calib/profile.h"
#include "data/dataset.h"
#include "graph/graph.h"

namespace q8 {

struct CalibrateOptions {
  std::string q8_version = {};  // written into the profile
  CalibrationSettings settings = {};
  std::string mask = {};  // the input that marks padding, which is left out; empty: none
  // Indices into the data, ascending, of those to choose from; empty: settings choose of all.
  std::vector<std::int64_t> samples = {};
  std::optional<Shard> shard = {};
  std::vector<std::string> values = {};  // to observe; empty: all
  int threads = 0;                       // 0: one per core
  Isa isa = best_isa();
  Progress progress = {};
  std::stop_token stop = {};
  bool measure_cost = false;  // runs every sample a second time, without statistics
  // An interrupted profile of the same model, data and settings: its samples are not run again.
  std::optional<CalibrationProfile> resume = {};
};

// What observing costs: medians over samples, in wall time, of the same runs with and without.
struct CalibrationCost {
  double forward_ms = 0;   // the model alone, fused as q8 would for inference
  double observed_ms = 0;  // with every observed value made, shown and counted
  double ratio() const { return forward_ms > 0 ? observed_ms / forward_ms : 0; }
};

struct Calibration {
  CalibrationProfile profile;                // profile.complete is false where it was stopped
  std::vector<std::string> warnings;         // whole sentences
  std::optional<CalibrationCost> cost = {};  // where it was asked for and a sample was run
};

// Runs the canonical graph over the chosen samples, once, and fills the statistics of every float
// value that is computed (graph inputs included, constants not). A value that only a Relu, or a
// Clip from 0, reads is left out unless settings.clamped_values: the range is taken behind it. The
// same profile for every thread count, ISA, order and sharding; memory does not depend on the
// number of samples but for their names and hashes. With a mask, padded positions are left
// out (exec/token_mask.h). Throws bad_input where a value is NaN, +inf or
// (outside of attention masks) −inf, naming tensor, node and sample, and where `resume` does not
// belong to this run. Weights that nobody else holds stand in memory once.
Calibration calibrate(Graph canonical, const ModelReference& model, const Dataset& data,
                      const DataSource& source, const CalibrateOptions& options);

// What a finished profile itself gives reason to warn of: few samples, a small part of the data,
// tensors that never change though they are made of what the model is fed.
std::vector<std::string> profile_warnings(const CalibrationProfile& profile, const Graph& graph);

}  // namespace q8

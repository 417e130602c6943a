#pragma once

#include <cstdint>
#include <vector>

#include "recover/recover.h"
#include "recover/weighted_layer.h"

namespace q8 {

// What the inputs of a layer look like over the fitting samples, as integers q − z (their scale is
// the layer's input scale). Taken from the FP32 graph at rows spread evenly over each sample. The
// sums are exact, so they do not depend on ISA or threads.
struct InputStatistics {
  std::int64_t rows = 0;
  // [groups, depth, depth]: Σ over rows of (q_i − z)(q_j − z); empty unless asked for.
  std::vector<std::int32_t> gram;
  std::vector<std::int64_t> sums;  // [groups · depth]: Σ (q − z)
  std::vector<double> real_sums;   // [groups · depth]: Σ x in FP32, before it is quantized

  // The mean of (q − z) and of x at column `k` of `group`; 0 where no row was seen.
  double mean(std::int64_t column) const { return average(static_cast<double>(sums[at(column)])); }
  double real_mean(std::int64_t column) const { return average(real_sums[at(column)]); }

 private:
  static std::size_t at(std::int64_t column) { return static_cast<std::size_t>(column); }
  double average(double sum) const { return rows > 0 ? sum / static_cast<double>(rows) : 0; }
};

struct StatisticsRequest {
  bool gram = false;
  std::string_view what;  // for the progress
};

// By layer. Time and memory are bounded: rows are few thousand a layer.
std::vector<InputStatistics> collect_input_statistics(const Graph& graph,
                                                      std::span<const WeightedLayer> layers,
                                                      const RecoveryContext& context,
                                                      const StatisticsRequest& request);

}  // namespace q8

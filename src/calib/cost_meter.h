#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "calib/calibrate.h"
#include "exec/session.h"

namespace q8 {

// Times runs with statistics against runs without, in turns, so that what else the machine does
// meets both.
class CostMeter {
 public:
  CostMeter(const Graph& graph, const CalibrateOptions& options);

  // Runs `observed` and the model alone on the same inputs; which comes first changes from sample
  // to sample, for the second finds the input in the cache.
  template <typename Observed>
  void time(const std::vector<Tensor>& inputs, Observed&& observed) {
    const bool alone_first = forward_ms_.size() % 2 == 0;
    if (alone_first) time_forward(inputs);
    const Clock::time_point begin = Clock::now();
    observed();
    observed_ms_.push_back(milliseconds_since(begin));
    if (!alone_first) time_forward(inputs);
  }

  // Medians, the first samples (cold caches and pools) left out where there are more.
  std::optional<CalibrationCost> cost() const;

 private:
  using Clock = std::chrono::steady_clock;
  static double milliseconds_since(Clock::time_point begin);
  void time_forward(const std::vector<Tensor>& inputs);

  Session forward_;
  std::vector<double> forward_ms_, observed_ms_;
};

}  // namespace q8

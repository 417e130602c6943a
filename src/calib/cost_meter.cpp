#include "calib/cost_meter.h"

#include <algorithm>

namespace q8 {
namespace {

constexpr std::size_t kWarmup = 4;

double median_of(std::vector<double> times) {
  if (times.size() > 2 * kWarmup) times.erase(times.begin(), times.begin() + kWarmup);
  std::sort(times.begin(), times.end());
  const std::size_t half = times.size() / 2;
  return times.size() % 2 == 1 ? times[half] : 0.5 * (times[half - 1] + times[half]);
}

}  // namespace

CostMeter::CostMeter(const Graph& graph, const CalibrateOptions& options)
    : forward_(graph, {.threads = options.threads, .isa = options.isa, .keep = {}}) {}

double CostMeter::milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

void CostMeter::time_forward(const std::vector<Tensor>& inputs) {
  const Clock::time_point begin = Clock::now();
  forward_.run(inputs);
  forward_ms_.push_back(milliseconds_since(begin));
}

std::optional<CalibrationCost> CostMeter::cost() const {
  if (observed_ms_.empty()) return {};
  return CalibrationCost{.forward_ms = median_of(forward_ms_),
                         .observed_ms = median_of(observed_ms_)};
}

}  // namespace q8

#pragma once

#include <string>
#include <vector>

#include "calib/observers/observers.h"
#include "calib/profile.h"
#include "graph/graph.h"
#include "plan/make_plan.h"
#include "plan/range_memo.h"

namespace q8 {

// The range of every observed value, and whether it can be quantized with it.
class Ranges {
 public:
  // Throws usage_error for unknown types. Patterns that match no value do nothing: they may mean
  // those of another graph of the model.
  Ranges(const Graph& graph, const CalibrationProfile& profile, const PlanConfig& config,
         const Target& target, RangeMemo* memo);

  const TensorStatistics* statistics(ValueId id) const { return values_[index(id)].statistics; }
  // Empty where the value has a usable range.
  const std::string& float_reason(ValueId id) const { return values_[index(id)].float_reason; }
  const Range& range(ValueId id) const { return values_[index(id)].range; }
  const ObserverSettings& settings(ValueId id) const { return values_[index(id)].settings; }
  // Whether the target's kernels take no other range for it.
  bool is_fixed(ValueId id) const { return values_[index(id)].is_fixed; }
  double elements_per_sample(ValueId id) const;
  QuantParams params(ValueId id, const Range& range, DType dtype) const;

 private:
  struct Entry {
    const TensorStatistics* statistics = nullptr;
    std::string float_reason;
    Range range;
    ObserverSettings settings;
    bool is_observer_asked_for = false;  // by name, in observer_for
    bool is_fixed = false;
  };
  static std::size_t index(ValueId id) { return static_cast<std::size_t>(id); }
  void observe_value(ValueId id, const Graph& graph, const Target& target, const Uses& uses,
                     RangeMemo* memo);

  std::vector<Entry> values_;
  double samples_ = 1;
};

}  // namespace q8

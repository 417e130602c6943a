#include "plan/range_memo.h"

namespace q8 {

JudgedRange observe_and_judge(const TensorStatistics& statistics,
                              const ObserverSettings& settings) {
  const Range range = observe(statistics, settings);
  return {range, judge_range(statistics, range, settings)};
}

JudgedRange RangeMemo::observe(const TensorStatistics& statistics,
                               const ObserverSettings& settings) {
  const Key key(&statistics, settings.name, settings.percentile, settings.clip_weight,
                settings.dtype, settings.symmetric, settings.keep_tails);
  {
    const std::lock_guard lock(mutex_);
    const auto it = known_.find(key);
    if (it != known_.end()) return it->second;
  }
  const JudgedRange judged = observe_and_judge(statistics, settings);
  const std::lock_guard lock(mutex_);
  return known_.emplace(key, judged).first->second;
}

}  // namespace q8

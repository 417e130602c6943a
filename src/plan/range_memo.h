#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "calib/observers/observers.h"
#include "calib/profile.h"

namespace q8 {

struct JudgedRange {
  Range range;
  RangeVerdict verdict;
};
JudgedRange observe_and_judge(const TensorStatistics& statistics, const ObserverSettings& settings);

// Remembers what observers made of the tensors of one profile, which must outlive it. Any thread
// may ask.
class RangeMemo {
 public:
  JudgedRange observe(const TensorStatistics& statistics, const ObserverSettings& settings);
  // Takes over what `other`, of the profile `its`, knows of tensors that are the same in `mine`,
  // the profile of this one.
  void learn(const RangeMemo& other, const CalibrationProfile& its, const CalibrationProfile& mine);

 private:
  using Key = std::tuple<const TensorStatistics*, std::string, double, double, DType, bool, bool>;
  // What `known` has for the settings, or what find(settings) gives, kept from then on.
  template <typename Known, typename Find>
  auto remembered(Known& known, const TensorStatistics& statistics, const ObserverSettings& asked,
                  Find&& find);
  Range range_of(const TensorStatistics& statistics, const ObserverSettings& settings);

  mutable std::mutex mutex_;
  std::map<Key, Range> ranges_;
  std::map<Key, JudgedRange> judged_;
};

}  // namespace q8

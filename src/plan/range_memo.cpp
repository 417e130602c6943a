#include "plan/range_memo.h"

#include <tuple>
#include <utility>
#include <vector>

namespace q8 {
namespace {

constexpr std::string_view kAuto = "auto";

// The settings that make a difference to the observer.
ObserverSettings relevant(ObserverSettings settings) {
  const ObserverSettings usual;
  if (settings.name != "percentile" && settings.name != kAuto)
    settings.percentile = usual.percentile;
  if (settings.name != kAuto) {
    settings.clip_weight = usual.clip_weight;
    settings.keep_tails = usual.keep_tails;
  }
  return settings;
}

}  // namespace

JudgedRange observe_and_judge(const TensorStatistics& statistics,
                              const ObserverSettings& settings) {
  const Range range = observe(statistics, settings);
  return {range, judge_range(statistics, range, settings)};
}

template <typename Known, typename Find>
auto RangeMemo::remembered(Known& known, const TensorStatistics& statistics,
                           const ObserverSettings& asked, Find&& find) {
  const ObserverSettings settings = relevant(asked);
  const Key key(&statistics, settings.name, settings.percentile, settings.clip_weight,
                settings.dtype, settings.symmetric, settings.keep_tails);
  {
    const std::lock_guard lock(mutex_);
    const auto it = known.find(key);
    if (it != known.end()) return it->second;
  }
  const auto found = find(settings);
  const std::lock_guard lock(mutex_);
  return known.emplace(key, found).first->second;
}

// Several kinds of "auto" share what the other observers gave.
Range RangeMemo::range_of(const TensorStatistics& statistics, const ObserverSettings& asked) {
  return remembered(ranges_, statistics, asked, [&](const ObserverSettings& settings) {
    if (settings.name != kAuto) return q8::observe(statistics, settings);
    check(settings);
    std::vector<Range> offers;
    for (const std::string_view name : offering_observers()) {
      ObserverSettings other = settings;
      other.name = name;
      offers.push_back(range_of(statistics, other));
    }
    return least_expected_error(statistics, settings, offers);
  });
}

void RangeMemo::learn(const RangeMemo& other, const CalibrationProfile& its,
                      const CalibrationProfile& mine) {
  std::map<const TensorStatistics*, const TensorStatistics*> same;  // of `its`: in `mine`
  for (const TensorStatistics& tensor : its.tensors)
    if (const TensorStatistics* here = mine.find(tensor.name); here != nullptr && *here == tensor)
      same.emplace(&tensor, here);
  const std::scoped_lock lock(mutex_, other.mutex_);
  const auto take = [&](const auto& from, auto& to) {
    for (const auto& [key, known] : from) {
      const auto here = same.find(std::get<0>(key));
      if (here == same.end()) continue;
      Key moved = key;
      std::get<0>(moved) = here->second;
      to.emplace(std::move(moved), known);
    }
  };
  take(other.ranges_, ranges_);
  take(other.judged_, judged_);
}

JudgedRange RangeMemo::observe(const TensorStatistics& statistics, const ObserverSettings& asked) {
  return remembered(judged_, statistics, asked, [&](const ObserverSettings& settings) {
    const Range range = range_of(statistics, settings);
    return JudgedRange{range, judge_range(statistics, range, settings)};
  });
}

}  // namespace q8

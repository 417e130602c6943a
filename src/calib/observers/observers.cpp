#include "calib/observers/observers.h"

#include <algorithm>

#include "base/error.h"
#include "calib/observers/rows.h"

namespace q8 {

std::span<const ObserverRow> observers() {
  static constexpr ObserverRow kRows[] = {
      {"auto",
       "least expected error, tensor by tensor; quantize tries it and the others on samples",
       observe_auto},
      {"minmax", "from the smallest to the largest value", observe_minmax},
      {"percentile", "leaves out the largest (100 - P) percent of the values", observe_percentile},
      {"entropy", "the threshold that keeps the distribution closest (Kullback-Leibler)",
       observe_entropy},
      {"mse", "the threshold of least squared error, rounding and clipping together", observe_mse},
      {"average", "the mean over samples of each sample's smallest and largest value",
       observe_average},
      {"aciq", "the best threshold if values were normal or Laplace distributed", observe_aciq},
  };
  return kRows;
}

const ObserverRow& find_observer(std::string_view name) {
  const auto rows = observers();
  const auto row =
      std::find_if(rows.begin(), rows.end(), [&](const ObserverRow& r) { return r.name == name; });
  if (row != rows.end()) return *row;
  std::string known;
  for (const ObserverRow& r : rows) known += (known.empty() ? "" : ", ") + std::string(r.name);
  throw usage_error("there is no observer '" + std::string(name) + "'; there are " + known);
}

void check(const ObserverSettings& settings) {
  if (!(settings.percentile > 50 && settings.percentile <= 100))
    throw usage_error("the percentile must be over 50 and at most 100, not " +
                      std::to_string(settings.percentile));
  if (!(settings.clip_weight > 0 && settings.clip_weight <= 1e6))
    throw usage_error("the weight of clipping must be over 0 and at most 1000000, not " +
                      std::to_string(settings.clip_weight));
}

Range observe(const TensorStatistics& statistics, const ObserverSettings& settings) {
  check(settings);
  return find_observer(settings.name).observe(statistics, settings);
}

}  // namespace q8

#include "calib/observers/density.h"
#include "calib/observers/rows.h"

namespace q8 {

Range observe_minmax(const TensorStatistics& statistics, const ObserverSettings& settings) {
  return full_range(statistics, settings);
}

}  // namespace q8

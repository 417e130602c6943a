#pragma once

#include <string>
#include <utility>
#include <vector>

#include "calib/profile.h"

namespace q8 {

// Grows a profile sample by sample. What it gives does not depend on their order.
class ProfileBuilder {
 public:
  // `start` may hold samples already (an interrupted run); its tensors are those to be filled.
  explicit ProfileBuilder(CalibrationProfile start);

  TensorStatistics& tensor(std::size_t index) { return profile_.tensors[index]; }
  // The sample that was just added to every tensor, with its own extrema of each.
  void end_sample(CalibrationSample sample, const std::vector<Extrema>& extrema);
  const CalibrationProfile& profile() const { return profile_; }

  // Sorted and trimmed as it is saved.
  CalibrationProfile finish(bool complete) &&;

 private:
  CalibrationProfile profile_;
  std::vector<std::pair<std::string, std::string>> kept_;  // sha256 and name, ascending
};

}  // namespace q8

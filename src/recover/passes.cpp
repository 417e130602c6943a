#include <algorithm>

#include "base/error.h"
#include "recover/bias_correction.h"
#include "recover/placement.h"
#include "recover/recover.h"
#include "recover/rounding.h"
#include "recover/scaling.h"

namespace q8 {
namespace {

constexpr RecoveryPass kPasses[] = {
    {"equalization",
     "divide channels by factors that layers take back: less is lost at a common scale", true, 0.3,
     false, equalize_channels, true},
    {"smoothing", "the same by a product before the layers, where that is worth its time", true,
     0.3, false, smooth_channels, true},
    {"placement",
     "compute in float what costs much accuracy in integers, as far as the budget goes", true, 0.3,
     false, keep_in_float},
    {"rounding", "round each weight up or down so that the layer's output error is least", true, 0,
     true, round_by_output_error},
    {"bias-correction", "take the mean error of each output channel out of the biases", true, 0,
     false, correct_biases},
};

}  // namespace

std::span<const RecoveryPass> recovery_passes() {
  return kPasses;
}

std::vector<RecoveryPass> find_recovery_passes(std::span<const std::string> names) {
  std::vector<RecoveryPass> found;
  for (const RecoveryPass& pass : kPasses)
    if (names.empty() ? pass.by_default : std::ranges::find(names, pass.name) != names.end())
      found.push_back(pass);
  for (const std::string& name : names)
    if (std::ranges::find(kPasses, name, &RecoveryPass::name) == std::end(kPasses)) {
      std::string known;
      for (const RecoveryPass& pass : kPasses) known += ", " + std::string(pass.name);
      throw usage_error("there is no recovery pass '" + name + "'; known are" + known.substr(1) +
                        ", and none alone");
    }
  return found;
}

}  // namespace q8

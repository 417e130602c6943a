#pragma once

#include <span>
#include <string>
#include <vector>

#include "q8/validate.h"

namespace q8 {

// Whether hardware of one kind gives q8's results, as far as the samples tell.
struct OverflowVerdict {
  std::string hardware;
  bool safe = false;
  std::string reason;
};
std::vector<OverflowVerdict> overflow_verdicts(std::span<const LayerOverflowResult> layers);

// Layers by their share of saturated pairs, then by their largest sum, the worst first; as they run
// where they are alike.
std::vector<LayerOverflowResult> worst_first(std::vector<LayerOverflowResult> layers);

std::string saturated_share(const LayerOverflowResult& layer);  // "0.0012 %"; "0" for none at all
std::string s32_share(const LayerOverflowResult& layer);        // "0.031 %": of the largest sum

}  // namespace q8

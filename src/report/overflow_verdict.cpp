#include "report/overflow_verdict.h"

#include <algorithm>
#include <tuple>

#include "report/figures.h"

namespace q8 {
namespace {

double share(const LayerOverflowResult& layer) {
  return layer.pairs == 0 ? 0
                          : static_cast<double>(layer.saturated) / static_cast<double>(layer.pairs);
}

std::string of_layers(std::int64_t count, std::size_t all) {
  return std::to_string(count) + " of " + std::to_string(all) + " layers";
}

}  // namespace

std::vector<OverflowVerdict> overflow_verdicts(std::span<const LayerOverflowResult> layers) {
  const std::size_t all = layers.size();
  const auto saturating =
      std::ranges::count_if(layers, [](const auto& layer) { return layer.saturated > 0; });
  const auto wrapping = std::ranges::count_if(layers, &LayerOverflowResult::wraps_around);
  const std::string wrap = of_layers(wrapping, all) + " pass 2³¹";
  OverflowVerdict wide{.hardware = "32-bit dot products (VNNI, AMX, ARM)",
                       .safe = wrapping == 0,
                       .reason = wrapping == 0 ? "no sum passes 2³¹" : wrap};
  OverflowVerdict narrow{.hardware = "x86 without VNNI (vpmaddubsw)",
                         .safe = wrapping == 0 && saturating == 0,
                         .reason = "no pair of products saturates"};
  if (saturating > 0)
    narrow.reason =
        of_layers(saturating, all) + " saturate; quantize with --target onnxruntime-x86-avx2";
  else if (wrapping > 0)
    narrow.reason = wrap;
  return {wide, narrow};
}

std::vector<LayerOverflowResult> worst_first(std::vector<LayerOverflowResult> layers) {
  std::ranges::stable_sort(layers, {}, [](const LayerOverflowResult& layer) {
    return std::tuple(-share(layer), -layer.largest_sum);
  });
  return layers;
}

std::string saturated_share(const LayerOverflowResult& layer) {
  return layer.saturated == 0 ? "0" : small_number(100 * share(layer)) + " %";
}

std::string s32_share(const LayerOverflowResult& layer) {
  return small_number(100 * layer.share_of_s32()) + " %";
}

}  // namespace q8

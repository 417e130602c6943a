#include <algorithm>

#include "calib/calibrate.h"
#include "graph/bodies.h"

namespace q8 {
namespace {

// What the field advises: at least so many samples, and so large a share of the data there is.
constexpr std::int64_t kFewSamples = 100;
constexpr double kSmallShare = 0.01;
constexpr std::size_t kNamesShown = 5;

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  if (names.size() > kNamesShown)
    text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

// By value: whether it depends on what inputs hold. Tables of positions and the like depend on
// constants and shapes alone, and stay as they are whatever is fed.
std::vector<bool> depends_on_samples(const Graph& graph) {
  std::vector<bool> depends(static_cast<std::size_t>(graph.value_count()));
  for (const ValueId id : graph.inputs()) depends[static_cast<std::size_t>(id)] = true;
  for (const Node& node : graph.nodes()) {
    const auto is_fed = [&](ValueId id) {
      return id != kNoValue && depends[static_cast<std::size_t>(id)];
    };
    bool reads = std::ranges::any_of(node.inputs, is_fed) && !node.is("Shape") && !node.is("Size");
    for_each_body(node, [&](const Graph& body) {
      for (const Capture& capture : body.captures()) reads = reads || is_fed(capture.outer);
    });
    if (!reads) continue;
    for (const ValueId id : node.outputs)
      if (id != kNoValue) depends[static_cast<std::size_t>(id)] = true;
  }
  return depends;
}

}  // namespace

std::vector<std::string> profile_warnings(const CalibrationProfile& profile, const Graph& graph) {
  std::vector<std::string> warnings;
  const std::int64_t samples = std::ssize(profile.samples);
  if (samples < kFewSamples)
    warnings.push_back("calibration saw only " + std::to_string(samples) +
                       " samples; take at least " + std::to_string(kFewSamples) + ".");
  std::int64_t available = 0;
  for (const DataSource& source : profile.sources) available += source.size;
  if (static_cast<double>(samples) < kSmallShare * static_cast<double>(available))
    warnings.push_back("calibration saw " + std::to_string(samples) + " of " +
                       std::to_string(available) + " samples: less than 1 % of the data.");
  const std::vector<bool> depends = depends_on_samples(graph);
  std::vector<std::string> constant;
  for (const TensorStatistics& tensor : profile.tensors) {
    const ValueId id = graph.find_value(tensor.name);
    if (id == kNoValue || !depends[static_cast<std::size_t>(id)]) continue;
    if (tensor.count > 1 && samples > 1 && tensor.extrema.minimum == tensor.extrema.maximum)
      constant.push_back(tensor.name);
  }
  if (!constant.empty())
    warnings.push_back(
        std::to_string(constant.size()) +
        (constant.size() == 1 ? " activation never changes: " : " activations never change: ") +
        listed(constant) + ".");
  return warnings;
}

}  // namespace q8

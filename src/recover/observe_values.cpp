#include "recover/observe_values.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "calib/collector.h"
#include "calib/value_block.h"
#include "exec/session.h"
#include "exec/token_mask.h"

namespace q8 {

CalibrationProfile observe_values(const Graph& graph, const std::vector<std::string>& names,
                                  std::size_t times, const RecoveryContext& context) {
  CalibrationProfile profile;
  struct Place {
    std::size_t tensor;
    ObservedValue::Channels channels;
  };
  std::map<ValueId, Place> places;
  SessionOptions options = context.machine;
  options.keep.clear();
  for (const ObservedValue& value : find_observed_values(graph, true)) {
    const std::string& name = graph.value(value.id).name;
    if (std::ranges::find(names, name) == names.end()) continue;
    places[value.id] = {profile.tensors.size(), value.channels};
    profile.tensors.emplace_back().name = name;
    options.keep.push_back(value.id);
  }
  const Session session(graph, options);
  StatisticsCollector collector(session.threads(), context.machine.isa);
  TokenMask mask(graph, context.mask);
  for (const SampleInputs& sample : context.fit) {
    if (context.stop.stop_requested()) throw interrupted();
    mask.begin_sample(session, sample);
    session.run(sample, [&](const Produced& made) {
      const auto place = places.find(made.value);
      if (place == places.end() || !is_floating(made.tensor.dtype())) return;
      for (const Tensor& part : mask.unmasked(made.value, cast(made.tensor, DType::kF32)))
        collector.add(block_of(part, made.axes, place->second.channels),
                      profile.tensors[place->second.tensor]);
    });
  }
  for (TensorStatistics& tensor : profile.tensors) {
    tensor.histogram.trim();
    const TensorStatistics once = tensor;
    for (std::size_t i = 1; i < times; ++i) tensor.merge(once);
  }
  return profile;
}

}  // namespace q8

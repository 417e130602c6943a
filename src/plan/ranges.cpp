#include "plan/ranges.h"

#include <algorithm>
#include <optional>

#include "base/threads.h"
#include "plan/coverage.h"
#include "plan/overrides.h"
#include "plan/patterns.h"

namespace q8 {
namespace {

// Readers that live on the largest values: clipping them changes the result's order.
bool keeps_tails(const Graph& graph, const Uses& uses, ValueId id) {
  if (graph.is_output(id)) return true;
  const auto& readers = uses.consumers(id);
  return std::any_of(readers.begin(), readers.end(), [&](NodeId reader) {
    const Node& node = graph.node(reader);
    return node.is("Softmax") || node.is("LayerNormalization") ||
           (node.is("MatMul") && weight_input(graph, node) < 0);
  });
}

// What a bounded function can give, for targets whose kernels take nothing else.
const Range* bounded_range(const Node& node) {
  // Scales of 1/256 and 1/128, as the targets that fix them do: the largest integer is one step
  // below 1.
  static constexpr Range kUnit{0, 255.0 / 256}, kSigned{-1, 127.0 / 128};
  if (node.is("Softmax") || node.is("Sigmoid")) return &kUnit;
  return node.is("Tanh") ? &kSigned : nullptr;
}

// 16 bits have room for values that calibration did not see: twice what it saw costs one of them.
// Not behind a Clip, whose bounds the range may have to keep.
Range range_of_16_bits(const TensorStatistics& seen, const Node* producer) {
  constexpr double kRoom = 2;
  const Range range = seen.extrema.range();
  return producer != nullptr && producer->is("Clip") ? range
                                                     : Range{range.low * kRoom, range.high * kRoom};
}

// Applies the last override whose pattern matches, for every value.
template <typename Override, typename Apply>
void apply_overrides(const std::vector<Override>& overrides, std::span<const std::string> names,
                     Apply&& apply) {
  for (const Override& row : overrides)
    for (std::size_t i = 0; i < names.size(); ++i)
      if (matches_pattern(row.pattern, names[i])) apply(i, row);
}

}  // namespace

Ranges::Ranges(const Graph& graph, const CalibrationProfile& profile, const PlanConfig& config,
               const Target& target, RangeMemo* memo)
    : values_(graph.values().size()),
      samples_(std::max(1.0, static_cast<double>(profile.samples.size()))) {
  std::vector<std::string> names;
  for (const Value& value : graph.values()) names.push_back(value.name);
  for (Entry& entry : values_)
    entry.settings = {.name = config.observer,
                      .percentile = config.percentile,
                      .clip_weight = config.clip_weight,
                      .dtype = target.activation_dtype,
                      .symmetric = target.symmetric_activations};
  const auto take = [&](std::size_t i, const ObserverFor& row) {
    values_[i].settings.name = row.observer;
    values_[i].settings.percentile = row.percentile;
    values_[i].settings.clip_weight = row.clip_weight;
  };
  for (const ObserverFor& row : config.observer_of) {
    const ValueId id = graph.find_value(row.pattern);
    if (id != kNoValue) take(index(id), row);
  }
  apply_overrides(config.observer_for, names, [&](std::size_t i, const ObserverFor& row) {
    take(i, row);
    values_[i].is_observer_asked_for = true;
  });
  apply_overrides(config.type_for, names, [&](std::size_t i, const TypeFor& row) {
    if (row.type == "float")
      values_[i].float_reason = "asked for by type";
    else
      values_[i].settings.dtype = activation_type(row.type);
  });
  std::map<std::string_view, const TensorStatistics*> observed;
  for (const TensorStatistics& tensor : profile.tensors) observed[tensor.name] = &tensor;
  const Uses uses(graph);
  // Each tensor on its own: observers take milliseconds.
  Threads threads;
  threads.parallel_for(graph.value_count(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto id = static_cast<ValueId>(begin); id < end; ++id) {
      const auto it = observed.find(graph.value(id).name);
      if (it != observed.end()) values_[index(id)].statistics = it->second;
      observe_value(id, graph, target, uses, memo);
    }
  });
}

void Ranges::observe_value(ValueId id, const Graph& graph, const Target& target, const Uses& uses,
                           RangeMemo* memo) {
  Entry& entry = values_[index(id)];
  if (!entry.float_reason.empty()) return;
  if (entry.statistics == nullptr) {
    entry.float_reason = "calibration did not observe it";
    return;
  }
  entry.settings.keep_tails = keeps_tails(graph, uses, id);
  const NodeId producer = uses.producer(id);
  const Range* bounded = producer == kNoNode ? nullptr : bounded_range(graph.node(producer));
  const auto observed = [&] {
    if (memo != nullptr) return memo->observe(*entry.statistics, entry.settings);
    return observe_and_judge(*entry.statistics, entry.settings);
  };
  std::optional<Range> fixed;
  entry.is_fixed = bounded != nullptr && target.fixed_bounded_ranges;
  if (entry.is_fixed)
    fixed = *bounded;
  else if (dtype_size(entry.settings.dtype) == 2 && !entry.is_observer_asked_for)
    fixed =
        range_of_16_bits(*entry.statistics, producer == kNoNode ? nullptr : &graph.node(producer));
  const JudgedRange judged =
      fixed ? JudgedRange{*fixed, judge_range(*entry.statistics, *fixed, entry.settings)}
            : observed();
  entry.range = judged.range;
  if (!judged.verdict.usable) entry.float_reason = judged.verdict.reason;
}

double Ranges::elements_per_sample(ValueId id) const {
  const TensorStatistics* seen = statistics(id);
  return seen == nullptr ? 0 : static_cast<double>(seen->count) / samples_;
}

QuantParams Ranges::params(ValueId id, const Range& range, DType dtype) const {
  ObserverSettings as = settings(id);
  as.dtype = dtype;
  const ScaleZeroPoint p = quant_params_of(range, as);
  return {.dtype = dtype, .axis = -1, .scale = {p.scale}, .zero_point = {p.zero_point}};
}

}  // namespace q8

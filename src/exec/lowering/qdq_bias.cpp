#include "exec/lowering/qdq_bias.h"

#include <algorithm>
#include <cmath>

#include "base/rounding.h"

namespace q8 {
namespace {

// One value for all, or one a column as [n] or [1, n].
bool is_per_column(const Tensor& bias, std::int64_t columns) {
  if (bias.size() == 1) return true;
  return bias.size() == columns && bias.shape().back() == columns;
}

float at(const std::vector<float>& values, std::size_t c) {
  return values[values.size() == 1 ? 0 : c];
}

// A bias behind a DequantizeLinear.
struct StoredBias {
  const Tensor* integers;
  std::vector<float> scale;
};

std::optional<StoredBias> stored_bias(const Graph& graph, const QuantizedInput& input,
                                      std::int64_t columns) {
  const Tensor* integers = graph.constant(input.integers);
  if (integers == nullptr || integers->dtype() != DType::kS32) return std::nullopt;
  if (!is_per_column(*integers, columns)) return std::nullopt;
  const auto zeros = graph.constant(input.zero_point)->to_int64s();
  if (std::any_of(zeros.begin(), zeros.end(), [](std::int64_t z) { return z != 0; }))
    return std::nullopt;
  auto scale = graph.constant(input.scale)->to_floats();
  const auto size = static_cast<std::size_t>(integers->size());
  const bool is_along_bias = input.axis == 0 || input.axis == -1;
  if (scale.size() != 1 && (scale.size() != size || integers->rank() != 1 || !is_along_bias))
    return std::nullopt;
  return StoredBias{integers, std::move(scale)};
}

// The real values of a bias in either form.
std::optional<std::vector<float>> real_bias(const Graph& graph, const QdqGroup& group,
                                            std::size_t i, std::int64_t columns) {
  if (!group.inputs[i]) {
    const Tensor* bias = graph.constant(graph.node(group.node).input(i));
    if (bias == nullptr || bias->dtype() != DType::kF32 || !is_per_column(*bias, columns))
      return std::nullopt;
    return bias->to_floats();
  }
  const auto stored = stored_bias(graph, *group.inputs[i], columns);
  if (!stored) return std::nullopt;
  std::vector<float> values;
  for (const std::int32_t q : stored->integers->values<std::int32_t>())
    values.push_back(static_cast<float>(q) * at(stored->scale, values.size()));
  return values;
}

}  // namespace

std::optional<ValueId> integer_bias(Graph& graph, const QdqGroup& group, std::size_t i,
                                    std::int64_t columns) {
  if (graph.node(group.node).input(i) == kNoValue) return kNoValue;
  const double x_scale = graph.constant(group.inputs[0]->scale)->to_floats().at(0);
  const auto w_scale = graph.constant(group.inputs[1]->scale)->to_floats();
  const auto scale_at = [&](std::size_t c) { return x_scale * at(w_scale, c); };
  if (group.inputs[i]) {
    // Whoever wrote the scale rounded the product to FP32, in whatever order: a few units in the
    // last place.
    constexpr double kSameScale = 1e-6;
    const auto stored = stored_bias(graph, *group.inputs[i], columns);
    if (!stored) return std::nullopt;
    bool same = stored->integers->size() == columns;
    for (std::size_t c = 0; same && c < static_cast<std::size_t>(columns); ++c)
      same = std::abs(at(stored->scale, c) - scale_at(c)) <= kSameScale * scale_at(c);
    if (same && stored->integers->rank() == 1) return group.inputs[i]->integers;
    if (same) return graph.add_constant("q8_bias", stored->integers->reshaped(Shape{columns}));
  }
  const auto values = real_bias(graph, group, i, columns);
  if (!values) return std::nullopt;
  Tensor rounded(DType::kS32, Shape{columns});
  for (std::size_t c = 0; c < static_cast<std::size_t>(columns); ++c) {
    const double q = round_half_even(at(*values, c) / scale_at(c));
    if (!(std::abs(q) <= 2147483647.0)) return std::nullopt;
    rounded.mutable_data<std::int32_t>()[c] = static_cast<std::int32_t>(q);
  }
  return graph.add_constant("q8_bias", std::move(rounded));
}

std::optional<ValueId> float_bias(Graph& graph, const QdqGroup& group, std::size_t i,
                                  std::int64_t columns) {
  if (graph.node(group.node).input(i) == kNoValue) return kNoValue;
  const auto values = real_bias(graph, group, i, columns);
  if (!values) return std::nullopt;
  Tensor real(DType::kF32, Shape{columns});
  for (std::size_t c = 0; c < static_cast<std::size_t>(columns); ++c)
    real.mutable_data<float>()[c] = at(*values, c);
  return graph.add_constant("q8_bias", std::move(real));
}

}  // namespace q8

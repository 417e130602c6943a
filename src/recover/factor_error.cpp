#include "recover/factor_error.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rounding.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// Ranges that are tried, as parts of the extrema: observers clip, more so where there are outliers.
constexpr float kParts[] = {1.0f, 0.8f, 0.6f, 0.45f, 0.3f};

void raise(double& most, double x) {
  most = std::max(most, std::abs(x));
}

double weight(const WeightedLayer& layer, std::int64_t c, std::int64_t k) {
  return static_cast<double>(layer.weights->data<float>()[layer.at(c, k)]);
}

std::vector<double> mean_squares(const ColumnRows& rows) {
  std::vector<double> means(static_cast<std::size_t>(rows.columns), 0);
  for (std::int64_t i = 0; i < rows.count(); ++i) {
    const std::span<const float> row = rows.row(i);
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double x = static_cast<double>(row[j]);
      means[j] += x * x / static_cast<double>(rows.count());
    }
  }
  return means;
}

// The step of each output channel of weights that `scaled` gives.
template <typename Scaled>
std::vector<double> steps_of(const WeightedLayer& layer, const QuantParams& params,
                             Scaled&& scaled) {
  std::vector<double> steps(static_cast<std::size_t>(layer.channels), 0);
  for (std::int64_t c = 0; c < layer.channels; ++c)
    for (std::int64_t k = 0; k < layer.depth; ++k)
      raise(steps[static_cast<std::size_t>(c)], scaled(c, k));
  if (params.is_per_tensor()) std::ranges::fill(steps, *std::ranges::max_element(steps));
  for (double& step : steps) step /= quant_limits(params.dtype).max;
  return steps;
}

}  // namespace

FactorError::FactorError(const ChannelGroup& group, const FactorSource& source)
    : group_(group),
      source_(source),
      reach_(static_cast<std::size_t>(group.channels)),
      weight_reach_(reach_.size()) {
  for (const ChannelReader& reader : group.readers) add(reader);
}

bool FactorError::depends_on_factors() const {
  return std::ranges::any_of(values_, [](const ReadValue& v) { return v.grid.has_value(); });
}

double FactorError::of(const std::vector<float>& factors) const {
  double sum = 0;
  for (const ReadValue& value : values_)
    if (value.grid) sum += rounding_of(value, factors);
  for (std::size_t i = 0; i < group_.readers.size(); ++i) sum += weight_rounding(i, factors);
  for (const DividedConstant& maker : group_.makers)
    if (maker.is_weights) sum += maker_rounding(maker, factors);
  return sum;
}

std::vector<double> FactorError::maker_reach() const {
  std::vector<double> most(reach_.size(), 0);
  for (const DividedConstant& maker : group_.makers) {
    if (!maker.is_weights) continue;
    const WeightedLayer layer = *describe_layer(source_.graph, maker.node);
    for (std::int64_t c = 0; c < layer.channels; ++c)
      for (std::int64_t k = 0; k < layer.depth; ++k)
        raise(most[static_cast<std::size_t>(c)], weight(layer, c, k));
  }
  return most;
}

std::size_t FactorError::value_of(const ChannelReader& reader) {
  const ValueId id = reader.layer.input;
  for (std::size_t i = 0; i < values_.size(); ++i)
    if (values_[i].id == id) return i;
  const auto columns = static_cast<std::size_t>(reader.columns());
  ReadValue value;
  value.id = id;
  value.rows = &source_.rows.at(id);
  value.mean_square = mean_squares(*value.rows);
  value.weight_energy.assign(columns, 0);
  for (std::int64_t column = 0; column < reader.columns(); ++column)
    value.channels.push_back(group_.channel(reader, column));
  take_extrema(value);
  if (const auto* planned = source_.plan.find_activation(source_.graph.value(id).name)) {
    const QuantLimits limits = quant_limits(planned->params.dtype);
    const bool is_centred = planned->params.zero_point[0] == (limits.min + limits.max + 1) / 2;
    value.grid = Grid{.levels = static_cast<float>(limits.max - limits.min),
                      .symmetric = is_centred && planned->range.low == -planned->range.high};
  }
  values_.push_back(std::move(value));
  return values_.size() - 1;
}

void FactorError::take_extrema(ReadValue& value) {
  std::vector<Extrema> columns = value.rows->extrema;
  const TensorStatistics* seen = source_.profile.find(source_.graph.value(value.id).name);
  if (source_.with_all_samples && seen != nullptr &&
      seen->channels.state == ChannelExtrema::State::kKept &&
      seen->channels.channels.size() == columns.size())
    for (std::size_t j = 0; j < columns.size(); ++j) columns[j].include(seen->channels.channels[j]);
  for (std::size_t j = 0; j < columns.size(); ++j) {
    const bool is_empty = columns[j].empty();
    value.low.push_back(is_empty ? 0 : std::min(columns[j].minimum, 0.0f));
    value.high.push_back(is_empty ? 0 : std::max(columns[j].maximum, 0.0f));
    double& reach = reach_[static_cast<std::size_t>(value.channels[j])];
    raise(reach, static_cast<double>(value.low[j]));
    raise(reach, static_cast<double>(value.high[j]));
  }
}

void FactorError::add(const ChannelReader& reader) {
  const WeightedLayer layer = *describe_layer(source_.graph, reader.layer.node);
  read_by_.push_back(value_of(reader));
  ReadValue& value = values_[read_by_.back()];
  std::vector<double> squares(value.channels.size(), 0);  // Σ w², by column
  for (std::int64_t c = 0; c < layer.channels; ++c)
    for (std::int64_t k = 0; k < layer.depth; ++k) {
      const double w = weight(layer, c, k);
      const auto column = static_cast<std::size_t>(reader.column(c, k));
      squares[column] += w * w;
      raise(weight_reach_[static_cast<std::size_t>(value.channels[column])], w);
    }
  double energy = 0;
  for (std::size_t j = 0; j < squares.size(); ++j) energy += squares[j] * value.mean_square[j];
  energies_.push_back(energy);
  if (energy > 0)
    for (std::size_t j = 0; j < squares.size(); ++j) value.weight_energy[j] += squares[j] / energy;
}

double FactorError::rounding_of(const ReadValue& value, const std::vector<float>& factors) {
  const std::size_t columns = value.channels.size();
  std::vector<float> inverse(columns), cost(columns);
  float low = 0, high = 0;
  for (std::size_t j = 0; j < columns; ++j) {
    const float factor = factors[static_cast<std::size_t>(value.channels[j])];
    inverse[j] = 1 / factor;
    cost[j] = static_cast<float>(value.weight_energy[j]) * factor * factor;
    low = std::min(low, value.low[j] * inverse[j]);
    high = std::max(high, value.high[j] * inverse[j]);
  }
  if (value.grid->symmetric) {
    high = std::max(-low, high);
    low = -high;
  }
  double least = std::numeric_limits<double>::infinity();
  for (const float part : kParts) {
    const float step = (high - low) * part / value.grid->levels;
    if (!(step > 0)) return 0;
    const float first = round_half_even(low * part / step), last = first + value.grid->levels;
    double sum = 0;
    for (std::int64_t i = 0; i < value.rows->count(); ++i) {
      const std::span<const float> row = value.rows->row(i);
      float error = 0;
      for (std::size_t j = 0; j < columns; ++j) {
        const float scaled = row[j] * inverse[j];
        const float e = std::clamp(round_half_even(scaled / step), first, last) * step - scaled;
        error += e * e * cost[j];
      }
      sum += static_cast<double>(error);
    }
    least = std::min(least, sum / static_cast<double>(value.rows->count()));
  }
  return least;
}

const ConstantPlan* FactorError::planned_weights(NodeId node) const {
  const ConstantPlan* plan = source_.plan.find_constant(source_.graph.node(node).name, 1);
  return plan == nullptr || plan->params.is_blocked() ? nullptr : plan;
}

double FactorError::weight_rounding(std::size_t index, const std::vector<float>& factors) const {
  const ChannelReader& reader = group_.readers[index];
  const ConstantPlan* plan = planned_weights(reader.layer.node);
  if (plan == nullptr || !(energies_[index] > 0)) return 0;
  const WeightedLayer layer = *describe_layer(source_.graph, reader.layer.node);
  const ReadValue& value = values_[read_by_[index]];
  // By product of a group: the factor, and x² / factor².
  const auto products = static_cast<std::size_t>(layer.groups * layer.depth);
  std::vector<double> by(products), square(products);
  for (std::size_t p = 0; p < products; ++p) {
    const auto group = static_cast<std::int64_t>(p) / layer.depth;
    const auto column = static_cast<std::size_t>(reader.column(
        group * layer.channels_per_group(), static_cast<std::int64_t>(p) % layer.depth));
    by[p] = static_cast<double>(factors[static_cast<std::size_t>(value.channels[column])]);
    square[p] = value.mean_square[column] / (by[p] * by[p]);
  }
  const auto first = [&](std::int64_t c) {
    return static_cast<std::size_t>(c / layer.channels_per_group() * layer.depth);
  };
  const std::vector<double> steps =
      steps_of(layer, plan->params, [&](std::int64_t c, std::int64_t k) {
        return weight(layer, c, k) * by[first(c) + static_cast<std::size_t>(k)];
      });
  double sum = 0;
  for (std::int64_t c = 0; c < layer.channels; ++c) {
    const double step = steps[static_cast<std::size_t>(c)];
    if (!(step > 0)) continue;
    const std::size_t begin = first(c);
    for (std::int64_t k = 0; k < layer.depth; ++k) {
      const std::size_t p = begin + static_cast<std::size_t>(k);
      const double w = weight(layer, c, k) * by[p];
      const double error = round_half_even(w / step) * step - w;
      sum += error * error * square[p];
    }
  }
  return sum / energies_[index];
}

// Where each channel has its own step, factors change nothing of a layer before.
double FactorError::maker_rounding(const DividedConstant& maker,
                                   const std::vector<float>& factors) const {
  const ConstantPlan* plan = planned_weights(maker.node);
  if (plan == nullptr || !plan->params.is_per_tensor()) return 0;
  const WeightedLayer layer = *describe_layer(source_.graph, maker.node);
  const TensorStatistics* input = source_.profile.find(source_.graph.value(layer.input).name);
  if (input == nullptr) return 0;
  const auto factor = [&](std::int64_t c) {
    return static_cast<double>(factors[static_cast<std::size_t>(c)]);
  };
  const std::vector<double> steps =
      steps_of(layer, plan->params,
               [&](std::int64_t c, std::int64_t k) { return weight(layer, c, k) / factor(c); });
  // Of a channel: depth products with an error of step²/12.
  const double noise =
      steps[0] * steps[0] / 12 * input->mean_square() * static_cast<double>(layer.depth);
  double sum = 0;
  for (const ReadValue& value : values_)
    for (std::size_t j = 0; j < value.channels.size(); ++j) {
      const double by = factor(value.channels[j]);
      sum += value.weight_energy[j] * noise * by * by;
    }
  return sum;
}

}  // namespace q8

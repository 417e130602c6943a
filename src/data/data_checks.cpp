#include "data/data_checks.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <span>

#include "tensor/tensor.h"

namespace q8 {
namespace {

// Normalized pixels lie within a few units of 0. The limits are wide: one dark data set must pass.
constexpr double kFarMean = 3, kWideSpread = 5, kNarrowSpread = 0.02;
constexpr std::size_t kNamesShown = 3;

struct InputStatistics {
  std::int64_t count = 0;
  double sum = 0, sum_of_squares = 0;  // in the order of the samples
  double low = std::numeric_limits<double>::infinity(), high = -low;
  std::vector<std::string> not_finite, constant;  // samples
};

// Of finite values.
struct Summary {
  std::int64_t count = 0;
  double sum = 0, sum_of_squares = 0;
  float low = std::numeric_limits<float>::infinity(), high = -low;
};

// Sums go to eight lanes in turn, a fixed order that the compiler can vectorize: every sample
// passes here while the model waits.
Summary summarize(std::span<const float> values) {
  constexpr std::size_t kLanes = 8;
  double sum[kLanes] = {}, squares[kLanes] = {};
  float low[kLanes], high[kLanes];
  std::int64_t odd = 0;
  Summary s;
  std::fill_n(low, kLanes, s.low);
  std::fill_n(high, kLanes, s.high);
  const auto take = [&](std::size_t lane, float x) {
    const bool finite = x - x == 0;
    odd += finite ? 0 : 1;
    const double v = finite ? static_cast<double>(x) : 0.0;
    sum[lane] += v;
    squares[lane] += v * v;
    low[lane] = finite && x < low[lane] ? x : low[lane];
    high[lane] = finite && x > high[lane] ? x : high[lane];
  };
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) take(lane, values[i + lane]);
  for (; i < values.size(); ++i) take(0, values[i]);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    s.sum += sum[lane];
    s.sum_of_squares += squares[lane];
    s.low = std::min(s.low, low[lane]);
    s.high = std::max(s.high, high[lane]);
  }
  s.count = std::ssize(values) - odd;
  return s;
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

// "a.png, b.png, c.png and 4 more"
std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamesShown)
    text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

bool is_image_like(const InputSpec& input) {
  if (!is_floating(input.dtype) || !input.dims || input.dims->size() != 4) return false;
  const auto is_channels = [](std::int64_t dim) { return dim == 1 || dim == 3; };
  return is_channels((*input.dims)[1]) || is_channels((*input.dims)[3]);
}

}  // namespace

struct DataChecks::State {
  const Dataset& dataset;
  std::map<std::string, std::string> first_with_hash;
  std::vector<std::string> repeated;  // "b.png = a.png"
  std::set<std::int64_t> classes_seen;
  std::vector<InputStatistics> inputs;

  explicit State(const Dataset& d) : dataset(d), inputs(d.inputs().size()) {}

  void add_values(InputStatistics& s, const Sample& sample, const Tensor& tensor) {
    const Tensor floats = cast(tensor, DType::kF32);
    const Summary all = summarize(floats.values<float>());
    s.count += all.count;
    s.sum += all.sum;
    s.sum_of_squares += all.sum_of_squares;
    s.low = std::min(s.low, static_cast<double>(all.low));
    s.high = std::max(s.high, static_cast<double>(all.high));
    const bool finite = all.count == tensor.size();
    if (!finite) s.not_finite.push_back(sample.name);
    if (finite && tensor.size() > 1 && all.low == all.high) s.constant.push_back(sample.name);
  }

  void check_configuration(std::vector<std::string>& warnings) const {
    const auto& config = dataset.preprocess_config();
    if (!config || config->mean.empty()) return;
    const bool is_for_unit_range =
        std::ranges::all_of(config->mean, [](float m) { return std::abs(m) <= 1; }) &&
        std::ranges::all_of(config->std, [](float s) { return s < 1; });
    const bool is_for_bytes = std::ranges::all_of(config->mean, [](float m) { return m > 10; });
    if (!config->rescale && is_for_unit_range)
      warnings.push_back("image_mean " + number_text(config->mean[0]) + " and image_std " +
                         number_text(config->std[0]) +
                         " are made for pixels 0…1, but the preprocessing leaves them at 0…255: "
                         "is do_rescale missing?");
    if (config->rescale && *config->rescale < 0.1F && is_for_bytes)
      warnings.push_back("image_mean " + number_text(config->mean[0]) +
                         " is made for pixels 0…255, but the preprocessing rescales them first: "
                         "is do_rescale wrong?");
  }

  void check_values(const InputSpec& input, const InputStatistics& s,
                    std::vector<std::string>& warnings) const {
    const std::string name = "input '" + input.name + "': ";
    if (!s.not_finite.empty())
      warnings.push_back(name + "NaN or infinite values in " + some_of(s.not_finite) + ".");
    // State inputs of recurrent models and masks are constant by nature: only where some are not.
    if (!s.constant.empty() && s.low < s.high && is_image_like(input))
      warnings.push_back(name + std::to_string(s.constant.size()) +
                         " samples hold one value only: " + some_of(s.constant) + ".");
    if (s.count == 0) return;
    const double mean = s.sum / static_cast<double>(s.count);
    const double variance = s.sum_of_squares / static_cast<double>(s.count) - mean * mean;
    const double spread = std::sqrt(std::max(variance, 0.0));
    const auto& config = dataset.preprocess_config();
    if (config && !config->mean.empty()) {
      const bool is_unit_std = std::ranges::all_of(config->std, [](float v) { return v == 1.0F; });
      if (!is_unit_std &&
          (std::abs(mean) > kFarMean || spread > kWideSpread || spread < kNarrowSpread))
        warnings.push_back(name + "after normalization the mean is " + number_text(mean) +
                           " and the spread " + number_text(spread) +
                           "; about 0 and 1 are usual: do image_mean, image_std and "
                           "rescale_factor belong to this model?");
    } else if (is_image_like(input) && s.low >= 0 && s.high > 128 && s.high <= 255) {
      warnings.push_back(name + "values from " + number_text(s.low) + " to " + number_text(s.high) +
                         ", which look like raw pixels; right if the model was trained on 0…255, "
                         "wrong if it wants 0…1 or normalized values" +
                         (config ? " (do_rescale, do_normalize)." : "."));
    }
  }
};

DataChecks::DataChecks(const Dataset& dataset) : state_(std::make_unique<State>(dataset)) {}
DataChecks::~DataChecks() = default;

void DataChecks::add(const Sample& sample) {
  State& s = *state_;
  const auto [it, is_new] = s.first_with_hash.emplace(sample.sha256, sample.name);
  if (!is_new) s.repeated.push_back(sample.name + " = " + it->second);
  if (sample.label) s.classes_seen.insert(*sample.label);
  for (std::size_t i = 0; i < sample.inputs.size(); ++i)
    s.add_values(s.inputs.at(i), sample, sample.inputs[i]);
}

std::vector<std::string> DataChecks::warnings() const {
  const State& s = *state_;
  std::vector<std::string> warnings;
  if (!s.repeated.empty())
    warnings.push_back(std::to_string(s.repeated.size()) +
                       " samples have the same content as another: " + some_of(s.repeated) + ".");
  s.check_configuration(warnings);
  for (std::size_t i = 0; i < s.inputs.size(); ++i)
    s.check_values(s.dataset.inputs()[i], s.inputs[i], warnings);
  const auto& names = s.dataset.class_names();
  std::vector<std::string> unseen;
  for (std::size_t c = 0; c < names.size() && !s.classes_seen.empty(); ++c)
    if (!s.classes_seen.contains(static_cast<std::int64_t>(c))) unseen.push_back(names[c]);
  if (!unseen.empty())
    warnings.push_back(std::to_string(unseen.size()) + " of " + std::to_string(names.size()) +
                       " classes have no sample: " + some_of(unseen) + ".");
  return warnings;
}

}  // namespace q8

#include "validate/compare_models.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "data/sample_stream.h"
#include "exec/token_mask.h"
#include "validate/comparison.h"

namespace q8 {
namespace {

constexpr std::int64_t kTop = 5;

std::string names_of(const Graph& graph, const std::vector<ValueId>& values) {
  std::string names;
  for (const ValueId id : values) names += (names.empty() ? "" : ", ") + graph.value(id).name;
  return names;
}

void check_same_interface(const Graph& fp32, const Graph& int8) {
  const std::string inputs = names_of(fp32, fp32.inputs());
  if (const std::string other = names_of(int8, int8.inputs()); other != inputs)
    throw bad_input("the models have different inputs: FP32 " + inputs + "; INT8 " + other);
  for (std::size_t i = 0; i < fp32.inputs().size(); ++i) {
    const Value& a = fp32.value(fp32.inputs()[i]);
    const Value& b = int8.value(int8.inputs()[i]);
    if (a.type.dtype && b.type.dtype && *a.type.dtype != *b.type.dtype)
      throw bad_input("input '" + a.name + "' is " + std::string(dtype_name(*a.type.dtype)) +
                      " in the FP32 model and " + std::string(dtype_name(*b.type.dtype)) +
                      " in the INT8 model");
  }
  const std::string outputs = names_of(fp32, fp32.outputs());
  if (const std::string other = names_of(int8, int8.outputs()); other != outputs)
    throw bad_input("the models have different outputs: FP32 " + outputs + "; INT8 " + other);
  if (outputs.empty()) throw bad_input("the model has no output");
}

// Whether the tensor can be the scores of classes: all of its dimensions but one are 1.
bool is_row(const Tensor& tensor) {
  const auto dims = tensor.shape().dims();
  return tensor.size() >= 2 && std::ranges::find(dims, tensor.size()) != dims.end();
}

// Counts of one model.
struct Hits {
  std::int64_t top1 = 0, top5 = 0;

  bool add(std::int64_t rank) {
    top1 += rank == 0;
    top5 += rank < kTop;
    return rank == 0;
  }
  Accuracy of(std::int64_t samples) const {
    const auto count = static_cast<double>(samples);
    return {.top1 = static_cast<double>(top1) / count, .top5 = static_cast<double>(top5) / count};
  }
};

// What grows sample by sample.
class Tally {
 public:
  Tally(const Graph& fp32, const Dataset& dataset, std::int64_t label_offset)
      : graph_(fp32),
        dataset_(dataset),
        offset_(label_offset),
        errors_(fp32.outputs().size()),
        real_(fp32.outputs().size()) {}

  // Of each output the parts that count.
  using Outputs = std::vector<std::vector<Tensor>>;
  void add(const Sample& sample, const Outputs& fp32, const Outputs& int8) {
    for (std::size_t i = 0; i < errors_.size(); ++i)
      for (std::size_t p = 0; p < std::min(fp32[i].size(), int8[i].size()); ++p) {
        errors_[i].add(fp32[i][p], int8[i][p]);
        real_[i] = real_[i] || is_floating(fp32[i][p].dtype());
      }
    ++samples_;
    labelled_ += sample.label.has_value();
    const auto is_scores = [](const std::vector<Tensor>& parts) {
      return parts.size() == 1 && is_row(parts[0]);
    };
    has_scores_ = has_scores_ && is_scores(fp32[0]) && is_scores(int8[0]);
    if (!has_scores_) return;
    const std::vector<double> a = flat_values(fp32[0][0]), b = flat_values(int8[0][0]);
    agreed_ += argmax(a) == argmax(b);
    if (sample.label) add_labelled(sample, a, b);
  }

  Validation result() const {
    Validation validation{.samples = samples_,
                          .labelled = labelled_,
                          .has_class_scores = samples_ > 0 && has_scores_};
    if (validation.has_class_scores) add_accuracy(validation);
    // How far an index or a class is from another says nothing: they count where there is no other
    // output.
    const bool any_real = std::ranges::find(real_, true) != real_.end();
    OutputError all;
    for (std::size_t i = 0; i < errors_.size(); ++i) {
      const OutputError& error = errors_[i];
      if (real_[i] || !any_real) all.merge(error);
      validation.outputs.push_back({.name = graph_.value(graph_.outputs()[i]).name,
                                    .sqnr_db = error.sqnr_db(),
                                    .max_abs_difference = error.max_abs_difference(),
                                    .not_finite = error.not_finite(),
                                    .not_compared = error.not_compared()});
    }
    validation.sqnr_db = all.sqnr_db();
    validation.max_abs_difference = all.max_abs_difference();
    return validation;
  }

 private:
  void add_accuracy(Validation& validation) const {
    validation.agreement = static_cast<double>(agreed_) / static_cast<double>(samples_);
    if (labelled_ == 0) return;
    validation.fp32 = fp32_.of(labelled_);
    validation.int8 = int8_.of(labelled_);
    for (const auto& [index, result] : classes_) validation.classes.push_back(result);
  }

  void add_labelled(const Sample& sample, const std::vector<double>& fp32,
                    const std::vector<double>& int8) {
    const std::int64_t label = *sample.label, index = label + offset_;
    if (index < 0 || index >= std::ssize(fp32) || index >= std::ssize(int8))
      throw bad_input(
          "sample '" + sample.name + "' has class " + std::to_string(label) +
          (offset_ == 0 ? "" : " (" + std::to_string(index) + " with the offset)") +
          ", but output '" + graph_.value(graph_.outputs()[0]).name + "' has " +
          std::to_string(fp32.size()) +
          " values: are these the model's classes? (--no-labels compares outputs alone)");
    ClassResult& result = classes_[label];
    result.index = label;
    result.name = class_name(label);
    ++result.samples;
    result.fp32_correct += fp32_.add(rank_of(fp32, index));
    result.int8_correct += int8_.add(rank_of(int8, index));
  }

  std::string class_name(std::int64_t label) const {
    const auto& names = dataset_.class_names();
    return label < std::ssize(names) ? names[static_cast<std::size_t>(label)]
                                     : std::to_string(label);
  }

  const Graph& graph_;
  const Dataset& dataset_;
  std::int64_t offset_;
  std::vector<OutputError> errors_;
  std::vector<bool> real_;  // by output: floating point
  Hits fp32_, int8_;
  std::map<std::int64_t, ClassResult> classes_;
  std::int64_t samples_ = 0, labelled_ = 0, agreed_ = 0;
  bool has_scores_ = true;
};

std::vector<LayerOverflowResult> overflow_of(const Session& session) {
  std::vector<LayerOverflowResult> results;
  for (const LayerOverflow& layer : session.overflow())
    results.push_back({.name = layer.name,
                       .type = layer.type,
                       .pairs = layer.count.pairs,
                       .saturated = layer.count.saturated,
                       .largest_sum = layer.count.largest});
  return results;
}

}  // namespace

Validation compare_models(const Graph& fp32, const Graph& int8, const Dataset& dataset,
                          const std::vector<std::int64_t>& samples, const CompareOptions& options) {
  check_same_interface(fp32, int8);
  SessionOptions counting = options.machine;
  counting.count_overflow = options.check_overflow;
  const Session reference(fp32, options.machine), quantized(int8, counting);
  TokenMask mask(fp32, options.mask);
  Tally tally(fp32, dataset, options.label_offset);
  SampleStream stream(dataset, samples);
  std::int64_t done = 0;
  while (const auto sample = stream.next()) {
    if (options.stop.stop_requested()) throw interrupted();
    try {
      mask.begin_sample(reference, sample->inputs);
      tally.add(*sample, mask.unmasked_outputs(reference.run(sample->inputs)),
                mask.unmasked_outputs(quantized.run(sample->inputs)));
    } catch (const Error& error) {
      if (std::string_view(error.what()).find(sample->name) != std::string_view::npos) throw;
      throw error.within("sample '" + sample->name + "'");
    }
    if (options.progress) options.progress("validate", ++done, std::ssize(samples));
  }
  Validation validation = tally.result();
  if (options.check_overflow) validation.overflow = overflow_of(quantized);
  return validation;
}

}  // namespace q8

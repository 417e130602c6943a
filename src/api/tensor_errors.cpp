#include "api/tensor_errors.h"

#include <limits>
#include <unordered_map>

#include "validate/comparison.h"

namespace q8 {
namespace {

constexpr double kExact = std::numeric_limits<double>::infinity();

// The SQNR of what a value is computed from. Values that quantization has done away with (before a
// clamp that a range does) are looked through.
class Before {
 public:
  explicit Before(const Graph& planned) : graph_(planned), uses_(planned) {}

  void set(const std::string& value, double db) { known_[value] = db; }
  double least(const std::string& value) {
    const ValueId id = graph_.find_value(value);
    return id == kNoValue ? kExact : least_of_inputs(uses_.producer(id));
  }

 private:
  double least_of_inputs(NodeId id) {
    double least = kExact;
    if (id == kNoNode) return least;
    for (const ValueId input : graph_.node(id).inputs) {
      if (input == kNoValue || graph_.constant(input) != nullptr) continue;
      const auto it = known_.find(graph_.value(input).name);
      least =
          std::min(least, it != known_.end() ? it->second : least_of_inputs(uses_.producer(input)));
    }
    return least;
  }

  const Graph& graph_;
  Uses uses_;
  std::unordered_map<std::string, double> known_;
};

}  // namespace

std::vector<TensorError> tensor_errors(const Graph& planned, const Graph& quantized,
                                       const std::vector<Tensor>& sample, SessionOptions options) {
  options.optimize = false;
  std::unordered_map<std::string, Tensor> expected;
  Session(planned, options).run(sample, [&](const Produced& made) {
    if (is_floating(made.tensor.dtype()) && made.axes.empty())
      expected.emplace(planned.value(made.value).name, made.tensor);
  });
  Before before(planned);
  std::vector<TensorError> errors;
  Session(quantized, options).run(sample, [&](const Produced& made) {
    const std::string& name = quantized.value(made.value).name;
    const auto it = expected.find(name);
    if (it == expected.end() || !is_floating(made.tensor.dtype())) return;
    OutputError error;
    error.add(it->second, made.tensor);
    errors.push_back({.value = name, .db = error.sqnr_db(), .before_db = before.least(name)});
    before.set(name, error.sqnr_db());
  });
  return errors;
}

}  // namespace q8

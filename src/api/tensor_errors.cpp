#include "api/tensor_errors.h"

#include <limits>
#include <unordered_map>

#include "graph/bodies.h"
#include "validate/comparison.h"

namespace q8 {
namespace {

constexpr double kExact = std::numeric_limits<double>::infinity();

// The SQNR of what a value is computed from. Values that quantization has done away with (before a
// clamp that a range does) are looked through.
class Before {
 public:
  explicit Before(const Graph& planned) {
    for (const PlacedGraph& placed : with_bodies(planned)) {
      const Uses uses(*placed.graph);
      for (ValueId id = 0; id < placed.graph->value_count(); ++id)
        if (const NodeId maker = uses.producer(id); maker != kNoNode)
          makers_[placed.graph->value(id).name] = {placed.graph, maker};
    }
  }

  void set(const std::string& value, double db) { known_[value] = db; }
  bool is_computed(const std::string& value) const { return makers_.contains(value); }
  double least(const std::string& value) const {
    double least = kExact;
    const auto maker = makers_.find(value);
    if (maker == makers_.end()) return least;
    const Graph& graph = *maker->second.graph;
    for (const ValueId input : graph.node(maker->second.node).inputs) {
      if (input == kNoValue || graph.constant(input) != nullptr) continue;
      const std::string& name = graph.value(input).name;
      const auto it = known_.find(name);
      least = std::min(least, it != known_.end() ? it->second : this->least(name));
    }
    return least;
  }

 private:
  struct Maker {
    const Graph* graph;
    NodeId node;
  };
  std::unordered_map<std::string, Maker> makers_;  // by value
  std::unordered_map<std::string, double> known_;
};

// One value, each time that it is made: once, or as often as its body runs.
struct Runs {
  std::vector<Tensor> expected;
  std::size_t seen = 0;
  OutputError error = {};
};

}  // namespace

std::vector<TensorError> tensor_errors(const Graph& planned, const Graph& quantized,
                                       const std::vector<Tensor>& sample, SessionOptions options) {
  options.optimize = false;
  options.show_bodies = true;
  std::unordered_map<std::string, Runs> values;
  Session(planned, options).run(sample, [&](const Produced& made) {
    if (is_floating(made.tensor.dtype()) && made.axes.empty())
      values[std::string(made.name)].expected.push_back(made.tensor);
  });
  std::vector<std::string> in_order;
  Session(quantized, options).run(sample, [&](const Produced& made) {
    const auto it = values.find(std::string(made.name));
    if (it == values.end() || !is_floating(made.tensor.dtype())) return;
    Runs& runs = it->second;
    // Of a body that runs more often than the float model's the rest has nothing to be held to.
    if (runs.seen == runs.expected.size()) return;
    if (runs.seen == 0) in_order.push_back(it->first);
    runs.error.add(runs.expected[runs.seen], made.tensor);
    runs.expected[runs.seen++] = Tensor();
  });
  Before before(planned);
  std::vector<TensorError> errors;
  for (const std::string& name : in_order) {
    const double db = values.at(name).error.sqnr_db();
    // What a body is fed it has not computed: the loss is named where it arose.
    const bool is_fed = !before.is_computed(name) && planned.find_value(name) == kNoValue;
    if (!is_fed) errors.push_back({.value = name, .db = db, .before_db = before.least(name)});
    before.set(name, db);
  }
  return errors;
}

}  // namespace q8

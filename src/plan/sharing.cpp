#include "plan/sharing.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>

#include "plan/clamps.h"

namespace q8 {
namespace {

class DisjointSets {
 public:
  explicit DisjointSets(std::size_t n) : parents_(n) {
    std::iota(parents_.begin(), parents_.end(), ValueId{0});
  }
  ValueId root(ValueId id) {
    ValueId& parent = parents_[static_cast<std::size_t>(id)];
    return parent == id ? id : parent = root(parent);
  }
  void unite(ValueId a, ValueId b) { parents_[static_cast<std::size_t>(root(b))] = root(a); }

 private:
  std::vector<ValueId> parents_;
};

// What the absorbed clamps of each set let pass: a range that is wider would undo them.
class ClampedSets {
 public:
  ClampedSets(const Graph& graph, const Coverage& coverage, DisjointSets& sets)
      : sets_(sets), bounds_(absorbed_bounds(graph, coverage)) {}
  // Before the two sets become one.
  void unite(ValueId a, ValueId b) {
    const auto other = bounds_.find(sets_.root(b));
    if (other == bounds_.end()) return;
    const auto [it, is_new] = bounds_.emplace(sets_.root(a), other->second);
    if (is_new) return;
    it->second = {std::max(it->second.low, other->second.low),
                  std::min(it->second.high, other->second.high)};
  }
  bool would_exceed(ValueId id, const Range& range) const {
    const auto it = bounds_.find(sets_.root(id));
    return it != bounds_.end() && exceeds(range, it->second);
  }

 private:
  DisjointSets& sets_;
  std::map<ValueId, Range> bounds_;  // by root
};

double width(const Range& range) {
  return range.high - range.low;
}

// A branch at a quarter of the Concat's range loses two of its eight bits there.
constexpr double kMuchNarrower = 0.25;
// One at a sixteenth loses four, which is worth a word even where nobody else reads the branch.
constexpr double kHardlySeen = 1.0 / 16;

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

}  // namespace

std::vector<ValueId> share_ranges(const Graph& graph, const Coverage& coverage,
                                  const Ranges& ranges, const Target& target,
                                  std::vector<std::string>& notes) {
  const Uses uses(graph);
  DisjointSets sets(graph.values().size());
  ClampedSets clamped(graph, coverage, sets);
  const auto unite = [&](ValueId a, ValueId b) {
    clamped.unite(a, b);
    sets.unite(a, b);
  };
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (coverage.modes[static_cast<std::size_t>(id)] != NodeMode::kInteger) continue;
    const Node& node = graph.node(id);
    const QuantRole role = quant_role(graph, node);
    if (role == QuantRole::kMoves || (node.is("AveragePool") && !target.rescales))
      for (const ValueId output : node.outputs)
        if (output != kNoValue) unite(node.inputs[0], output);
    if (role != QuantRole::kConcat) continue;
    const ValueId joined = node.outputs[0];
    for (const std::size_t i : data_inputs(graph, node)) {
      const ValueId branch = node.inputs[i];
      const double share = width(ranges.range(branch)) / width(ranges.range(joined));
      const std::string spans = "'" + graph.value(branch).name + "' spans " + percent(share) +
                                " of the range of " + node.label();
      if (target.rescales && clamped.would_exceed(branch, ranges.range(joined))) {
        notes.push_back("'" + graph.value(branch).name + "' is clamped by its own range, which " +
                        node.label() + " widens: it keeps its own");
        continue;
      }
      if (target.rescales && share < kMuchNarrower && uses.only_consumer(branch) == kNoNode) {
        notes.push_back(spans + " and keeps its own");
        continue;
      }
      if (share > 0 && share < kHardlySeen)
        notes.push_back(spans +
                        ", whose scale it has to take; if accuracy falls, exclude that node");
      unite(joined, branch);
    }
  }
  // The widest member speaks for its set, unless the range of one is fixed; among equals the first.
  std::vector<ValueId> widest(graph.values().size(), kNoValue), shared(graph.values().size());
  const auto usable = [&](ValueId id) { return ranges.float_reason(id).empty(); };
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    if (!coverage.quantized[static_cast<std::size_t>(id)] || !usable(id)) continue;
    ValueId& best = widest[static_cast<std::size_t>(sets.root(id))];
    const bool is_better = best == kNoValue || (ranges.is_fixed(id) && !ranges.is_fixed(best)) ||
                           (ranges.is_fixed(id) == ranges.is_fixed(best) &&
                            width(ranges.range(id)) > width(ranges.range(best)));
    if (is_better) best = id;
  }
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    const ValueId best = widest[static_cast<std::size_t>(sets.root(id))];
    shared[static_cast<std::size_t>(id)] = best == kNoValue ? id : best;
  }
  return shared;
}

}  // namespace q8

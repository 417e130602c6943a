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

class Sharing {
 public:
  Sharing(const Graph& graph, const Coverage& coverage, const Ranges& ranges, const Target& target,
          std::vector<std::string>& notes)
      : graph_(graph),
        coverage_(coverage),
        ranges_(ranges),
        target_(target),
        notes_(notes),
        uses_(graph),
        sets_(graph.values().size()),
        clamped_(graph, coverage, sets_) {}

  void join_integer_nodes() {
    for (NodeId id = 0; id < graph_.node_count(); ++id) {
      if (coverage_.modes[static_cast<std::size_t>(id)] != NodeMode::kInteger) continue;
      const Node& node = graph_.node(id);
      const QuantRole role = quant_role(graph_, node);
      if (role == QuantRole::kMoves || (node.is("AveragePool") && !target_.rescales))
        for (const ValueId output : node.outputs)
          if (output != kNoValue) unite(node.inputs[0], output);
      if (role == QuantRole::kConcat)
        for (const std::size_t i : data_inputs(graph_, node)) join_branch(node, node.inputs[i]);
    }
  }

  // The value whose range each value takes: the widest member speaks for its set, unless the range
  // of one is fixed; among equals the first.
  std::vector<ValueId> speakers() {
    std::vector<ValueId> widest(graph_.values().size(), kNoValue), all(graph_.values().size());
    for (ValueId id = 0; id < graph_.value_count(); ++id) {
      if (!coverage_.quantized[static_cast<std::size_t>(id)] || !ranges_.float_reason(id).empty())
        continue;
      ValueId& best = widest[static_cast<std::size_t>(sets_.root(id))];
      if (best == kNoValue || speaks_before(id, best)) best = id;
    }
    for (ValueId id = 0; id < graph_.value_count(); ++id) {
      const ValueId best = widest[static_cast<std::size_t>(sets_.root(id))];
      all[static_cast<std::size_t>(id)] = best == kNoValue ? id : best;
    }
    return all;
  }

 private:
  void unite(ValueId a, ValueId b) {
    clamped_.unite(a, b);
    sets_.unite(a, b);
  }

  void join_branch(const Node& concat, ValueId branch) {
    const ValueId joined = concat.outputs[0];
    const std::string& name = graph_.value(branch).name;
    const double share = width(ranges_.range(branch)) / width(ranges_.range(joined));
    const std::string spans =
        "'" + name + "' spans " + percent(share) + " of the range of " + concat.label();
    if (target_.rescales && clamped_.would_exceed(branch, ranges_.range(joined))) {
      notes_.push_back("'" + name + "' is clamped by its own range, which " + concat.label() +
                       " widens: it keeps its own");
      return;
    }
    if (target_.rescales && share < kMuchNarrower && uses_.only_consumer(branch) == kNoNode) {
      notes_.push_back(spans + " and keeps its own");
      return;
    }
    if (share > 0 && share < kHardlySeen)
      notes_.push_back(spans +
                       ", whose scale it has to take; if accuracy falls, exclude that node");
    unite(joined, branch);
  }

  bool speaks_before(ValueId a, ValueId b) const {
    if (ranges_.is_fixed(a) != ranges_.is_fixed(b)) return ranges_.is_fixed(a);
    return width(ranges_.range(a)) > width(ranges_.range(b));
  }

  const Graph& graph_;
  const Coverage& coverage_;
  const Ranges& ranges_;
  const Target& target_;
  std::vector<std::string>& notes_;
  Uses uses_;
  DisjointSets sets_;
  ClampedSets clamped_;
};

}  // namespace

std::vector<ValueId> share_ranges(const Graph& graph, const Coverage& coverage,
                                  const Ranges& ranges, const Target& target,
                                  std::vector<std::string>& notes) {
  Sharing sharing(graph, coverage, ranges, target, notes);
  sharing.join_integer_nodes();
  return sharing.speakers();
}

}  // namespace q8

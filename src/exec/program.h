#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/threads.h"
#include "exec/node_time.h"
#include "exec/session.h"
#include "exec/shape_memo.h"
#include "kernels/kernel_set.h"
#include "ops/ops.h"

namespace q8 {

// Called with every value that a body was fed or made.
using BodyCallback = std::function<void(std::string_view name, const Tensor&)>;

// What a run works with, shared with the subgraphs.
struct Machine {
  Threads& threads;
  Allocator& allocator;
  const KernelSet& kernels;
  const BodyCallback* on_body_value;  // may be null
};

struct FreeCopiedConstants {};

// Called with every value that was just made, by its id in the Program's own graph.
using ValueCallback = std::function<void(ValueId, const Tensor&)>;

// A graph as a list of steps. Subgraphs are Programs of their own.
class Program {
 public:
  // `graph` must outlive the Program. Throws what operators throw, with the node in front.
  Program(const Graph& graph, const KernelSet& kernels);
  // The same, and constants that all their readers have their own form of lose their values at
  // once, so that weights stand in memory twice for one node at a time.
  Program(Graph& graph, const KernelSet& kernels, FreeCopiedConstants);
  ~Program();

  // `captured` in the order of the graph's captures. Where `times` is given, it gets one entry for
  // each node that ran; a node's subgraphs count as its own time. One run at a time.
  std::vector<Tensor> run(std::span<const Tensor> inputs, std::span<const Tensor> captured,
                          const Machine& machine, const ValueCallback& callback,
                          std::vector<NodeTime>* times = nullptr) const;

 private:
  struct Step {
    const Node* node;
    OpFunction function;
    std::vector<ValueId> last_reads;  // values that nobody reads after this step
    std::vector<std::unique_ptr<Program>> subgraphs;
  };

  class BodyRunner;
  std::vector<bool> make_step(const Node& node, const KernelSet& kernels);
  void find_last_reads();
  const Tensor& value(ValueId id) const;  // a constant, or what this run made
  void run_steps(const Machine& machine, const ValueCallback& callback,
                 std::vector<NodeTime>* times) const;
  void run_step(std::size_t index, const Machine& machine) const;
  void call(const Step& step, const Machine& machine) const;

  const Graph& graph_;
  std::vector<Step> steps_;
  mutable ShapeMemo shapes_;  // of earlier runs
  // Of the run at hand, empty between two: making hundreds of empty tensors for each run costs more
  // than emptying those that were used.
  mutable std::vector<Tensor> slots_;  // by value
  mutable std::vector<const Tensor*> step_inputs_;
  mutable std::vector<Tensor> step_outputs_;
};

}  // namespace q8

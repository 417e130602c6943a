#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/isa.h"
#include "base/threads.h"
#include "exec/layer_overflow.h"
#include "exec/node_time.h"
#include "graph/graph.h"
#include "tensor/tensor.h"

namespace q8 {

struct SessionOptions {
  int threads = 0;      // 0: one per core
  Isa isa = Isa::kAmx;  // the best one up to this that the CPU has
  // Whether the graph may be changed for speed: QDQ groups become integer operators, layouts
  // change, operators are fused. Then values inside fused groups are never made, and observers do
  // not see them.
  bool optimize = true;
  // Values (by id in the given graph) that must be made and shown although nothing but a fused
  // group reads them.
  std::vector<ValueId> keep;
  // Whether callbacks also see what the bodies of If, Loop and Scan are fed and make, each time
  // that they run. Bodies stay as they are then.
  bool show_bodies = false;
  // Whether every run counts, layer by layer, what narrower hardware would do with the products of
  // bytes: Session::overflow(). Several times slower; the results stay the same.
  bool count_overflow = false;
};

// A value that was just made, as observers see it.
struct Produced {
  ValueId value;         // in the graph that the Session was made from; kNoValue: of a body
  const Tensor& tensor;  // valid during the call only
  // The tensor's physical order of axes: axes[i] is the logical axis that stands at position i;
  // empty: as in the graph.
  std::span<const int> axes;
  std::string_view name;  // in its graph; which body's it is, separate_names() lets a name tell
};
using ProducedCallback = std::function<void(const Produced&)>;

// A graph made ready to run: operators looked up, weights packed, memory reused by liveness.
// Immutable; run() may be called from one thread at a time.
class Session {
 public:
  // What nobody else holds of a graph that is moved in is freed when the kernels have packed it.
  explicit Session(Graph graph, SessionOptions options = {});
  ~Session();
  Session(Session&&) noexcept;

  // `inputs` in the order of the graph's inputs (initializers listed as inputs left out); results
  // in the order of its outputs. Throws bad_input naming the input where a dtype, rank or fixed
  // dimension does not fit, and the node where an operator fails.
  std::vector<Tensor> run(std::span<const Tensor> inputs,
                          const ProducedCallback& callback = {}) const;

  // One run with a clock around every node, in the order they ran.
  std::vector<NodeTime> profile(std::span<const Tensor> inputs) const;

  // With SessionOptions::count_overflow: the layers that multiplied bytes, in the order they run,
  // with the counts of all runs so far.
  std::vector<LayerOverflow> overflow() const;

  const std::vector<ValueId>& inputs() const;  // those that run() wants

  // The threads that run() computes with. They are idle while a callback is called, which may
  // compute with them; other threads would have to wait until these have gone to sleep.
  Threads& threads() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace q8

#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "graph/graph.h"
#include "tensor/tensor.h"

namespace q8 {

struct KernelSet;  // kernels/kernel_set.h

// Runs the body of If, Loop or Scan. Made by the Session, so that operators need not know it.
class SubgraphRunner {
 public:
  virtual ~SubgraphRunner() = default;
  // `inputs` in the order of the subgraph's inputs; captures are found by the runner.
  virtual std::vector<Tensor> run(std::span<const Tensor> inputs) const = 0;
};

// What a node knows when a Session is made: everything but the tensors. Parse attributes, check
// them and pack constant weights here, once; throw unsupported or bad_input where the node cannot
// run (the Session adds the node's name).
struct NodeContext {
  const Node& node;
  const Graph& graph;
  std::span<const Tensor* const> constants;  // by input; 16-bit floats are float here already
  std::int64_t opset;                        // version of the node's domain
  const KernelSet& kernels;
  std::vector<bool>* copied = nullptr;  // by input; null where nobody asks

  const Attributes& attributes() const { return node.attributes; }
  bool has_input(std::size_t i) const { return node.input(i) != kNoValue; }
  std::size_t input_count() const { return node.inputs.size(); }
  std::size_t output_count() const { return node.outputs.size(); }
  // The tensor behind a constant input, or null.
  const Tensor* constant(std::size_t i) const {
    return i < constants.size() ? constants[i] : nullptr;
  }
  // Says that the operator keeps its own form of a constant: from now on it asks that input for its
  // shape and element type only, and the Session may free the values.
  void has_copied(std::size_t i) const {
    if (copied != nullptr && constant(i) != nullptr) (*copied)[i] = true;
  }
};

// One execution of one node.
class RunContext {
 public:
  RunContext(std::span<const Tensor* const> inputs, std::span<Tensor> outputs, Allocator& allocator,
             Threads& threads, const KernelSet& kernels,
             std::span<const SubgraphRunner* const> subgraphs = {})
      : threads(threads),
        allocator(allocator),
        kernels(kernels),
        subgraphs(subgraphs),
        inputs_(inputs),
        outputs_(outputs) {}

  Threads& threads;
  Allocator& allocator;  // for outputs and scratch
  const KernelSet& kernels;
  std::span<const SubgraphRunner* const> subgraphs;  // the node's graph attributes, by name

  std::size_t input_count() const { return inputs_.size(); }
  std::size_t output_count() const { return outputs_.size(); }
  bool has_input(std::size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  // Throws bad_input where the input is absent.
  const Tensor& input(std::size_t i) const;
  // Null where it is absent.
  const Tensor* optional_input(std::size_t i) const { return has_input(i) ? inputs_[i] : nullptr; }
  // Makes output i; its contents are undefined.
  Tensor& output(std::size_t i, DType dtype, Shape shape);
  // Output i is that tensor (its memory may be shared with an input).
  void set_output(std::size_t i, Tensor tensor);

 private:
  std::span<const Tensor* const> inputs_;
  std::span<Tensor> outputs_;
};

// What a node does when it runs; made once a Session, called once a run. Must be callable from
// several Sessions' threads at once: everything it captures is read-only.
using OpFunction = std::function<void(RunContext&)>;

// How an operator takes part in quantization (docs/concepts.md); the planner decides by it.
enum class QuantRole {
  kFloat,       // stays float: normalizations, Erf, shape arithmetic …
  kWeighted,    // Conv, ConvTranspose, Gemm, MatMul: integer multiply-add
  kMoves,       // only moves values: output 0 has the parameters of input 0
  kConcat,      // moves the values of all its inputs
  kArithmetic,  // Add, Mul …: own ranges in and out
  kClamp,       // Relu, Clip: folded into the producer's range
  kPool,        // AveragePool …: may keep the input's parameters or have its own
  kPointwise,   // a function of one value: a 256-entry table
  kBounded,     // like kPointwise, with a known output range: Softmax, Sigmoid, Tanh
};

// One operator. `floats_only` operators are written for float (and double): the Session converts
// float16 and bfloat16 inputs to float and float outputs back, so no operator has code for them.
struct OpRow {
  std::string_view domain;
  std::string_view type;
  OpFunction (*make)(const NodeContext&);
  QuantRole role = QuantRole::kFloat;
  bool floats_only = true;
};

}  // namespace q8

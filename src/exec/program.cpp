#include "exec/program.h"

#include <chrono>

#include "exec/half.h"
#include "graph/bodies.h"

namespace q8 {
namespace {

NodeTime time_since(std::chrono::steady_clock::time_point begin, const Node& node) {
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  return {.name = node.name,
          .type = node.domain.empty() ? node.op_type : node.domain + "." + node.op_type,
          .ms = taken.count()};
}

// Gives the memory back; a list of dimensions that it has serves the next tensor.
void empty(Tensor& tensor) {
  static const Tensor nothing;
  tensor = nothing;
}

}  // namespace

// The body of a control-flow node, with the enclosing run's values at hand.
class Program::BodyRunner final : public SubgraphRunner {
 public:
  BodyRunner(const Program& body, const Program& outer, const Machine& machine)
      : body_(body), machine_(machine) {
    for (const Capture& capture : body.graph_.captures())
      captured_.push_back(outer.value(capture.outer));
  }
  std::vector<Tensor> run(std::span<const Tensor> inputs) const override {
    ValueCallback on_value;
    if (machine_.on_body_value != nullptr)
      on_value = [this](ValueId id, const Tensor& tensor) {
        (*machine_.on_body_value)(body_.graph_.value(id).name, tensor);
      };
    return body_.run(inputs, captured_, machine_, on_value);
  }

 private:
  const Program& body_;
  const Machine& machine_;
  std::vector<Tensor> captured_;
};

Program::Program(const Graph& graph, const KernelSet& kernels) : graph_(graph), shapes_(graph) {
  steps_.reserve(graph.nodes().size());
  for (const Node& node : graph.nodes()) make_step(node, kernels);
  find_last_reads();
}

Program::Program(Graph& graph, const KernelSet& kernels, FreeCopiedConstants)
    : graph_(graph), shapes_(graph) {
  steps_.reserve(graph.nodes().size());
  std::vector<std::size_t> readers(graph.values().size());
  const Uses uses(graph);
  for (ValueId id = 0; id < graph.value_count(); ++id)
    readers[static_cast<std::size_t>(id)] = uses.consumers(id).size() + graph.is_output(id);
  for (const Node& node : graph.nodes()) {
    const std::vector<bool> copied = make_step(node, kernels);
    for (std::size_t i = 0; i < copied.size(); ++i) {
      if (!copied[i] || --readers[static_cast<std::size_t>(node.inputs[i])] > 0) continue;
      Tensor& constant = *graph.value(node.inputs[i]).constant;
      // 16-bit floats were float when they were copied: nobody shall widen what is no longer there.
      constant = Tensor(is_half(constant.dtype()) ? DType::kF32 : constant.dtype(),
                        constant.shape(), std::shared_ptr<const std::byte>());
    }
  }
  find_last_reads();
}

Program::~Program() = default;

// By input: whether the operator keeps its own form of the constant.
std::vector<bool> Program::make_step(const Node& node, const KernelSet& kernels) try {
  const OpRow* row = find_operator(node.domain, node.op_type);
  if (row == nullptr) throw unsupported("q8 has no such operator");
  Step step{.node = &node, .function = {}, .last_reads = {}, .subgraphs = {}};
  for_each_body(node, [&](const Graph& body) {
    step.subgraphs.push_back(std::make_unique<Program>(body, kernels));
  });
  std::vector<Tensor> widened(node.inputs.size());
  std::vector<const Tensor*> constants(node.inputs.size(), nullptr);
  std::vector<bool> copied(node.inputs.size(), false);
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    constants[i] = graph_.constant(node.inputs[i]);
    if (constants[i] == nullptr || !row->floats_only || !is_half(constants[i]->dtype())) continue;
    widened[i] = cast(*constants[i], DType::kF32);
    constants[i] = &widened[i];
  }
  step.function = row->make(NodeContext{.node = node,
                                        .graph = graph_,
                                        .constants = constants,
                                        .opset = graph_.opset(node.domain),
                                        .kernels = kernels,
                                        .copied = &copied});
  if (row->floats_only) step.function = computing_half_in_float(std::move(step.function));
  steps_.push_back(std::move(step));
  return copied;
} catch (const Error& error) {
  throw error.within(node.label());
}

void Program::find_last_reads() {
  std::vector<bool> read_later(graph_.values().size(), false);
  for (const ValueId id : graph_.outputs()) read_later[static_cast<std::size_t>(id)] = true;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    const auto reads = [&](ValueId id) {
      if (id == kNoValue || read_later[static_cast<std::size_t>(id)]) return;
      read_later[static_cast<std::size_t>(id)] = true;
      if (!graph_.value(id).constant) step->last_reads.push_back(id);
    };
    for (const ValueId id : step->node->outputs) reads(id);  // made for nobody: dropped at once
    for (const ValueId id : step->node->inputs) reads(id);
    for_each_body(*step->node, [&](const Graph& body) {
      for (const Capture& capture : body.captures()) reads(capture.outer);
    });
  }
}

const Tensor& Program::value(ValueId id) const {
  const Tensor* constant = graph_.constant(id);
  return constant != nullptr ? *constant : slots_[static_cast<std::size_t>(id)];
}

void Program::call(const Step& step, const Machine& machine) const {
  const Node& node = *step.node;
  step_inputs_.assign(node.inputs.size(), nullptr);
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (node.inputs[i] != kNoValue) step_inputs_[i] = &value(node.inputs[i]);
  step_outputs_.resize(node.outputs.size());
  std::vector<BodyRunner> bodies;
  bodies.reserve(step.subgraphs.size());
  for (const auto& body : step.subgraphs) bodies.emplace_back(*body, *this, machine);
  std::vector<const SubgraphRunner*> runners;
  for (const BodyRunner& body : bodies) runners.push_back(&body);
  RunContext context(step_inputs_, step_outputs_, machine.allocator, machine.threads,
                     machine.kernels, runners);
  step.function(context);
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue)
      empty(step_outputs_[i]);
    else
      std::swap(slots_[static_cast<std::size_t>(node.outputs[i])], step_outputs_[i]);
  }
}

void Program::run_step(std::size_t index, const Machine& machine) const {
  const auto id = static_cast<NodeId>(index);
  if (shapes_.recall(id, slots_)) return;
  call(steps_[index], machine);
  shapes_.keep(id, slots_);
}

void Program::run_steps(const Machine& machine, const ValueCallback& callback,
                        std::vector<NodeTime>* times) const {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    try {
      if (times == nullptr) {
        run_step(i, machine);
      } else {
        const auto begin = std::chrono::steady_clock::now();
        run_step(i, machine);
        times->push_back(time_since(begin, *step.node));
      }
      if (callback)
        for (const ValueId id : step.node->outputs)
          if (id != kNoValue) callback(id, slots_[static_cast<std::size_t>(id)]);
    } catch (const Error& error) {
      throw error.within(step.node->label());
    }
    for (const ValueId id : step.last_reads) empty(slots_[static_cast<std::size_t>(id)]);
  }
}

std::vector<Tensor> Program::run(std::span<const Tensor> inputs, std::span<const Tensor> captured,
                                 const Machine& machine, const ValueCallback& callback,
                                 std::vector<NodeTime>* times) const try {
  Q8_ASSERT(inputs.size() == graph_.inputs().size() && captured.size() == graph_.captures().size());
  slots_.resize(graph_.values().size());
  const auto slot = [&](ValueId id) -> Tensor& { return slots_[static_cast<std::size_t>(id)]; };
  for (std::size_t i = 0; i < captured.size(); ++i) slot(graph_.captures()[i].inner) = captured[i];
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    slot(graph_.inputs()[i]) = inputs[i];
    if (callback) callback(graph_.inputs()[i], inputs[i]);
  }
  run_steps(machine, callback, times);
  std::vector<Tensor> outputs;
  for (const ValueId id : graph_.outputs()) outputs.push_back(value(id));
  // What no step read last.
  for (const Capture& capture : graph_.captures()) empty(slot(capture.inner));
  for (const ValueId id : graph_.inputs()) empty(slot(id));
  for (const ValueId id : graph_.outputs()) empty(slot(id));
  return outputs;
} catch (...) {
  for (Tensor& tensor : slots_) empty(tensor);
  step_outputs_.clear();
  throw;
}

}  // namespace q8

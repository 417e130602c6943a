#include "exec/session.h"

#include <malloc.h>

#include <optional>

#include "exec/buffer_pool.h"
#include "exec/lowering/lower.h"
#include "exec/program.h"

namespace q8 {
namespace {

void check_input(const Graph& graph, ValueId id, const Tensor& tensor) {
  const Value& value = graph.value(id);
  const TypeInfo& type = value.type;
  const auto fail = [&](const std::string& expected) {
    throw bad_input("the input '" + value.name + "' must be " + expected + ", but is " +
                    tensor.str());
  };
  if (type.dtype && *type.dtype != tensor.dtype())
    fail("of type " + std::string(dtype_name(*type.dtype)));
  if (!type.dims) return;
  if (static_cast<std::int64_t>(type.dims->size()) != tensor.rank())
    fail("of rank " + std::to_string(type.dims->size()));
  for (std::int64_t axis = 0; axis < tensor.rank(); ++axis) {
    const std::int64_t dim = (*type.dims)[static_cast<std::size_t>(axis)];
    if (dim != kUnknownDim && dim != tensor.shape()[axis])
      fail(std::to_string(dim) + " on axis " + std::to_string(axis));
  }
}

// What loading and packing left lies scattered in the heap, where no buffer of a run will be.
void return_free_heap() {
  constexpr std::size_t kWorthIt = std::size_t{1} << 20;  // some tenths of a millisecond
  if (mallinfo2().fordblks > kWorthIt) malloc_trim(0);
}

}  // namespace

struct Session::Impl {
  void check_inputs(std::span<const Tensor> inputs) const {
    const Graph& graph = lowered.graph;
    if (inputs.size() != graph.inputs().size())
      throw bad_input("the model has " + std::to_string(graph.inputs().size()) + " inputs, but " +
                      std::to_string(inputs.size()) + " were given");
    for (std::size_t i = 0; i < inputs.size(); ++i)
      check_input(graph, graph.inputs()[i], inputs[i]);
  }
  Machine machine() {
    return {.threads = threads, .allocator = pool, .kernels = kernels, .on_body_value = nullptr};
  }

  Impl(Graph graph, const SessionOptions& options)
      : counting(options.count_overflow
                     ? std::make_unique<CountingKernels>(make_kernel_set(options.isa))
                     : nullptr),
        kernels(counting ? counting->kernels() : make_kernel_set(options.isa)),
        threads(options.threads),
        show_bodies(options.show_bodies),
        lowered(lower(std::move(graph), options)),
        program(lowered.graph, kernels, FreeCopiedConstants{}) {
    if (!counting) return;
    uses.emplace(lowered.graph);
    overflow.resize(lowered.graph.nodes().size());
  }

  // What was counted since the value before this one belongs to the node that made it.
  void count_for(ValueId id) {
    const NodeId node = uses->producer(id);
    if (node != kNoNode) overflow[static_cast<std::size_t>(node)] += counting->counter().take();
  }

  std::unique_ptr<CountingKernels> counting;
  KernelSet kernels;
  Threads threads;
  bool show_bodies;
  BufferPool pool;
  LoweredGraph lowered;
  Program program;
  std::optional<Uses> uses;             // with `counting`
  std::vector<OverflowCount> overflow;  // with `counting`: by node of the lowered graph
};

Session::Session(Graph graph, SessionOptions options) {
  check_operators(graph);
  impl_ = std::make_unique<Impl>(std::move(graph), options);
  return_free_heap();
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

const std::vector<ValueId>& Session::inputs() const {
  return impl_->lowered.graph.inputs();
}

Threads& Session::threads() const {
  return impl_->threads;
}

std::vector<Tensor> Session::run(std::span<const Tensor> inputs,
                                 const ProducedCallback& callback) const {
  impl_->check_inputs(inputs);
  ValueCallback on_value;
  if (callback || impl_->counting)
    on_value = [&](ValueId id, const Tensor& tensor) {
      if (impl_->counting) impl_->count_for(id);
      if (!callback) return;
      const auto& origin = impl_->lowered.origins[static_cast<std::size_t>(id)];
      if (origin.value != kNoValue)
        callback(Produced{.value = origin.value,
                          .tensor = tensor,
                          .axes = origin.axes,
                          .name = impl_->lowered.graph.value(id).name});
    };
  BodyCallback on_body_value;
  if (callback && impl_->show_bodies)
    on_body_value = [&](std::string_view name, const Tensor& tensor) {
      callback(Produced{.value = kNoValue, .tensor = tensor, .axes = {}, .name = name});
    };
  if (impl_->counting) impl_->counting->counter().take();
  Machine machine = impl_->machine();
  machine.on_body_value = on_body_value ? &on_body_value : nullptr;
  return impl_->program.run(inputs, {}, machine, on_value);
}

std::vector<NodeTime> Session::profile(std::span<const Tensor> inputs) const {
  impl_->check_inputs(inputs);
  std::vector<NodeTime> times;
  impl_->program.run(inputs, {}, impl_->machine(), {}, &times);
  return times;
}

std::vector<LayerOverflow> Session::overflow() const {
  std::vector<LayerOverflow> layers;
  for (std::size_t i = 0; i < impl_->overflow.size(); ++i) {
    if (impl_->overflow[i].pairs == 0) continue;
    const Node& node = impl_->lowered.graph.nodes()[i];
    layers.push_back({.name = node.name,
                      .type = node.domain.empty() ? node.op_type : node.domain + "." + node.op_type,
                      .count = impl_->overflow[i]});
  }
  return layers;
}

}  // namespace q8

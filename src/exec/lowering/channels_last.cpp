#include "exec/lowering/channels_last.h"

#include <cstring>

#include "graph/bodies.h"
#include "tensor/tensor.h"

namespace q8 {

std::vector<std::int64_t> ChannelsLast::to_last(std::int64_t rank) {
  std::vector<std::int64_t> order{0};
  for (std::int64_t axis = 2; axis < rank; ++axis) order.push_back(axis);
  order.push_back(1);
  return order;
}

std::vector<std::int64_t> ChannelsLast::to_first(std::int64_t rank) {
  std::vector<std::int64_t> order{0, rank - 1};
  for (std::int64_t axis = 1; axis + 1 < rank; ++axis) order.push_back(axis);
  return order;
}

std::int64_t ChannelsLast::position(std::int64_t axis, std::int64_t rank) {
  if (axis == 0) return 0;
  return axis == 1 ? rank - 1 : axis - 1;
}

ChannelsLast::ChannelsLast(LoweredGraph& lowered) : lowered_(lowered) {
  grow();
}

void ChannelsLast::grow() {
  const std::size_t old = rank_.size(), size = graph().values().size();
  first_.resize(size, false);
  last_.resize(size, kNoValue);
  rank_.resize(size, 0);
  channels_.resize(size, 0);
  lowered_.origins.resize(size);
  for (std::size_t i = old; i < size; ++i) {
    const Value& value = graph().value(static_cast<ValueId>(i));
    if (value.constant)
      rank_[i] = value.constant->rank();
    else if (value.type.dims)
      rank_[i] = static_cast<std::int64_t>(value.type.dims->size());
  }
}

bool ChannelsLast::has_last(ValueId value) const {
  return value != kNoValue && last_[index(value)] != kNoValue;
}

ValueId ChannelsLast::make_last(ValueId value, std::int64_t rank) {
  const ValueId twin = graph().add_value(graph().value(value).name + "_channels_last");
  grow();
  rank_[index(value)] = rank;
  last_[index(value)] = twin;
  if (!first_[index(value)]) {
    // Observers see the value when it is made, in this order.
    Origin& origin = lowered_.origins[index(value)];
    const auto order = to_last(rank);
    lowered_.origins[index(twin)] = {.value = origin.value, .axes = {order.begin(), order.end()}};
    origin = {};
  }
  return twin;
}

ValueId ChannelsLast::add_constant(std::string_view name, Tensor tensor) {
  const ValueId id = graph().add_constant(name, std::move(tensor));
  grow();
  return id;
}

void ChannelsLast::emit_transpose(ValueId from, ValueId to, std::vector<std::int64_t> order) {
  Node node;
  node.name = graph().value(to).name + "_turned";
  node.op_type = "Transpose";
  node.inputs = {from};
  node.outputs = {to};
  node.attributes.set("perm", std::move(order));
  emit(std::move(node));
}

ValueId ChannelsLast::last(ValueId value) {
  if (has_last(value)) return last_[index(value)];
  const std::int64_t known = rank(value);
  Q8_ASSERT(known >= 3);
  const ValueId twin = make_last(value, known);
  emit_transpose(value, twin, to_last(known));
  return twin;
}

void ChannelsLast::emit_alias(ValueId from, ValueId to, std::vector<std::int64_t> order) {
  bool is_same = true;
  for (std::size_t i = 0; i < order.size(); ++i)
    is_same &= order[i] == static_cast<std::int64_t>(i);
  first_[index(to)] = true;  // of a channels-last form nobody asks
  if (!is_same) {
    emit_transpose(from, to, std::move(order));
    return;
  }
  Node node;
  node.name = graph().value(to).name + "_alias";
  node.op_type = "Identity";
  node.inputs = {from};
  node.outputs = {to};
  emit(std::move(node));
}

ValueId ChannelsLast::turned_list(ValueId list, std::int64_t rank) {
  const Tensor& tensor = *graph().constant(list);
  if (tensor.size() == 0) return list;
  Q8_ASSERT(tensor.size() % rank == 0);
  Tensor turned(tensor.dtype(), tensor.shape());
  const std::size_t width = dtype_size(tensor.dtype());
  for (std::int64_t part = 0; part < tensor.size() / rank; ++part)
    for (std::int64_t i = 0; i < rank; ++i) {
      const std::int64_t from = part * rank + to_last(rank)[static_cast<std::size_t>(i)];
      std::memcpy(turned.mutable_bytes() + static_cast<std::size_t>(part * rank + i) * width,
                  tensor.bytes() + static_cast<std::size_t>(from) * width, width);
    }
  return add_constant(graph().value(list).name + "_channels_last", std::move(turned));
}

ValueId ChannelsLast::first(ValueId value) {
  if (value == kNoValue || first_[index(value)]) return value;
  if (!has_last(value)) return value;  // made by the enclosing graph
  first_[index(value)] = true;
  emit_transpose(last_[index(value)], value, to_first(rank(value)));
  return value;
}

ValueId ChannelsLast::turned_constant(ValueId constant, std::int64_t rank) {
  const Tensor& tensor = *graph().constant(constant);
  if (tensor.size() == 1) return constant;
  std::vector<std::int64_t> dims(static_cast<std::size_t>(rank - tensor.rank()), 1);
  dims.insert(dims.end(), tensor.shape().begin(), tensor.shape().end());
  // With at most one axis above 1 the elements keep their order.
  std::vector<std::int64_t> turned;
  for (const std::int64_t axis : to_last(rank))
    turned.push_back(dims[static_cast<std::size_t>(axis)]);
  return add_constant(graph().value(constant).name + "_channels_last",
                      tensor.reshaped(Shape(std::move(turned))));
}

void ChannelsLast::keep_first(Node node) {
  for (ValueId& input : node.inputs) input = first(input);
  for_each_body(node, [&](const Graph& body) {
    for (const Capture& capture : body.captures()) first(capture.outer);
  });
  for (const ValueId output : node.outputs)
    if (output != kNoValue) first_[index(output)] = true;
  emit(std::move(node));
}

void ChannelsLast::run(const std::vector<ValueId>& keep) {
  for (const ValueId id : graph().inputs()) first_[index(id)] = true;
  for (ValueId id = 0; id < graph().value_count(); ++id)
    if (graph().constant(id) != nullptr) first_[index(id)] = true;
  std::vector<Node> nodes = graph().take_nodes();
  for (Node& node : nodes) {
    const ChannelsLastRule rule = find_channels_last_rule(node);
    if (rule == nullptr || !rule(*this, node)) keep_first(std::move(node));
  }
  for (const ValueId id : graph().outputs()) first(id);
  for (Node& node : emitted_) graph().append_node(std::move(node));
  std::vector<ValueId> shown;  // the form that observers of a kept value see
  for (const ValueId id : keep)
    shown.push_back(lowered_.origins[index(id)].value == id ? id : last_[index(id)]);
  std::erase(shown, kNoValue);
  graph().tidy(shown);
}

}  // namespace q8

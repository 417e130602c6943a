#include "inspect/quantized_view.h"

#include <algorithm>

namespace q8 {
namespace {

std::size_t at(ValueId id) {
  return static_cast<std::size_t>(id);
}

bool is_link(const Node& node) {
  return (node.domain.empty() || node.domain == "com.microsoft") && node.inputs.size() >= 2 &&
         !node.outputs.empty() && node.outputs[0] != kNoValue &&
         (node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear");
}

DType dtype_of_number(std::int64_t onnx_type) {
  switch (onnx_type) {  // TensorProto.DataType
    case 3:
      return DType::kS8;
    case 4:
      return DType::kU16;
    case 5:
      return DType::kS16;
    case 21:
      return DType::kU4;
    case 22:
      return DType::kS4;
    default:
      return DType::kU8;
  }
}

Link read_link(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  Link link{.node = id};
  link.quantizes = node.op_type == "QuantizeLinear";
  link.real = link.quantizes ? node.inputs[0] : node.outputs[0];
  link.integers = link.quantizes ? node.outputs[0] : node.inputs[0];
  link.scale = graph.constant(node.inputs[1]);
  link.zero_point = graph.constant(node.input(2));
  link.has_computed_parameters =
      link.scale == nullptr || (node.input(2) != kNoValue && link.zero_point == nullptr);
  link.block_size = node.attributes.get_int("block_size", 0);
  if (link.scale != nullptr && link.scale->size() > 1)
    link.axis = static_cast<int>(node.attributes.get_int("axis", 1));
  const Tensor* stored = graph.constant(link.integers);
  if (link.zero_point != nullptr)
    link.dtype = link.zero_point->dtype();
  else if (stored != nullptr)
    link.dtype = stored->dtype();
  else if (graph.value(link.integers).type.dtype)
    link.dtype = *graph.value(link.integers).type.dtype;
  else if (link.quantizes)
    link.dtype = dtype_of_number(node.attributes.get_int("output_dtype", 0));
  return link;
}

// A negative axis counts from the end of a rank that is known where the integers are stored.
void count_axis_from_start(const Graph& graph, Link& link) {
  if (link.axis >= 0 || link.scale == nullptr || link.scale->size() <= 1) return;
  const Tensor* stored = graph.constant(link.quantizes ? link.real : link.integers);
  if (stored != nullptr) link.axis += static_cast<int>(stored->rank());
}

}  // namespace

bool Link::has_zero_points() const {
  if (zero_point == nullptr) return false;
  const std::vector<std::int64_t> values = zero_point->to_int64s();
  return std::ranges::any_of(values, [](std::int64_t z) { return z != 0; });
}

bool same_parameters(const Link& a, const Link& b) {
  if (a.has_computed_parameters || b.has_computed_parameters) return false;
  if (a.dtype != b.dtype || a.axis != b.axis || a.block_size != b.block_size) return false;
  const auto zeros = [](const Link& link) {
    return link.zero_point != nullptr
               ? link.zero_point->to_int64s()
               : std::vector<std::int64_t>(static_cast<std::size_t>(link.scale->size()), 0);
  };
  return a.scale->to_floats() == b.scale->to_floats() && zeros(a) == zeros(b);
}

QuantizedView::QuantizedView(const Graph& graph)
    : graph_(graph),
      dequantizers_(graph.values().size(), -1),
      quantizers_(graph.values().size(), -1),
      makers_(graph.values().size(), -1) {
  for (NodeId id = 0; id < graph.node_count(); ++id) {
    if (!is_link(graph.node(id))) continue;
    links_.push_back(read_link(graph, id));
    count_axis_from_start(graph, links_.back());
    const Link& link = links_.back();
    const auto number = static_cast<std::int32_t>(links_.size() - 1);
    if (!link.quantizes) {
      dequantizers_[at(link.real)] = number;
      continue;
    }
    makers_[at(link.integers)] = number;
    if (quantizers_[at(link.real)] < 0) quantizers_[at(link.real)] = number;
  }
  // A DequantizeLinear without zero point says nothing about its type; what makes its input does.
  for (Link& link : links_) {
    const Link* source = link.quantizes ? nullptr : maker(link.integers);
    if (source != nullptr && link.zero_point == nullptr) link.dtype = source->dtype;
  }
}

const Link* QuantizedView::find(const std::vector<std::int32_t>& index, ValueId id) const {
  if (id == kNoValue || index[at(id)] < 0) return nullptr;
  return &links_[static_cast<std::size_t>(index[at(id)])];
}

const Link* QuantizedView::dequantizer(ValueId real) const {
  return find(dequantizers_, real);
}

const Link* QuantizedView::quantizer(ValueId real) const {
  return find(quantizers_, real);
}

const Link* QuantizedView::maker(ValueId integers) const {
  return find(makers_, integers);
}

bool QuantizedView::is_constant(const Link& dequantizer) const {
  if (graph_.constant(dequantizer.integers) != nullptr) return true;
  const Link* source = maker(dequantizer.integers);
  return source != nullptr && graph_.constant(source->real) != nullptr;
}

}  // namespace q8

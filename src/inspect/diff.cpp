#include "inspect/diff.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "graph/bodies.h"
#include "graph/type_text.h"
#include "inspect/digest.h"
#include "inspect/quantized_view.h"

namespace q8 {
namespace {

// Scale and zero point of one value of integers, as tensors of the model.
struct Parameters {
  const Tensor* scale = nullptr;
  const Tensor* zero_point = nullptr;
  DType dtype = DType::kU8;
  int axis = -1;
};

using ParametersByValue = std::map<std::string, Parameters>;

// Where operators of the QOperator form have (integers, scale, zero point): input positions.
struct Triple {
  std::string_view type;
  std::size_t integers, scale, zero_point;
  bool is_output;  // the integers are output 0
};
constexpr Triple kTriples[] = {
    {"QLinearConv", 0, 1, 2, false},   {"QLinearConv", 3, 4, 5, false},
    {"QLinearConv", 0, 6, 7, true},    {"QLinearMatMul", 0, 1, 2, false},
    {"QLinearMatMul", 3, 4, 5, false}, {"QLinearMatMul", 0, 6, 7, true},
    {"QGemm", 0, 1, 2, false},         {"QGemm", 3, 4, 5, false},
    {"QGemm", 0, 7, 8, true},
};

ParametersByValue parameters_of(const Graph& graph, std::set<std::string>& names) {
  ParametersByValue found;
  const auto add = [&](ValueId integers, const Parameters& parameters) {
    if (integers != kNoValue && parameters.scale != nullptr)
      found.emplace(graph.value(integers).name, parameters);
  };
  const QuantizedView view(graph);
  for (const Link& link : view.links()) {
    add(link.integers, {link.scale, link.zero_point, link.dtype, link.axis});
    const Node& node = graph.node(link.node);
    for (const std::size_t i : {std::size_t{1}, std::size_t{2}})
      if (node.input(i) != kNoValue) names.insert(graph.value(node.input(i)).name);
  }
  for (const Node& node : graph.nodes())
    for (const Triple& triple : kTriples) {
      if (node.op_type != triple.type) continue;
      const ValueId integers = triple.is_output ? node.outputs[0] : node.input(triple.integers);
      const Tensor* zero = graph.constant(node.input(triple.zero_point));
      add(integers, {graph.constant(node.input(triple.scale)), zero,
                     zero == nullptr ? DType::kU8 : zero->dtype(), -1});
      for (const std::size_t i : {triple.scale, triple.zero_point})
        if (node.input(i) != kNoValue) names.insert(graph.value(node.input(i)).name);
    }
  return found;
}

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

std::string text_of(const Parameters& p) {
  const std::vector<float> scales = p.scale->to_floats();
  std::string text(dtype_name(p.dtype));
  if (scales.size() == 1) {
    text += " scale " + number(scales[0]);
    return p.zero_point == nullptr
               ? text
               : text + " zero_point " + std::to_string(p.zero_point->to_int64s()[0]);
  }
  const auto [low, high] = std::ranges::minmax(scales);
  return text + " " + std::to_string(scales.size()) + " scales " + number(low) + "…" + number(high);
}

std::vector<std::int64_t> zero_points(const Parameters& p) {
  if (p.zero_point != nullptr) return p.zero_point->to_int64s();
  return std::vector<std::int64_t>(static_cast<std::size_t>(p.scale->size()), 0);
}

// The ratio, b to a, of the scales that differ most; 1 where they cannot be told apart by it.
double largest_ratio(const Parameters& a, const Parameters& b) {
  const std::vector<float> x = a.scale->to_floats(), y = b.scale->to_floats();
  double largest = 1;
  if (x.size() != y.size()) return largest;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double ratio = static_cast<double>(y[i]) / x[i];
    if (std::abs(std::log(ratio)) > std::abs(std::log(largest))) largest = ratio;
  }
  return largest;
}

void compare_parameters(const ParametersByValue& a, const ParametersByValue& b, ModelDiff& diff) {
  for (const auto& [value, left] : a) {
    const auto it = b.find(value);
    if (it == b.end()) {
      diff.parameters.push_back({.value = value, .a = text_of(left), .b = {}});
      continue;
    }
    ++diff.compared_parameters;
    const Parameters& right = it->second;
    if (left.dtype == right.dtype && left.axis == right.axis &&
        left.scale->to_floats() == right.scale->to_floats() &&
        zero_points(left) == zero_points(right))
      continue;
    diff.parameters.push_back({.value = value,
                               .a = text_of(left),
                               .b = text_of(right),
                               .scale_ratio = largest_ratio(left, right)});
  }
  for (const auto& [value, right] : b)
    if (!a.contains(value))
      diff.parameters.push_back({.value = value, .a = {}, .b = text_of(right)});
  std::ranges::stable_sort(diff.parameters, std::greater{}, [](const ParameterDifference& d) {
    return std::abs(std::log(d.scale_ratio));
  });
}

std::map<std::string, const Tensor*> constants_of(const Graph& graph,
                                                  const std::set<std::string>& without) {
  std::map<std::string, const Tensor*> constants;
  const Uses uses(graph);
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    const Tensor* tensor = graph.constant(id);
    if (tensor == nullptr || (uses.consumers(id).empty() && !graph.is_output(id))) continue;
    if (!without.contains(graph.value(id).name)) constants[graph.value(id).name] = tensor;
  }
  return constants;
}

ConstantDifference compare_constant(const std::string& value, const Tensor& a, const Tensor& b) {
  ConstantDifference difference{.value = value, .a = a.str(), .b = b.str()};
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return difference;
  difference.elements = a.size();
  const std::size_t step = dtype_size(a.dtype());
  for (std::int64_t i = 0; i < a.size(); ++i) {
    const auto at = static_cast<std::size_t>(i) * step;
    difference.differing += !std::equal(a.bytes() + at, a.bytes() + at + step, b.bytes() + at);
  }
  const std::vector<float> x = a.to_floats(), y = b.to_floats();
  for (std::size_t i = 0; i < x.size(); ++i)
    difference.largest = std::max(difference.largest, std::abs(static_cast<double>(x[i]) - y[i]));
  return difference;
}

void compare_constants(const std::map<std::string, const Tensor*>& a,
                       const std::map<std::string, const Tensor*>& b, ModelDiff& diff) {
  for (const auto& [value, left] : a) {
    const auto it = b.find(value);
    if (it == b.end()) {
      diff.constants.push_back({.value = value, .a = left->str(), .b = {}});
      continue;
    }
    ++diff.compared_constants;
    if (tensor_digest(*left) != tensor_digest(*it->second))
      diff.constants.push_back(compare_constant(value, *left, *it->second));
  }
  for (const auto& [value, right] : b)
    if (!a.contains(value)) diff.constants.push_back({.value = value, .a = {}, .b = right->str()});
  std::ranges::stable_sort(diff.constants, std::greater{}, [](const ConstantDifference& d) {
    return d.elements == 0 ? 1.0
                           : static_cast<double>(d.differing) / static_cast<double>(d.elements);
  });
}

std::string values_text(const Graph& graph, const std::vector<ValueId>& values) {
  std::string text;
  for (const ValueId id : values)
    text += (text.empty() ? "" : ", ") + (id == kNoValue ? "''" : graph.value(id).name);
  return text;
}

std::string how_node_differs(const Graph& a, const Node& left, const Graph& b, const Node& right) {
  if (left.op_type != right.op_type || left.domain != right.domain)
    return "is " + left.op_type + " in the first, " + right.op_type + " in the second";
  const std::string from = values_text(a, left.inputs), to = values_text(b, right.inputs);
  if (from != to) return "reads " + from + " in the first, " + to + " in the second";
  return values_text(a, left.outputs) == values_text(b, right.outputs)
             ? "has other attributes"
             : "makes values of other names";
}

// Without scales and zero points, which are compared by what they belong to: equal ones are often
// one constant, so that another value of one changes the names of others. Without bodies, which are
// compared by themselves.
Node without_parameters(const Graph& graph, Node node, const std::set<std::string>& names) {
  for (ValueId& input : node.inputs)
    if (input != kNoValue && names.contains(graph.value(input).name)) input = kNoValue;
  edit_bodies(node, [](Graph& body) { body = Graph(); });
  return node;
}

void compare_nodes(const Graph& a, const Graph& b, const std::set<std::string>& parameters,
                   ModelDiff& diff) {
  std::map<std::string_view, const Node*> others;
  for (const Node& node : b.nodes()) others[node.name] = &node;
  for (const Node& node : a.nodes()) {
    const auto it = others.find(node.name);
    if (it == others.end()) {
      diff.structure.push_back({node.label(), "is in the first alone"});
      continue;
    }
    ++diff.compared_nodes;
    const Node left = without_parameters(a, node, parameters),
               right = without_parameters(b, *it->second, parameters);
    if (node_digest(a, left) != node_digest(b, right))
      diff.structure.push_back({node.label(), how_node_differs(a, left, b, right)});
    others.erase(it);
  }
  for (const Node& node : b.nodes())
    if (others.contains(node.name))
      diff.structure.push_back({node.label(), "is in the second alone"});
}

// "x float[1, 3, 224, 224]", one for each.
std::string declarations(const Graph& graph, const std::vector<ValueId>& values) {
  std::string text;
  for (const ValueId id : values)
    text +=
        (text.empty() ? "" : ", ") + graph.value(id).name + " " + type_text(graph.value(id).type);
  return text;
}

void compare_interface(const Model& a, const Model& b, ModelDiff& diff) {
  const auto numbers = [&](const std::string& what, std::int64_t x, std::int64_t y) {
    if (x != y) diff.structure.push_back({what, std::to_string(x) + " and " + std::to_string(y)});
  };
  numbers("IR version", a.ir_version, b.ir_version);
  std::set<std::string> domains;
  for (const Model* model : {&a, &b})
    for (const auto& [domain, version] : model->graph.opsets) domains.insert(domain);
  for (const std::string& domain : domains)
    numbers("opset of " + (domain.empty() ? "ai.onnx" : domain), a.graph.opset(domain),
            b.graph.opset(domain));
  const auto names = [&](const std::string& what, const std::string& x, const std::string& y) {
    if (x != y) diff.structure.push_back({what, x + " and " + y});
  };
  names("inputs", declarations(a.graph, a.graph.inputs()), declarations(b.graph, b.graph.inputs()));
  names("outputs", declarations(a.graph, a.graph.outputs()),
        declarations(b.graph, b.graph.outputs()));
}

void compare_metadata(const Model& a, const Model& b, ModelDiff& diff) {
  std::map<std::string, std::pair<std::string, std::string>> entries;
  for (const auto& [key, value] : a.metadata) entries[key].first = value;
  for (const auto& [key, value] : b.metadata) entries[key].second = value;
  for (const auto& [key, values] : entries)
    if (values.first != values.second) diff.metadata.push_back({key, values.first, values.second});
}

void compare_graphs(const Graph& a, const Graph& b, ModelDiff& diff) {
  std::set<std::string> parameters;  // names of scales and zero points, in either
  const ParametersByValue left = parameters_of(a, parameters), right = parameters_of(b, parameters);
  compare_nodes(a, b, parameters, diff);
  compare_parameters(left, right, diff);
  compare_constants(constants_of(a, parameters), constants_of(b, parameters), diff);
}

}  // namespace

ModelDiff diff_models(const Model& a, const Model& b) {
  ModelDiff diff;
  compare_interface(a, b, diff);
  Graph left = a.graph, right = b.graph;
  take_outer_constants(left);
  take_outer_constants(right);
  const std::vector<PlacedGraph> others = with_bodies(right);
  for (const PlacedGraph& placed : with_bodies(left)) {
    // Where there is none, its node is in the first alone, and is named for that.
    const auto other = std::ranges::find(others, placed.place, &PlacedGraph::place);
    if (other != others.end()) compare_graphs(*placed.graph, *other->graph, diff);
  }
  compare_metadata(a, b, diff);
  return diff;
}

}  // namespace q8

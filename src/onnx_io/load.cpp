#include "onnx_io/load.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/file.h"
#include "graph/unpack_lists.h"
#include "onnx_io/inline_functions.h"
#include "onnx_io/large_weights.h"
#include "onnx_io/metadata_props.h"
#include "onnx_io/parse.h"
#include "onnx_io/tensor_bytes.h"
#include "onnx_io/tensor_proto.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

std::string canonical_domain(const std::string& domain) {
  return domain == "ai.onnx" ? "" : domain;
}

TypeInfo type_info(const onnx::ValueInfoProto& info) {
  TypeInfo type;
  if (!info.has_type()) return type;
  if (!info.type().has_tensor_type()) {
    if (info.type().value_case() == onnx::TypeProto::VALUE_NOT_SET) return type;
    throw unsupported("the value '" + info.name() +
                      "' is a sequence, map, optional or sparse tensor");
  }
  const auto& tensor = info.type().tensor_type();
  try {
    if (tensor.elem_type() != 0) type.dtype = dtype_of_proto(tensor.elem_type());
  } catch (const Error& error) {
    throw error.within("value '" + info.name() + "'");
  }
  if (!tensor.has_shape()) return type;
  type.dims.emplace();
  for (const auto& dim : tensor.shape().dim()) {
    const bool known =
        dim.value_case() == onnx::TensorShapeProto::Dimension::kDimValue && dim.dim_value() >= 0;
    type.dims->push_back(known ? dim.dim_value() : kUnknownDim);
    type.dim_names.push_back(known ? "" : dim.dim_param());
  }
  return type;
}

// A value's description may stand at its initializer, its input or output, and in value_info: the
// first counts.
template <typename Message>
void read_annotations(const Message& proto, Value& value) {
  if (value.doc.empty()) value.doc = proto.doc_string();
  if (value.metadata.empty()) value.metadata = read_metadata(proto);
}

// What a model's own file holds beside the ModelProto that protobuf read.
struct LargeWeights {
  std::shared_ptr<const MappedFile> file = {};
  std::map<std::string, std::span<const std::byte>, std::less<>> bytes = {};
};
const LargeWeights kNoLargeWeights;

// Builds one Graph from a GraphProto; subgraphs are built by further builders that know their
// parent.
class GraphBuilder {
 public:
  // `weights`: what lies in `file` and not in the initializers and Constant nodes.
  GraphBuilder(onnx::GraphProto& proto, ExternalData& external, GraphBuilder* parent,
               const LargeWeights& weights = kNoLargeWeights)
      : proto_(proto), external_(external), parent_(parent), weights_(weights) {}

  Graph build(const std::map<std::string, std::int64_t, std::less<>>& opsets) {
    graph_.opsets = opsets;
    graph_.name = proto_.name();
    graph_.doc = proto_.doc_string();
    graph_.metadata = read_metadata(proto_);
    if (proto_.sparse_initializer_size() > 0)
      throw unsupported("the initializer '" + proto_.sparse_initializer(0).values().name() +
                        "' is sparse, which is not supported");
    read_initializers();
    read_inputs();
    read_nodes();
    for (const auto& output : proto_.output()) {
      const ValueId id = resolve(output.name());
      if (id == kNoValue)
        throw bad_input("nothing makes the graph's output '" + output.name() + "'");
      TypeInfo type = type_info(output);
      if (type.dtype) graph_.value(id).type = std::move(type);
      read_annotations(output, graph_.value(id));
      graph_.add_output(id);
    }
    read_value_info();
    read_quantization_annotations();
    return std::move(graph_);
  }

 private:
  void read_initializers() {
    for (int i = 0; i < proto_.initializer_size(); ++i) {
      onnx::TensorProto& tensor = *proto_.mutable_initializer(i);
      const std::string name = tensor.name();
      if (name.empty()) throw bad_input("an initializer has no name");
      if (graph_.find_value(name) != kNoValue)
        throw bad_input("the initializer '" + name + "' stands twice in the model");
      try {
        const ValueId id = graph_.add_constant(name, take(tensor, name));
        read_annotations(tensor, graph_.value(id));
      } catch (const Error& error) {
        throw error.within("initializer '" + name + "'");
      }
    }
  }

  Tensor take(onnx::TensorProto& proto, std::string_view value) {
    const auto large = weights_.bytes.find(value);
    if (large == weights_.bytes.end()) return take_tensor(proto, external_);
    return take_tensor(proto, weights_.file, large->second);
  }

  void read_inputs() {
    std::set<std::string> seen;
    for (const auto& input : proto_.input()) {
      if (input.name().empty()) throw bad_input("an input of the model has no name");
      if (!seen.insert(input.name()).second)
        throw bad_input("the input '" + input.name() + "' stands twice in the model");
      const ValueId known = graph_.find_value(input.name());
      // Initializers listed as inputs (IR version 3) are constants with a default nobody overrides.
      if (known != kNoValue) continue;
      const ValueId id = graph_.add_value(input.name());
      graph_.value(id).type = type_info(input);
      read_annotations(input, graph_.value(id));
      graph_.add_input(id);
    }
  }

  void read_nodes() {
    std::set<std::string> taken;
    for (const auto& node : proto_.node()) taken.insert(node.name());
    // Outputs first: nodes may stand in any order, and a name made here hides none of the enclosing
    // graph.
    for (auto& node : *proto_.mutable_node()) {
      for (const auto& output : node.output()) {
        if (output.empty()) continue;
        if (graph_.find_value(output) != kNoValue)
          throw bad_input("the value '" + output + "' is made twice, the second time by " +
                          node.op_type() + " '" + node.name() + "'");
        graph_.add_value(output);
      }
    }
    std::set<std::string> used;
    int index = 0;
    for (auto& node : *proto_.mutable_node()) {
      std::string name = node.name();
      if (name.empty() || used.contains(name)) {
        const std::string stem = name.empty() ? node.op_type() : name;
        name = stem + "_" + std::to_string(index);
        while (taken.contains(name)) name += "_";
        taken.insert(name);
      }
      used.insert(name);
      ++index;
      try {
        read_node(node, name);
      } catch (const Error& error) {
        throw error.within(node.op_type() + " '" + name + "'");
      }
      onnx::NodeProto().Swap(&node);  // no tensor of a node stands in memory twice for long
    }
  }

  void read_node(onnx::NodeProto& proto, const std::string& name) {
    Node node;
    node.name = name;
    node.domain = canonical_domain(proto.domain());
    node.op_type = proto.op_type();
    node.doc = proto.doc_string();
    node.metadata = read_metadata(proto);
    for (const auto& input : proto.input()) {
      if (input.empty()) {
        node.inputs.push_back(kNoValue);
        continue;
      }
      const ValueId id = resolve(input);
      if (id == kNoValue) throw bad_input("reads '" + input + "', which nothing makes");
      node.inputs.push_back(id);
    }
    for (const auto& output : proto.output())
      node.outputs.push_back(output.empty() ? kNoValue : graph_.find_value(output));
    const bool is_constant = node.is("Constant") && proto.output_size() == 1;
    for (auto& attribute : *proto.mutable_attribute()) {
      try {
        node.attributes.set(attribute.name(),
                            read_attribute(attribute, is_constant ? proto.output(0) : ""));
      } catch (const Error& error) {
        throw error.within("attribute '" + attribute.name() + "'");
      }
    }
    if (is_constant && node.outputs[0] != kNoValue) {
      graph_.value(node.outputs[0]).constant = constant_value(node);
      return;
    }
    graph_.append_node(std::move(node));
  }

  // `value`: what the node defines, if it is a Constant.
  Attribute read_attribute(onnx::AttributeProto& proto, std::string_view value) {
    switch (proto.type()) {
      case onnx::AttributeProto::INT:
        return proto.i();
      case onnx::AttributeProto::FLOAT:
        return proto.f();
      case onnx::AttributeProto::STRING:
        return proto.s();
      case onnx::AttributeProto::INTS:
        return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
      case onnx::AttributeProto::FLOATS:
        return std::vector<float>(proto.floats().begin(), proto.floats().end());
      case onnx::AttributeProto::STRINGS:
        return std::vector<std::string>(proto.strings().begin(), proto.strings().end());
      case onnx::AttributeProto::TENSOR:
        return take(*proto.mutable_t(), value);
      case onnx::AttributeProto::GRAPH:
        return std::make_shared<const Graph>(
            GraphBuilder(*proto.mutable_g(), external_, this).build(graph_.opsets));
      default:
        throw unsupported("has type number " + std::to_string(static_cast<int>(proto.type())) +
                          ", which is not supported");
    }
  }

  // The tensor of a Constant node, in any of the forms that opsets 1 to 13 gave it.
  static Tensor constant_value(const Node& node) {
    const Attributes& a = node.attributes;
    if (a.has("value")) return a.need_tensor("value");
    if (a.has("value_float")) return Tensor::scalar(a.get_float("value_float", 0));
    if (a.has("value_int")) return Tensor::scalar(a.need_int("value_int"));
    if (a.has("value_ints")) return Tensor::of_int64(a.get_ints("value_ints"));
    if (a.has("value_floats")) {
      const auto values = a.get_floats("value_floats");
      return Tensor::of<float>(Shape{static_cast<std::int64_t>(values.size())}, values);
    }
    throw unsupported("a constant that is not a dense tensor of numbers is not supported");
  }

  // A value of this graph, or one of an enclosing graph, which becomes a capture.
  ValueId resolve(const std::string& name) {
    if (const ValueId id = graph_.find_value(name); id != kNoValue) return id;
    if (parent_ == nullptr) return kNoValue;
    const ValueId outer = parent_->resolve(name);
    if (outer == kNoValue) return kNoValue;
    const ValueId inner = graph_.add_value(name);
    graph_.value(inner).type = parent_->graph_.value(outer).type;
    graph_.add_capture({outer, inner});
    return inner;
  }

  void read_value_info() {
    for (const auto& info : proto_.value_info()) {
      const ValueId id = graph_.find_value(info.name());
      if (id == kNoValue) continue;
      // A list inside the model is the business of the operators that make and read it.
      if (!graph_.value(id).constant && info.type().has_tensor_type())
        graph_.value(id).type = type_info(info);
      read_annotations(info, graph_.value(id));
    }
  }

  void read_quantization_annotations() {
    for (const auto& proto : proto_.quantization_annotation()) {
      QuantizationAnnotation annotation{.value = graph_.find_value(proto.tensor_name()),
                                        .parameters = {}};
      if (annotation.value == kNoValue) continue;
      for (const auto& entry : proto.quant_parameter_tensor_names())
        if (const ValueId id = graph_.find_value(entry.value()); id != kNoValue)
          annotation.parameters.emplace_back(entry.key(), id);
      graph_.annotations.push_back(std::move(annotation));
    }
  }

  onnx::GraphProto& proto_;
  ExternalData& external_;
  GraphBuilder* parent_;
  const LargeWeights& weights_;
  Graph graph_;
};

void check_header(const onnx::ModelProto& proto) {
  constexpr int kNewestIr = 13;
  if (!proto.has_graph()) throw bad_input("not an ONNX model: it holds no graph");
  if (proto.ir_version() < 3)
    throw unsupported("IR version " + std::to_string(proto.ir_version()) + "; q8 reads 3 to 13");
  if (proto.ir_version() > kNewestIr)
    throw unsupported("IR version " + std::to_string(proto.ir_version()) +
                      " is newer than what q8 reads (3 to 13)");
  if (proto.opset_import_size() == 0) throw bad_input("the model imports no operator set");
}

bool has_standard_node(const onnx::GraphProto& graph) {
  return std::any_of(graph.node().begin(), graph.node().end(), [](const onnx::NodeProto& node) {
    return canonical_domain(node.domain()).empty();
  });
}

Model build(onnx::ModelProto& proto, const fs::path& path, const LargeWeights& weights) {
  check_header(proto);
  inline_functions(proto);
  Model model;
  model.ir_version = proto.ir_version();
  model.producer_name = proto.producer_name();
  model.producer_version = proto.producer_version();
  model.domain = proto.domain();
  model.model_version = proto.model_version();
  model.doc = proto.doc_string();
  for (const auto& entry : proto.metadata_props())
    model.metadata.emplace_back(entry.key(), entry.value());
  std::map<std::string, std::int64_t, std::less<>> opsets;
  for (const auto& import : proto.opset_import()) {
    const auto [entry, is_new] =
        opsets.try_emplace(canonical_domain(import.domain()), import.version());
    if (!is_new && entry->second != import.version())
      throw bad_input("the model imports two versions of the operator set '" + entry->first +
                      "': " + std::to_string(entry->second) + " and " +
                      std::to_string(import.version()));
  }
  constexpr std::int64_t kOldest = 7, kNewest = 25;
  if (const auto it = opsets.find("");
      it != opsets.end() && (it->second < kOldest || it->second > kNewest))
    throw unsupported("opset " + std::to_string(it->second) + "; q8 reads 7 to 25");
  if (!opsets.contains("") && has_standard_node(proto.graph()))
    throw bad_input("the model imports no version of the standard operator set");
  ExternalData external(path);
  model.graph = GraphBuilder(*proto.mutable_graph(), external, nullptr, weights).build(opsets);
  model.external_files = external.files();
  verify(model.graph);
  unpack_lists(model.graph);
  model.graph.tidy();
  return model;
}

}  // namespace

Model load_model(const fs::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  try {
    auto split = split_large_weights(*file);
    onnx::ModelProto proto = parse_model(split ? split->rest : file->text());
    LargeWeights weights{.file = file, .bytes = {}};
    if (split) weights.bytes = std::move(split->weights);
    split.reset();
    return build(proto, path, weights);
  } catch (const Error& error) {
    throw error.within(path.string());
  }
}

std::pair<std::string, Tensor> parse_tensor(std::span<const std::byte> bytes) {
  onnx::TensorProto proto =
      parse_tensor_proto({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (proto.data_location() == onnx::TensorProto::EXTERNAL)
    throw bad_input("a tensor with external data cannot stand alone");
  ExternalData none({});
  std::string name = proto.name();
  return {std::move(name), take_tensor(proto, none)};
}

Tensor load_tensor(const fs::path& path) {
  const MappedFile file(path);
  try {
    return parse_tensor(file.bytes()).second;
  } catch (const Error& error) {
    throw error.within(path.string());
  }
}

}  // namespace q8

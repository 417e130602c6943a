#include "onnx_io/save.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "base/file.h"
#include "onnx_io/tensor_proto.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

// Where large initializers go: into the model itself, or one after the other into a file beside it.
struct WeightSink {
  AtomicFile* file = nullptr;
  std::string location;
  std::uint64_t written = 0;

  void put(const Tensor& tensor, onnx::TensorProto& proto) {
    constexpr std::size_t kKeepBelow = 1024;
    if (file == nullptr || tensor.size_bytes() < kKeepBelow) {
      put_tensor(tensor, proto);
      return;
    }
    constexpr std::uint64_t kPage = 4096;  // so that readers can map each tensor
    const std::string padding((kPage - written % kPage) % kPage, '\0');
    file->write(padding);
    written += padding.size();
    const bool packed = tensor.dtype() == DType::kS4 || tensor.dtype() == DType::kU4;
    const std::string bytes = packed ? raw_bytes(tensor) : std::string();
    const auto content =
        packed ? std::as_bytes(std::span(bytes)) : std::span(tensor.bytes(), tensor.size_bytes());
    file->write(content);
    proto.set_data_type(proto_of_dtype(tensor.dtype()));
    for (const std::int64_t dim : tensor.shape()) proto.add_dims(dim);
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    add(proto, "location", location);
    add(proto, "offset", std::to_string(written));
    add(proto, "length", std::to_string(content.size()));
    written += content.size();
  }

 private:
  static void add(onnx::TensorProto& proto, const char* key, const std::string& value) {
    auto* entry = proto.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
};

void put_value_info(const Value& value, onnx::ValueInfoProto& info) {
  info.set_name(value.name);
  if (!value.type.dtype) return;
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(proto_of_dtype(*value.type.dtype));
  if (!value.type.dims) return;
  tensor->mutable_shape();
  for (std::size_t axis = 0; axis < value.type.dims->size(); ++axis) {
    auto* dim = tensor->mutable_shape()->add_dim();
    if ((*value.type.dims)[axis] != kUnknownDim)
      dim->set_dim_value((*value.type.dims)[axis]);
    else if (axis < value.type.dim_names.size() && !value.type.dim_names[axis].empty())
      dim->set_dim_param(value.type.dim_names[axis]);
  }
}

class GraphWriter {
 public:
  GraphWriter(const Graph& graph, std::int64_t ir_version, WeightSink& sink)
      : graph_(graph), ir_version_(ir_version), sink_(sink) {}

  void write(onnx::GraphProto& proto) {
    proto.set_name(graph_.name.empty() ? "graph" : graph_.name);
    for (const ValueId id : graph_.inputs()) put_value_info(graph_.value(id), *proto.add_input());
    for (const ValueId id : graph_.outputs()) put_value_info(graph_.value(id), *proto.add_output());
    for (const ValueId id : read_constants()) write_constant(id, proto);
    for (const Node& node : graph_.nodes()) {
      write_node(node, *proto.add_node());
      for (const ValueId id : node.outputs)
        if (id != kNoValue && !graph_.is_output(id) && graph_.value(id).type.dtype)
          put_value_info(graph_.value(id), *proto.add_value_info());
    }
  }

 private:
  // In the order of their ids, so that the file does not depend on who reads them first.
  std::vector<ValueId> read_constants() const {
    const Uses uses(graph_);
    std::vector<ValueId> read;
    for (ValueId id = 0; id < graph_.value_count(); ++id)
      if (graph_.value(id).constant && (!uses.consumers(id).empty() || graph_.is_output(id)))
        read.push_back(id);
    return read;
  }

  void write_constant(ValueId id, onnx::GraphProto& proto) {
    const Value& value = graph_.value(id);
    auto* tensor = proto.add_initializer();
    tensor->set_name(value.name);
    sink_.put(*value.constant, *tensor);
    if (ir_version_ >= 4) return;
    // Before IR version 4 every initializer has to be an input as well.
    Value listed{.name = value.name, .type = {}, .constant = {}};
    listed.type.dtype = value.constant->dtype();
    const auto dims = value.constant->shape().dims();
    listed.type.dims.emplace(dims.begin(), dims.end());
    put_value_info(listed, *proto.add_input());
  }

  void write_node(const Node& node, onnx::NodeProto& proto) {
    proto.set_name(node.name);
    proto.set_op_type(node.op_type);
    proto.set_domain(node.domain);
    if (!node.doc.empty()) proto.set_doc_string(node.doc);
    const auto name_of = [&](ValueId id) { return id == kNoValue ? "" : graph_.value(id).name; };
    for (const ValueId id : node.inputs) proto.add_input(name_of(id));
    for (const ValueId id : node.outputs) proto.add_output(name_of(id));
    for (const auto& [name, attribute] : node.attributes) {
      auto* out = proto.add_attribute();
      out->set_name(name);
      std::visit([&](const auto& value) { write_attribute(value, *out); }, attribute);
    }
  }

  void write_attribute(std::int64_t value, onnx::AttributeProto& out) {
    out.set_type(onnx::AttributeProto::INT);
    out.set_i(value);
  }
  void write_attribute(float value, onnx::AttributeProto& out) {
    out.set_type(onnx::AttributeProto::FLOAT);
    out.set_f(value);
  }
  void write_attribute(const std::string& value, onnx::AttributeProto& out) {
    out.set_type(onnx::AttributeProto::STRING);
    out.set_s(value);
  }
  void write_attribute(const Tensor& value, onnx::AttributeProto& out) {
    out.set_type(onnx::AttributeProto::TENSOR);
    put_tensor(value, *out.mutable_t());
  }
  void write_attribute(const std::shared_ptr<const Graph>& value, onnx::AttributeProto& out) {
    out.set_type(onnx::AttributeProto::GRAPH);
    WeightSink inside;
    GraphWriter(*value, std::max<std::int64_t>(ir_version_, 4), inside).write(*out.mutable_g());
  }
  void write_attribute(const std::vector<std::int64_t>& values, onnx::AttributeProto& out) {
    out.set_type(onnx::AttributeProto::INTS);
    out.mutable_ints()->Add(values.begin(), values.end());
  }
  void write_attribute(const std::vector<float>& values, onnx::AttributeProto& out) {
    out.set_type(onnx::AttributeProto::FLOATS);
    out.mutable_floats()->Add(values.begin(), values.end());
  }
  void write_attribute(const std::vector<std::string>& values, onnx::AttributeProto& out) {
    out.set_type(onnx::AttributeProto::STRINGS);
    for (const std::string& value : values) out.add_strings(value);
  }

  const Graph& graph_;
  std::int64_t ir_version_;
  WeightSink& sink_;
};

onnx::ModelProto to_proto(const Model& model, WeightSink& sink) {
  onnx::ModelProto proto;
  proto.set_ir_version(model.ir_version);
  proto.set_producer_name(model.producer_name);
  proto.set_producer_version(model.producer_version);
  proto.set_domain(model.domain);
  proto.set_model_version(model.model_version);
  proto.set_doc_string(model.doc);
  for (const auto& [domain, version] : model.graph.opsets) {
    auto* import = proto.add_opset_import();
    import->set_domain(domain);
    import->set_version(version);
  }
  for (const auto& [key, value] : model.metadata) {
    auto* entry = proto.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  GraphWriter(model.graph, model.ir_version, sink).write(*proto.mutable_graph());
  return proto;
}

std::string serialize(const onnx::ModelProto& proto) {
  constexpr std::size_t kProtobufLimit = 0x7fffffff;
  if (proto.ByteSizeLong() > kProtobufLimit)
    throw bad_input("the model is larger than 2 GB, which protobuf cannot write in one file");
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  Q8_ASSERT(proto.SerializeToCodedStream(&coded));
  coded.Trim();
  return bytes;
}

std::uint64_t weight_bytes(const Graph& graph) {
  std::uint64_t total = 0;
  for (const Value& value : graph.values())
    if (value.constant) total += value.constant->size_bytes();
  return total;
}

}  // namespace

std::string serialize_model(const Model& model) {
  WeightSink inside;
  return serialize(to_proto(model, inside));
}

void save_model(const Model& model, const fs::path& path, std::uint64_t one_file_limit) {
  if (weight_bytes(model.graph) <= one_file_limit) {
    write_file_atomically(path, serialize_model(model));
    return;
  }
  fs::path data_path = path;
  data_path += ".data";
  AtomicFile data(data_path);
  WeightSink outside{.file = &data, .location = data_path.filename().string()};
  const std::string bytes = serialize(to_proto(model, outside));
  AtomicFile file(path);
  file.write(bytes);
  data.commit();
  file.commit();
}

}  // namespace q8

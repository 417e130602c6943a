#include "onnx_io/save.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <functional>
#include <set>
#include <span>

#include "base/file.h"
#include "onnx_io/metadata_props.h"
#include "onnx_io/tensor_proto.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

using Write = std::function<void(std::span<const std::byte>)>;

void write_data(const Tensor& tensor, const Write& write) {
  if (is_stored_as_it_lies(tensor)) return write({tensor.bytes(), tensor.size_bytes()});
  const std::string packed = raw_bytes(tensor);
  write(std::as_bytes(std::span(packed)));
}

// Where large initializers of the model's own graph go: behind the rest of the graph in the same
// file, straight from where they lie in memory, or one after the other into a file beside it.
struct WeightSink {
  struct Behind {
    onnx::TensorProto header;  // without the data
    Tensor tensor;
  };

  AtomicFile* file = nullptr;
  std::string location = {};
  std::uint64_t written = 0;
  std::vector<Behind> behind = {};

  static bool is_large(const Tensor& tensor) { return tensor.size_bytes() >= 1024; }

  void put(const Tensor& tensor, onnx::GraphProto& graph, onnx::TensorProto header) {
    if (!is_large(tensor)) {
      put_tensor(tensor, header);
      *graph.add_initializer() = std::move(header);
      return;
    }
    put_type(tensor, header);
    if (file == nullptr) {
      behind.push_back({.header = std::move(header), .tensor = tensor});
      return;
    }
    put_beside(tensor, header);
    *graph.add_initializer() = std::move(header);
  }

 private:
  void put_beside(const Tensor& tensor, onnx::TensorProto& header) {
    constexpr std::uint64_t kPage = 4096;  // so that readers can map each tensor
    const std::string padding((kPage - written % kPage) % kPage, '\0');
    file->write(padding);
    written += padding.size();
    write_data(tensor, [this](std::span<const std::byte> bytes) { file->write(bytes); });
    header.set_data_location(onnx::TensorProto::EXTERNAL);
    add(header, "location", location);
    add(header, "offset", std::to_string(written));
    add(header, "length", std::to_string(raw_size(tensor)));
    written += raw_size(tensor);
  }

  static void add(onnx::TensorProto& proto, const char* key, const std::string& value) {
    auto* entry = proto.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
};

template <typename Message>
void put_annotations(const std::string& doc, const MetadataProps& metadata, Message& proto) {
  if (!doc.empty()) proto.set_doc_string(doc);
  put_metadata(metadata, proto);
}

void put_value_info(const Value& value, onnx::ValueInfoProto& info) {
  info.set_name(value.name);
  put_annotations(value.doc, value.metadata, info);
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
  // `sink`: null for the graphs inside nodes, which keep all of their weights.
  GraphWriter(const Graph& graph, std::int64_t ir_version, WeightSink* sink)
      : graph_(graph), ir_version_(ir_version), sink_(sink) {}

  void write(onnx::GraphProto& proto) {
    proto.set_name(graph_.name.empty() ? "graph" : graph_.name);
    put_annotations(graph_.doc, graph_.metadata, proto);
    for (const ValueId id : graph_.inputs()) put_value_info(graph_.value(id), *proto.add_input());
    for (const ValueId id : graph_.outputs()) put_value_info(graph_.value(id), *proto.add_output());
    for (const ValueId id : read_constants()) write_constant(id, proto);
    for (const Node& node : graph_.nodes()) {
      write_node(node, *proto.add_node());
      for (const ValueId id : node.outputs)
        if (id != kNoValue && !graph_.is_output(id) && is_described(graph_.value(id)))
          put_value_info(graph_.value(id), *proto.add_value_info());
    }
    write_quantization_annotations(proto);
  }

 private:
  static bool is_described(const Value& value) {
    return value.type.dtype || !value.doc.empty() || !value.metadata.empty();
  }

  // The small ones first, as the large ones are written last; else in the order of their ids, so
  // that the file does not depend on who reads them first.
  std::vector<ValueId> read_constants() const {
    const Uses uses(graph_);
    std::set<ValueId> named;
    for (const QuantizationAnnotation& annotation : graph_.annotations)
      for (const auto& [key, id] : annotation.parameters) named.insert(id);
    std::vector<ValueId> read;
    for (ValueId id = 0; id < graph_.value_count(); ++id)
      if (graph_.value(id).constant &&
          (!uses.consumers(id).empty() || graph_.is_output(id) || named.contains(id)))
        read.push_back(id);
    std::stable_partition(read.begin(), read.end(), [this](ValueId id) {
      return !WeightSink::is_large(*graph_.value(id).constant);
    });
    return read;
  }

  void write_quantization_annotations(onnx::GraphProto& proto) {
    for (const QuantizationAnnotation& annotation : graph_.annotations) {
      auto* written = proto.add_quantization_annotation();
      written->set_tensor_name(graph_.value(annotation.value).name);
      for (const auto& [key, id] : annotation.parameters) {
        auto* entry = written->add_quant_parameter_tensor_names();
        entry->set_key(key);
        entry->set_value(graph_.value(id).name);
      }
    }
  }

  void write_constant(ValueId id, onnx::GraphProto& proto) {
    const Value& value = graph_.value(id);
    onnx::TensorProto header;
    header.set_name(value.name);
    put_annotations(value.doc, value.metadata, header);
    if (sink_ != nullptr) {
      sink_->put(*value.constant, proto, std::move(header));
    } else {
      put_tensor(*value.constant, header);
      *proto.add_initializer() = std::move(header);
    }
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
    put_annotations(node.doc, node.metadata, proto);
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
    GraphWriter(*value, std::max<std::int64_t>(ir_version_, 4), nullptr).write(*out.mutable_g());
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
  WeightSink* sink_;
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
  GraphWriter(model.graph, model.ir_version, &sink).write(*proto.mutable_graph());
  return proto;
}

template <typename Message>
std::string serialize(const Message& proto) {
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

// The beginning of a field with a length, in protobuf's encoding.
std::string field_head(unsigned number, std::uint64_t size) {
  std::string head(1, static_cast<char>(number << 3 | 2));
  for (; size >= 128; size >>= 7) head += static_cast<char>((size & 127) | 128);
  head += static_cast<char>(size);
  return head;
}

// A serialized ModelProto. Fields may stand in any order and repeated ones apart: the large weights
// come last, so that no copy of them is made.
void write_one_file(const Model& model, const Write& write) {
  constexpr unsigned kModelGraph = 7, kGraphInitializer = 5, kTensorRawData = 9;  // onnx.proto
  constexpr std::uint64_t kProtobufLimit = 0x7fffffff;
  WeightSink sink;
  onnx::ModelProto proto = to_proto(model, sink);
  const std::string graph = serialize(proto.graph());
  proto.clear_graph();
  const std::string rest = serialize(proto);
  std::vector<std::string> heads;
  std::uint64_t graph_size = graph.size();
  for (const auto& [header, tensor] : sink.behind) {
    const std::uint64_t size = raw_size(tensor);
    const std::string content = serialize(header) + field_head(kTensorRawData, size);
    heads.push_back(field_head(kGraphInitializer, content.size() + size) + content);
    graph_size += heads.back().size() + size;
  }
  if (rest.size() + graph_size > kProtobufLimit)
    throw bad_input("the model is larger than 2 GB, which protobuf cannot read in one file");
  const auto write_text = [&](std::string_view text) { write(std::as_bytes(std::span(text))); };
  write_text(rest);
  write_text(field_head(kModelGraph, graph_size));
  write_text(graph);
  for (std::size_t i = 0; i < heads.size(); ++i) {
    write_text(heads[i]);
    write_data(sink.behind[i].tensor, write);
  }
}

}  // namespace

std::uint64_t weight_bytes(const Graph& graph) {
  std::uint64_t total = 0;
  for (const Value& value : graph.values())
    if (value.constant) total += value.constant->size_bytes();
  return total;
}

std::string serialize_model(const Model& model) {
  std::string bytes;
  write_one_file(model, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

void save_model(const Model& model, const fs::path& path, std::uint64_t one_file_limit) {
  if (weight_bytes(model.graph) <= one_file_limit) {
    AtomicFile file(path);
    write_one_file(model, [&](std::span<const std::byte> part) { file.write(part); });
    file.commit();
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

#pragma once

#include <onnx/onnx_pb.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "data/temporary_folder.h"
#include "onnx_io/load.h"

namespace q8 {

// Builds a model as protobuf, the way any exporter may: nothing here goes through q8.
class SmallModel {
 public:
  explicit SmallModel(std::int64_t opset = 17, std::int64_t ir_version = 8) {
    proto.set_ir_version(ir_version);
    import("", opset);
    graph()->set_name("g");
  }

  onnx::GraphProto* graph() { return proto.mutable_graph(); }
  void import(const std::string& domain, std::int64_t version) {
    auto* opset = proto.add_opset_import();
    opset->set_domain(domain);
    opset->set_version(version);
  }
  static void describe(onnx::ValueInfoProto* info, const std::string& name,
                       std::initializer_list<std::int64_t> dims, int type = 1) {
    info->set_name(name);
    auto* tensor = info->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    tensor->mutable_shape();
    for (const std::int64_t dim : dims) tensor->mutable_shape()->add_dim()->set_dim_value(dim);
  }
  void input(const std::string& name, std::initializer_list<std::int64_t> dims, int type = 1) {
    describe(graph()->add_input(), name, dims, type);
  }
  void output(const std::string& name, std::initializer_list<std::int64_t> dims, int type = 1) {
    describe(graph()->add_output(), name, dims, type);
  }
  onnx::TensorProto* tensor(const std::string& name, std::initializer_list<std::int64_t> dims,
                            int type = 1) {
    auto* made = graph()->add_initializer();
    made->set_name(name);
    made->set_data_type(type);
    for (const std::int64_t dim : dims) made->add_dims(dim);
    return made;
  }
  template <typename Target>
  static onnx::NodeProto* node_in(Target* target, const std::string& type,
                                  std::initializer_list<std::string> inputs,
                                  std::initializer_list<std::string> outputs,
                                  const std::string& name = "", const std::string& domain = "") {
    auto* made = target->add_node();
    made->set_op_type(type);
    made->set_name(name);
    made->set_domain(domain);
    for (const auto& input : inputs) made->add_input(input);
    for (const auto& output : outputs) made->add_output(output);
    return made;
  }
  onnx::NodeProto* node(const std::string& type, std::initializer_list<std::string> inputs,
                        std::initializer_list<std::string> outputs, const std::string& name = "",
                        const std::string& domain = "") {
    return node_in(graph(), type, inputs, outputs, name, domain);
  }
  static onnx::AttributeProto* attribute(onnx::NodeProto* node, const std::string& name,
                                         onnx::AttributeProto::AttributeType type) {
    auto* made = node->add_attribute();
    made->set_name(name);
    made->set_type(type);
    return made;
  }

  Model load() const {
    const TemporaryFolder folder;
    return load_model(folder.write("model.onnx", proto.SerializeAsString()));
  }

  onnx::ModelProto proto;
};

// x → Relu → y.
inline SmallModel relu_model(std::int64_t opset = 17, std::int64_t ir_version = 8) {
  SmallModel m(opset, ir_version);
  m.input("x", {2});
  m.node("Relu", {"x"}, {"y"}, "relu");
  m.output("y", {2});
  return m;
}

}  // namespace q8

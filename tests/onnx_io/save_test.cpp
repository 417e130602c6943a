#include "onnx_io/save.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/file.h"
#include "onnx_io/small_model.h"

namespace q8 {
namespace {

SmallModel rich_model(std::int64_t ir_version = 8) {
  SmallModel m(17, ir_version);
  m.proto.set_producer_name("maker");
  m.proto.set_producer_version("1.2");
  m.proto.set_domain("d");
  m.proto.set_model_version(5);
  m.proto.set_doc_string("about");
  auto* entry = m.proto.add_metadata_props();
  entry->set_key("key");
  entry->set_value("value");
  m.input("x", {1, 512});
  m.graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->set_dim_param("batch");
  std::string bytes(2048, '\0');
  for (std::size_t i = 0; i < bytes.size(); i += 4) bytes[i + 1] = static_cast<char>(i);
  m.tensor("w", {512})->set_raw_data(bytes);
  m.tensor("w2", {512})->set_raw_data(bytes);
  m.tensor("axes", {1}, 7)->add_int64_data(1);
  m.node("Add", {"x", "w"}, {"a"}, "add")->set_doc_string("sum");
  m.node("Mul", {"a", "w2"}, {"b"}, "mul");
  m.node("Clip", {"b", "", ""}, {"c"}, "clip");
  m.tensor("cond", {}, 9)->add_int32_data(1);
  auto* branch = m.node("If", {"cond"}, {"y"}, "if");
  for (const auto* name : {"then_branch", "else_branch"}) {
    auto* body = SmallModel::attribute(branch, name, onnx::AttributeProto::GRAPH)->mutable_g();
    body->set_name("body");
    auto* inner = body->add_initializer();
    inner->set_name("inner");
    inner->set_data_type(1);
    inner->add_float_data(2);
    SmallModel::node_in(body, "Mul", {"c", "inner"}, {"r"}, "m");
    SmallModel::describe(body->add_output(), "r", {1, 512});
  }
  m.output("y", {1, 512});
  return m;
}

TEST(SaveModel, LoadingAndSavingAgainGivesTheSameBytes) {
  for (const std::int64_t ir : {3, 8, 13}) {
    const TemporaryFolder folder;
    const Model first = rich_model(ir).load();
    save_model(first, folder / "m.onnx");
    const Model second = load_model(folder / "m.onnx");
    EXPECT_EQ(read_text_file(folder / "m.onnx"), serialize_model(second));
    EXPECT_EQ(serialize_model(first), serialize_model(first));
    EXPECT_EQ(second.ir_version, ir);
  }
}

// The written file as protobuf has it, against what went in.
TEST(SaveModel, KeepsWhatTheModelSays) {
  const SmallModel given = rich_model();
  onnx::ModelProto saved;
  ASSERT_TRUE(saved.ParseFromString(serialize_model(given.load())));
  EXPECT_EQ(saved.producer_name(), "maker");
  EXPECT_EQ(saved.producer_version(), "1.2");
  EXPECT_EQ(saved.model_version(), 5);
  EXPECT_EQ(saved.doc_string(), "about");
  ASSERT_EQ(saved.metadata_props_size(), 1);
  EXPECT_EQ(saved.metadata_props(0).value(), "value");
  EXPECT_EQ(saved.graph().input(0).SerializeAsString(),
            given.proto.graph().input(0).SerializeAsString());
  ASSERT_EQ(saved.graph().node_size(), given.proto.graph().node_size());
  for (int i = 0; i < saved.graph().node_size(); ++i) {
    const auto &now = saved.graph().node(i), &was = given.proto.graph().node(i);
    EXPECT_EQ(now.name(), was.name());
    EXPECT_EQ(now.doc_string(), was.doc_string());
    EXPECT_EQ(std::vector<std::string>(now.input().begin(), now.input().end()),
              std::vector<std::string>(was.input().begin(), was.input().end()));
  }
  EXPECT_EQ(saved.graph().initializer_size(), 3);  // "axes", which nobody reads, is gone
}

// A field that the installed library need not know, as protobuf writes it.
template <typename Message>
void add_metadata(Message& message, int field, const std::string& key, const std::string& value) {
  onnx::StringStringEntryProto entry;
  entry.set_key(key);
  entry.set_value(value);
  message.mutable_unknown_fields()->AddLengthDelimited(field, entry.SerializeAsString());
}

// Field numbers of metadata_props from onnx.proto: GraphProto 16, NodeProto 9, ValueInfoProto 4,
// TensorProto 16.
TEST(SaveModel, KeepsDescriptionsMetadataAndQuantizationAnnotations) {
  SmallModel m(17, 10);
  m.input("x", {1, 4});
  m.tensor("w", {4})->mutable_float_data()->Resize(4, 1.5f);
  m.tensor("scale", {})->add_float_data(0.5f);
  m.node("Mul", {"x", "w"}, {"a"}, "mul");
  m.node("Relu", {"a"}, {"y"}, "relu");
  m.output("y", {1, 4});
  m.graph()->set_doc_string("of the graph");
  add_metadata(*m.graph(), 16, "graph", "g");
  m.graph()->mutable_input(0)->set_doc_string("of x");
  m.graph()->mutable_output(0)->set_doc_string("of y");
  m.graph()->mutable_initializer(0)->set_doc_string("of w");
  add_metadata(*m.graph()->mutable_initializer(0), 16, "tensor", "t");
  add_metadata(*m.graph()->mutable_node(0), 9, "namespace", "layer1/mul");
  add_metadata(*m.graph()->mutable_node(0), 9, "second", "2");
  auto* a = m.graph()->add_value_info();
  SmallModel::describe(a, "a", {1, 4});
  a->set_doc_string("of a");
  add_metadata(*a, 4, "value", "v");
  auto* annotation = m.graph()->add_quantization_annotation();
  annotation->set_tensor_name("a");
  auto* parameter = annotation->add_quant_parameter_tensor_names();
  parameter->set_key("SCALE_TENSOR");
  parameter->set_value("scale");
  onnx::ModelProto saved;
  ASSERT_TRUE(saved.ParseFromString(serialize_model(m.load())));
  const auto &now = saved.graph(), &was = *m.graph();
  EXPECT_EQ(now.doc_string(), "of the graph");
  EXPECT_EQ(now.unknown_fields().field(0).length_delimited(),
            was.unknown_fields().field(0).length_delimited());
  EXPECT_EQ(now.node(0).SerializeAsString(), was.node(0).SerializeAsString());
  EXPECT_EQ(now.input(0).SerializeAsString(), was.input(0).SerializeAsString());
  EXPECT_EQ(now.output(0).SerializeAsString(), was.output(0).SerializeAsString());
  ASSERT_EQ(now.value_info_size(), 1);
  EXPECT_EQ(now.value_info(0).SerializeAsString(), was.value_info(0).SerializeAsString());
  EXPECT_EQ(now.initializer(0).doc_string(), "of w");
  EXPECT_EQ(now.initializer(0).unknown_fields().field(0).length_delimited(),
            was.initializer(0).unknown_fields().field(0).length_delimited());
  ASSERT_EQ(now.quantization_annotation_size(), 1);
  EXPECT_EQ(now.quantization_annotation(0).SerializeAsString(),
            was.quantization_annotation(0).SerializeAsString());
  EXPECT_EQ(now.initializer_size(), 2);  // the scale, which only the annotation names, too
}

TEST(SaveModel, AboveTheLimitWeightsGoBesideTheModel) {
  const TemporaryFolder folder;
  const Model model = rich_model().load();
  save_model(model, folder / "m.onnx", 100);
  EXPECT_TRUE(std::filesystem::exists(folder / "m.onnx.data"));
  onnx::ModelProto saved;
  ASSERT_TRUE(saved.ParseFromString(read_text_file(folder / "m.onnx")));
  EXPECT_EQ(saved.graph().initializer(0).name(), "cond");  // small ones stay inside
  EXPECT_EQ(saved.graph().initializer(1).data_location(), onnx::TensorProto::EXTERNAL);
  EXPECT_EQ(serialize_model(load_model(folder / "m.onnx")), serialize_model(model));
}

TEST(SaveModel, MayReplaceTheFilesItIsReadFrom) {
  const TemporaryFolder folder;
  save_model(rich_model().load(), folder / "m.onnx", 100);
  const Model mapped = load_model(folder / "m.onnx");
  const std::string bytes = serialize_model(mapped);
  save_model(mapped, folder / "m.onnx", 100);
  EXPECT_EQ(serialize_model(mapped), bytes);
  EXPECT_EQ(serialize_model(load_model(folder / "m.onnx")), bytes);
}

}  // namespace
}  // namespace q8

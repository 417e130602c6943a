#include "onnx_io/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "data/thrown.h"
#include "onnx_io/small_model.h"

namespace q8 {
namespace {

using testing::HasSubstr;

TEST(LoadModel, ReadsIrVersions3To13AndOpsets7To25) {
  for (std::int64_t ir = 3; ir <= 13; ++ir) EXPECT_EQ(relu_model(17, ir).load().ir_version, ir);
  for (std::int64_t opset = 7; opset <= 25; ++opset)
    EXPECT_EQ(relu_model(opset).load().graph.opset(), opset);
}

TEST(LoadModel, RefusesOtherVersions) {
  for (const std::int64_t ir : {1, 2, 14})
    EXPECT_THAT(thrown(ErrorKind::kUnsupported, [&] { (void)relu_model(17, ir).load(); }),
                HasSubstr("IR version " + std::to_string(ir)));
  for (const std::int64_t opset : {6, 26})
    EXPECT_THAT(thrown(ErrorKind::kUnsupported, [&] { (void)relu_model(opset).load(); }),
                HasSubstr("opset " + std::to_string(opset)));
}

TEST(LoadModel, WantsOneVersionOfTheStandardOperators) {
  auto none = relu_model();
  none.proto.mutable_opset_import(0)->set_domain("com.microsoft");
  EXPECT_THAT(bad_input_of([&] { (void)none.load(); }), HasSubstr("no version of the standard"));
  auto two = relu_model();
  two.import("ai.onnx", 13);
  EXPECT_THAT(bad_input_of([&] { (void)two.load(); }), HasSubstr("two versions"));
}

TEST(LoadModel, InitializersListedAsInputsAreConstants) {
  SmallModel m(8, 3);
  m.input("x", {1});
  m.input("w", {1});
  m.tensor("w", {1})->add_float_data(3);
  m.node("Add", {"x", "w"}, {"y"});
  m.output("y", {1});
  const Graph graph = m.load().graph;
  ASSERT_EQ(graph.inputs().size(), 1u);
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, "x");
  EXPECT_EQ(graph.constant(graph.find_value("w"))->to_floats()[0], 3);
}

TEST(LoadModel, GivesEveryNodeItsOwnName) {
  SmallModel m;
  m.input("x", {1});
  m.node("Relu", {"x"}, {"a"});
  m.node("Relu", {"a"}, {"b"}, "n");
  m.node("Relu", {"b"}, {"c"}, "n");
  m.node("Relu", {"c"}, {"y"}, "Relu_0");
  m.output("y", {1});
  std::vector<std::string> names;
  const Graph graph = m.load().graph;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
  EXPECT_EQ(names.size(), 4u);
  EXPECT_THAT(names, testing::Contains("n"));
  EXPECT_THAT(names, testing::Contains("Relu_0"));
}

TEST(LoadModel, BringsNodesIntoOrderAndNamesCycles) {
  SmallModel m;
  m.input("x", {1});
  m.node("Relu", {"a"}, {"y"}, "second");
  m.node("Relu", {"x"}, {"a"}, "first");
  m.output("y", {1});
  EXPECT_EQ(m.load().graph.node(0).name, "first");
  m.graph()->mutable_node(1)->set_input(0, "y");
  EXPECT_THAT(bad_input_of([&] { (void)m.load(); }), HasSubstr("cycle through Relu '"));
}

struct Broken {
  const char* message;
  void (*change)(SmallModel& m);
};

const Broken kBroken[] = {
    {"'y' is made twice", [](SmallModel& m) { m.node("Abs", {"x"}, {"y"}, "again"); }},
    {"'x' is made twice", [](SmallModel& m) { m.node("Abs", {"y"}, {"x"}, "again"); }},
    {"the input 'x' stands twice", [](SmallModel& m) { m.input("x", {1}); }},
    {"the initializer 'w' stands twice",
     [](SmallModel& m) {
       m.tensor("w", {0});
       m.tensor("w", {0});
     }},
    {"an initializer has no name", [](SmallModel& m) { m.tensor("", {0}); }},
    {"an input of the model has no name", [](SmallModel& m) { m.input("", {1}); }},
    {"reads 'z', which nothing makes",
     [](SmallModel& m) { m.graph()->mutable_node(0)->set_input(0, "z"); }},
    {"nothing makes the graph's output 'z'", [](SmallModel& m) { m.output("z", {1}); }},
    {"holds no graph", [](SmallModel& m) { m.proto.clear_graph(); }},
    {"imports no operator set", [](SmallModel& m) { m.proto.clear_opset_import(); }},
    {"holds 4 bytes where float[2] needs 8",
     [](SmallModel& m) { m.tensor("w", {2})->set_raw_data("1234"); }},
    {"holds 1 values where float[2] needs 2",
     [](SmallModel& m) { m.tensor("w", {2})->add_float_data(1); }},
    {"negative dimension", [](SmallModel& m) { m.tensor("w", {-1})->set_raw_data(""); }},
};

TEST(LoadModel, SaysWhatIsBroken) {
  for (const Broken& broken : kBroken) {
    auto m = relu_model();
    broken.change(m);
    EXPECT_THAT(bad_input_of([&] { (void)m.load(); }), HasSubstr(broken.message));
  }
}

const Broken kUnsupported[] = {
    {"element type string is not supported",
     [](SmallModel& m) { m.tensor("w", {1}, 8)->add_string_data("s"); }},
    {"value 'text'", [](SmallModel& m) { m.input("text", {1}, 8); }},
    {"float8e4m3fn", [](SmallModel& m) { m.tensor("w", {1}, 17)->set_raw_data("1"); }},
    {"'list' is a sequence",
     [](SmallModel& m) {
       auto* info = m.graph()->add_input();
       info->set_name("list");
       info->mutable_type()->mutable_sequence_type();
     }},
    {"'w' is sparse",
     [](SmallModel& m) { m.graph()->add_sparse_initializer()->mutable_values()->set_name("w"); }},
    {"a constant that is not",
     [](SmallModel& m) {
       SmallModel::attribute(m.node("Constant", {}, {"s"}), "value_string",
                             onnx::AttributeProto::STRING)
           ->set_s("text");
     }},
};

TEST(LoadModel, SaysWhatIsNotSupported) {
  for (const Broken& row : kUnsupported) {
    auto m = relu_model();
    row.change(m);
    EXPECT_THAT(thrown(ErrorKind::kUnsupported, [&] { (void)m.load(); }), HasSubstr(row.message));
  }
}

// Sizes in bytes that would wrap around to the few bytes that are there.
TEST(LoadModel, HugeDimensionsAreRefusedWithoutAllocation) {
  for (const std::int64_t dim : {std::int64_t{1} << 40, std::int64_t{1} << 61,
                                 (std::int64_t{1} << 61) + 1024, (std::int64_t{1} << 62)}) {
    auto m = relu_model();
    m.tensor("w", {dim}, 11)->set_raw_data(std::string(8192, '\0'));
    m.node("Cast", {"w"}, {"z"});
    bad_input_of([&] { (void)m.load(); });
    auto empty = relu_model();
    empty.tensor("w", {dim, dim}, 11)->set_raw_data("");
    bad_input_of([&] { (void)empty.load(); });
  }
}

TEST(LoadModel, AConstantWithoutAnOutputNameDoesNoHarm) {
  auto m = relu_model();
  SmallModel::attribute(m.node("Constant", {}, {""}), "value_float", onnx::AttributeProto::FLOAT);
  EXPECT_EQ(m.load().graph.node_count(), 1);
}

TEST(LoadModel, ConstantNodesOfEveryFormBecomeConstants) {
  SmallModel m;
  using A = onnx::AttributeProto;
  SmallModel::attribute(m.node("Constant", {}, {"f"}), "value_float", A::FLOAT)->set_f(1.5f);
  SmallModel::attribute(m.node("Constant", {}, {"i"}), "value_int", A::INT)->set_i(-3);
  auto* ints = SmallModel::attribute(m.node("Constant", {}, {"is"}), "value_ints", A::INTS);
  ints->add_ints(4);
  ints->add_ints(5);
  SmallModel::attribute(m.node("Constant", {}, {"fs"}), "value_floats", A::FLOATS)->add_floats(2);
  auto* t = SmallModel::attribute(m.node("Constant", {}, {"t"}), "value", A::TENSOR)->mutable_t();
  t->set_data_type(6);
  t->add_int32_data(7);
  for (const auto* name : {"f", "i", "is", "fs", "t"}) m.output(name, {});
  const Graph graph = m.load().graph;
  const auto constant = [&](const char* name) { return *graph.constant(graph.find_value(name)); };
  EXPECT_EQ(graph.node_count(), 0);
  EXPECT_EQ(constant("f").data<float>()[0], 1.5f);
  EXPECT_EQ(constant("i").data<std::int64_t>()[0], -3);
  EXPECT_EQ(constant("is").to_int64s(), (std::vector<std::int64_t>{4, 5}));
  EXPECT_EQ(constant("fs").shape(), Shape{1});
  EXPECT_EQ(constant("t").str(), "int32[]");
}

TEST(LoadModel, FilesThatAreNoModelsAreBadInput) {
  const TemporaryFolder folder;
  EXPECT_THAT(bad_input_of([&] { (void)load_model(folder.write("empty.onnx", "")); }),
              HasSubstr("the file is empty"));
  EXPECT_THAT(
      bad_input_of([&] { (void)load_model(folder.write("text.onnx", "hello, I am a text\n")); }),
      HasSubstr("not an ONNX model"));
  EXPECT_THAT(bad_input_of([&] { (void)load_model(folder / "none.onnx"); }),
              HasSubstr("none.onnx"));
  bad_input_of([&] { (void)load_model(folder.path()); });
}

SmallModel model_with_everything() {
  SmallModel m;
  m.input("x", {2, 3});
  m.tensor("w", {3})->set_raw_data(std::string(12, '\1'));
  m.node("Add", {"x", "w"}, {"a"}, "add");
  auto* node = m.node("If", {"c"}, {"y"}, "if");
  m.tensor("c", {}, 9)->add_int32_data(1);
  for (const auto* branch : {"then_branch", "else_branch"}) {
    auto* body = SmallModel::attribute(node, branch, onnx::AttributeProto::GRAPH)->mutable_g();
    body->set_name("body");
    SmallModel::node_in(body, "Relu", {"a"}, {std::string(branch) + "_y"});
    SmallModel::describe(body->add_output(), std::string(branch) + "_y", {2, 3});
  }
  m.output("y", {2, 3});
  return m;
}

// The operator sets stand behind the graph, so that no shorter file is a whole model.
TEST(LoadModel, EveryTruncationIsAnError) {
  const std::string bytes = model_with_everything().proto.SerializeAsString();
  const TemporaryFolder folder;
  (void)load_model(folder.write("m.onnx", bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW((void)load_model(folder.write("m.onnx", bytes.substr(0, size))), Error) << size;
}

TEST(LoadModel, FlippedBytesNeverCrash) {
  const std::string bytes = model_with_everything().proto.SerializeAsString();
  const TemporaryFolder folder;
  std::mt19937 random(1);
  int errors = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string broken = bytes;
    for (int flips = 1 + i % 3; flips > 0; --flips)
      broken[random() % broken.size()] = static_cast<char>(random());
    try {
      (void)load_model(folder.write("m.onnx", broken));
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::kInternal) << error.what();
      ++errors;
    }
  }
  EXPECT_GT(errors, 100);
}

TEST(LoadModel, BodiesCaptureValuesOfTheEnclosingGraph) {
  const Graph graph = model_with_everything().load().graph;
  const Node& node = graph.node(1);
  const auto body = node.attributes.need_graph("then_branch");
  ASSERT_EQ(body->captures().size(), 1u);
  EXPECT_EQ(body->captures()[0].outer, graph.find_value("a"));
  EXPECT_EQ(body->value(body->captures()[0].inner).name, "a");
}

// Above 64 KB the weights are taken from the file and not from what protobuf read.
SmallModel large_model() {
  SmallModel m;
  m.input("x", {1, 20000});
  std::string bytes(80000, '\0');
  for (std::size_t i = 0; i < 20000; ++i) {
    const auto value = static_cast<float>(i) / 8;
    std::memcpy(&bytes[i * 4], &value, 4);
  }
  m.tensor("small", {1})->add_float_data(3);
  m.tensor("w", {20000})->set_raw_data(bytes);
  m.tensor("v", {20000})->set_raw_data(std::string(bytes.rbegin(), bytes.rend()));
  m.node("Add", {"x", "w"}, {"a"}, "add");
  m.node("Mul", {"a", "v"}, {"b"}, "mul");
  m.node("Sub", {"b", "small"}, {"y"}, "sub");
  m.output("y", {1, 20000});
  return m;
}

TEST(LoadModel, LargeWeightsAreTheOnesOfTheFile) {
  const SmallModel given = large_model();
  const Graph graph = given.load().graph;
  const Tensor& w = *graph.constant(graph.find_value("w"));
  ASSERT_EQ(w.shape(), (Shape{20000}));
  EXPECT_EQ(w.data<float>()[0], 0);
  EXPECT_EQ(w.data<float>()[19999], 19999.0f / 8);
  const Tensor& v = *graph.constant(graph.find_value("v"));
  EXPECT_EQ(std::memcmp(v.bytes(), given.proto.graph().initializer(2).raw_data().data(), 80000), 0);
  EXPECT_EQ(graph.constant(graph.find_value("small"))->to_floats()[0], 3);
}

// Exporters leave weights in Constant nodes too, as raw_data or as float_data.
TEST(LoadModel, LargeConstantNodesAreTheOnesOfTheFile) {
  SmallModel m;
  std::vector<float> numbers(5000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i) - 0.5f;
  const auto constant = [&](const std::string& name, const std::string& domain) {
    auto* node = m.node("Constant", {}, {name}, name, domain);
    auto* t = SmallModel::attribute(node, "value", onnx::AttributeProto::TENSOR)->mutable_t();
    t->set_data_type(1);
    t->add_dims(50);
    t->add_dims(100);
    return t;
  };
  constant("raw", "")->set_raw_data(numbers.data(), 20000);
  std::ranges::reverse(numbers);
  constant("typed", "ai.onnx")->mutable_float_data()->Add(numbers.begin(), numbers.end());
  m.tensor("initializer", {5000})->mutable_float_data()->Add(numbers.begin(), numbers.end());
  for (const char* name : {"raw", "typed"}) m.output(name, {50, 100});
  m.output("initializer", {5000});
  const Graph graph = m.load().graph;
  const auto values = [&](const char* name) {
    return graph.constant(graph.find_value(name))->to_floats();
  };
  EXPECT_EQ(values("typed"), numbers);
  EXPECT_EQ(values("initializer"), numbers);
  std::ranges::reverse(numbers);
  EXPECT_EQ(values("raw"), numbers);
}

TEST(LoadModel, ALargeConstantThatDoesNotFitItsShapeIsNamed) {
  SmallModel m = relu_model();
  auto* node = m.node("Constant", {}, {"c"}, "constant");
  auto* t = SmallModel::attribute(node, "value", onnx::AttributeProto::TENSOR)->mutable_t();
  t->set_data_type(7);  // int64, which has no float_data
  t->add_dims(1000);
  for (int i = 0; i < 2000; ++i) t->add_float_data(1);
  EXPECT_THAT(bad_input_of([&] { (void)m.load(); }),
              testing::AllOf(HasSubstr("Constant 'constant'"), HasSubstr("0 values")));
}

TEST(LoadModel, LargeWeightsThatDoNotFitTheirShapeAreNamed) {
  SmallModel m = large_model();
  m.graph()->mutable_initializer(1)->set_dims(0, 19999);
  EXPECT_THAT(bad_input_of([&] { (void)m.load(); }),
              testing::AllOf(HasSubstr("initializer 'w'"), HasSubstr("80000 bytes")));
}

// Cut anywhere, the file is refused, and says that it was cut where protobuf's lengths tell.
TEST(LoadModel, LargeModelsThatWereCutAreRefused) {
  const TemporaryFolder folder;
  const std::string whole = large_model().proto.SerializeAsString();
  for (const std::size_t size : {whole.size() - 1, whole.size() - 90000, whole.size() / 3}) {
    folder.write("cut.onnx", whole.substr(0, size));
    EXPECT_THROW((void)load_model(folder / "cut.onnx"), Error) << size;
  }
}

}  // namespace
}  // namespace q8

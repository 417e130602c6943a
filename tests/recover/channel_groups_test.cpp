#include "recover/channel_groups.h"

#include <gmock/gmock.h>

#include "exec/session.h"
#include "plan/small_graphs.h"

namespace q8 {
namespace {

using test::GraphBuilder;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Tensor numbers(Shape shape, float first) {
  Tensor tensor(DType::kF32, std::move(shape));
  for (std::int64_t i = 0; i < tensor.size(); ++i)
    tensor.mutable_data<float>()[i] = first + 0.25f * static_cast<float>(i % 7) - 0.5f;
  return tensor;
}

std::vector<std::string> names_of(const Graph& graph, const std::vector<ValueId>& values) {
  std::vector<std::string> names;
  for (const ValueId id : values) names.push_back(graph.value(id).name);
  std::ranges::sort(names);
  return names;
}

std::vector<float> outputs_of(const Graph& graph, const Tensor& input) {
  const Session session(graph, {.threads = 1, .keep = {}});
  return session.run(std::vector{input}).at(0).to_floats();
}

// Powers of two change no float but its exponent, so the scaled model computes the very same bits.
std::vector<float> powers(std::int64_t channels) {
  std::vector<float> factors;
  for (std::int64_t c = 0; c < channels; ++c)
    factors.push_back(c % 3 == 0 ? 4.0f : c % 3 == 1 ? 0.5f : 2.0f);
  return factors;
}

// Scales every group there is and compares with the graph as it was.
void expect_the_same_function(const Graph& graph, const Tensor& input, std::size_t groups) {
  const ChannelGroups found = find_channel_groups(graph);
  ASSERT_THAT(found.groups, SizeIs(groups));
  Graph scaled = graph;
  std::vector<ScaledChannels> all;
  for (const ChannelGroup& group : found.groups) all.push_back({&group, powers(group.channels)});
  scale_channels(scaled, all);
  EXPECT_EQ(outputs_of(scaled, input), outputs_of(graph, input));
}

// conv → Relu → depthwise → LeakyRelu → MaxPool → conv: the depthwise layer ends one group and
// begins the other.
Graph image_network() {
  GraphBuilder b;
  b.input("x").constant("w1", numbers(Shape{3, 2, 3, 3}, 0.1f));
  b.constant("b1", numbers(Shape{3}, 0.3f)).constant("w2", numbers(Shape{3, 1, 3, 3}, -0.2f));
  b.constant("b2", numbers(Shape{3}, 0.7f)).constant("w3", numbers(Shape{4, 3, 1, 1}, 0.5f));
  Attributes depthwise, pool;
  depthwise.set("group", std::int64_t{3});
  pool.set("kernel_shape", std::vector<std::int64_t>{2, 2});
  b.node("Conv", {"x", "w1", "b1"}, "a").node("Relu", {"a"}, "r");
  b.node("Conv", {"r", "w2", "b2"}, "d", depthwise).node("LeakyRelu", {"d"}, "l");
  b.node("MaxPool", {"l"}, "m", pool).node("Conv", {"m", "w3"}, "y").output("y");
  return b.graph();
}

TEST(ChannelGroups, GoFromLayerToLayer) {
  const Graph graph = image_network();
  const ChannelGroups found = find_channel_groups(graph);
  ASSERT_THAT(found.groups, SizeIs(2));
  EXPECT_THAT(names_of(graph, found.groups[0].values), testing::ElementsAre("a", "r"));
  EXPECT_THAT(names_of(graph, found.groups[1].values), testing::ElementsAre("d", "l", "m"));
  EXPECT_THAT(found.groups[1].makers, SizeIs(2));  // weights and bias
  ASSERT_THAT(found.blocked, SizeIs(1));
  EXPECT_EQ(found.blocked[0].reason, "'x' is an input of the model");
  expect_the_same_function(graph, numbers(Shape{1, 2, 8, 8}, 0.4f), 2);
}

// The channels of pooled images are spread over the row by a Flatten, four pixels each.
TEST(ChannelGroups, GoThroughAFlatten) {
  GraphBuilder b;
  b.input("x").constant("w1", numbers(Shape{3, 1, 1, 1}, 0.3f));
  b.constant("w2", numbers(Shape{12, 2}, 0.2f)).constant("b2", numbers(Shape{2}, 1));
  b.node("Conv", {"x", "w1"}, "a").node("Flatten", {"a"}, "f");
  b.node("Gemm", {"f", "w2", "b2"}, "y").output("y");
  expect_the_same_function(b.graph(), numbers(Shape{2, 1, 2, 2}, 0.4f), 1);
}

// A residual sum joins all that is added into one group.
TEST(ChannelGroups, JoinWhatIsAdded) {
  GraphBuilder b;
  b.input("x").conv("x", "a").conv("a", "c").node("Relu", {"c"}, "r").conv("r", "d");
  b.node("Add", {"a", "d"}, "s").conv("s", "y").output("y");
  const ChannelGroups found = find_channel_groups(b.graph());
  ASSERT_THAT(found.groups, SizeIs(2));
  EXPECT_THAT(names_of(b.graph(), found.groups[0].values), testing::ElementsAre("a", "d", "s"));
  expect_the_same_function(b.graph(), numbers(Shape{1, 2, 3, 3}, 0.4f), 2);
}

// The queries, keys and values of a pre-norm transformer share one normalization.
Graph normalized_rows(bool with_residual) {
  GraphBuilder b;
  b.graph().opsets[""] = 17;
  b.input("x").constant("g", numbers(Shape{6}, 1)).constant("s", numbers(Shape{6}, 0));
  for (const std::string to : {"q", "k"}) {
    b.constant("w" + to, numbers(Shape{6, 6}, to == "q" ? 0.2f : -0.3f));
    b.constant("b" + to, numbers(Shape{6}, 0.5f));
  }
  b.node("LayerNormalization", {"x", "g", "s"}, "n");
  b.node("MatMul", {"n", "wq"}, "q0").node("Add", {"q0", "bq"}, "q");
  b.node("MatMul", {"n", "wk"}, "k0").node("Add", {"bk", "k0"}, "k").node("Relu", {"k"}, "kr");
  b.node("Mul", {"q", with_residual ? "n" : "kr"}, "p").node("Softmax", {"p"}, "y").output("y");
  return b.graph();
}

TEST(ChannelGroups, TakeANormalizationWithAllItsReaders) {
  const Graph graph = normalized_rows(false);
  const ChannelGroups found = find_channel_groups(graph);
  ASSERT_THAT(found.groups, SizeIs(1));
  EXPECT_THAT(names_of(graph, found.groups[0].values), testing::ElementsAre("n"));
  EXPECT_THAT(found.groups[0].makers, SizeIs(2));
  EXPECT_THAT(found.groups[0].readers, SizeIs(2));
  expect_the_same_function(graph, numbers(Shape{1, 4, 6}, 0.4f), 1);
}

TEST(ChannelGroups, AProductStandsBeforeTheLayersWhereOthersReadTheValue) {
  Graph graph = normalized_rows(true);
  const ChannelGroups found = find_channel_groups(graph);
  EXPECT_THAT(found.groups, IsEmpty());
  ASSERT_THAT(found.blocked, testing::Not(IsEmpty()));
  const ValueId value = graph.find_value("n");
  const auto group = find_product_group(graph, Uses(graph), value);
  ASSERT_TRUE(group.has_value());
  EXPECT_TRUE(group->needs_product());
  EXPECT_THAT(group->readers, SizeIs(2));
  const Tensor input = numbers(Shape{1, 4, 6}, 0.4f);
  const std::vector<float> before = outputs_of(graph, input);
  const std::vector<ScaledChannels> scaled = {{&*group, powers(6)}};
  EXPECT_EQ(names_of(graph, scale_channels(graph, scaled)), std::vector<std::string>{"n_scaled"});
  EXPECT_EQ(outputs_of(graph, input), before);
}

// A gated layer, silu(g) · u: u takes the factors, what goes through silu cannot.
TEST(ChannelGroups, TakeTheLinearSideOfAGate) {
  for (const bool gate_first : {false, true}) {
    GraphBuilder b;
    b.input("x").constant("wu", numbers(Shape{4, 5}, 0.2f));
    b.constant("wg", numbers(Shape{4, 5}, -0.3f)).constant("wd", numbers(Shape{5, 3}, 0.1f));
    b.node("MatMul", {"x", "wu"}, "u").node("MatMul", {"x", "wg"}, "g");
    b.node("Sigmoid", {"g"}, "s").node("Mul", {"g", "s"}, "a");
    b.node("Mul",
           gate_first ? std::vector<std::string>{"a", "u"} : std::vector<std::string>{"u", "a"},
           "h");
    b.node("MatMul", {"h", "wd"}, "y").output("y");
    const ChannelGroups found = find_channel_groups(b.graph());
    ASSERT_THAT(found.groups, SizeIs(1));
    EXPECT_THAT(names_of(b.graph(), found.groups[0].values), testing::ElementsAre("h", "u"));
    expect_the_same_function(b.graph(), numbers(Shape{2, 4}, 0.4f), 1);
  }
}

struct Blocked {
  const char* what;
  void (*build)(GraphBuilder& b);
  const char* reason;
};

// Each stands between two convolutions, "a" and "y"; where channels were scaled all the same, the
// model would compute something else.
constexpr Blocked kBlocked[] = {
    {"a bound of all channels",
     [](GraphBuilder& b) {
       b.constant("low", Tensor::scalar(0.0f)).constant("high", Tensor::scalar(6.0f));
       b.node("Clip", {"a", "low", "high"}, "c").conv("c", "y");
     },
     "'c' is made by Clip"},
    {"a function that is not linear",
     [](GraphBuilder& b) { b.node("Sigmoid", {"a"}, "c").conv("c", "y"); },
     "'c' is made by Sigmoid"},
    {"an output of the model", [](GraphBuilder& b) { b.conv("a", "y").output("a"); },
     "'a' is an output of the model"},
    {"one number for all channels is added",
     [](GraphBuilder& b) {
       b.constant("one", Tensor::of<float>(Shape{1}, {1}));
       b.node("Add", {"a", "one"}, "c").conv("c", "y");
     },
     "which adds no number a channel"},
    {"channels are mixed by a Reshape",
     [](GraphBuilder& b) {
       b.constant("to", Tensor::of<std::int64_t>(Shape{4}, {1, 2, 3, 3}));
       b.node("Reshape", {"a", "to"}, "c").conv("c", "y");
     },
     "'c' is made by Reshape"},
    {"a square",
     [](GraphBuilder& b) {
       b.node("Mul", {"a", "a"}, "c").conv("c", "y");
     },
     "'a' is read by Mul"},
    {"weights of two nodes",
     [](GraphBuilder& b) {
       b.conv("a", "y").node("Conv", {"x", "y_w"}, "other").output("other");
     },
     "weights that other nodes share"},
};

TEST(ChannelGroups, AreBlockedByWhatIsNotKnownToKeepChannelsApart) {
  for (const Blocked& row : kBlocked) {
    GraphBuilder b;
    b.input("x").conv("x", "a");
    row.build(b);
    b.output("y");
    const ChannelGroups found = find_channel_groups(b.graph());
    EXPECT_THAT(found.groups, IsEmpty()) << row.what;
    std::string reasons;
    for (const BlockedChannels& blocked : found.blocked) reasons += blocked.reason + "\n";
    EXPECT_THAT(reasons, HasSubstr(row.reason)) << row.what;
  }
}

}  // namespace
}  // namespace q8

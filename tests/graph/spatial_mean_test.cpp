#include <gtest/gtest.h>

#include "graph/canonicalize.h"
#include "graph/small_graph.h"

namespace q8 {
namespace {

using Axes = std::vector<std::int64_t>;

// A Conv of images, a Relu, and their mean along `axes`; the types of the nodes then.
std::string types_behind_conv(const Axes& axes, std::int64_t keepdims, bool as_input = false) {
  SmallGraph g;
  g.input("x");
  g.constant("w", Tensor::of<float>(Shape{1, 1, 1, 1}, {2}));
  g.node("Conv", {"x", "w"}, {"c"});
  g.node("Relu", {"c"}, {"r"});
  if (as_input) g.constant("axes", Tensor::of<std::int64_t>(Shape{std::ssize(axes)}, axes));
  Node& mean = g.node(
      "ReduceMean",
      as_input ? std::vector<std::string>{"r", "axes"} : std::vector<std::string>{"r"}, {"y"});
  if (!as_input && !axes.empty()) mean.attributes.set("axes", axes);
  mean.attributes.set("keepdims", keepdims);
  g.output("y");
  const int changed = spatial_mean(g.graph, {});
  g.graph.tidy();
  EXPECT_EQ(changed, g.types().find("ReduceMean") == std::string::npos ? 1 : 0);
  return g.types();
}

TEST(SpatialMean, OfAnImageIsAPool) {
  for (const Axes& axes : {Axes{2, 3}, Axes{3, 2}, Axes{-2, -1}})
    for (const bool as_input : {false, true})
      EXPECT_EQ(types_behind_conv(axes, 1, as_input), "Conv Relu GlobalAveragePool");
}

TEST(SpatialMean, WithoutItsDimensionsIsFlattened) {
  EXPECT_EQ(types_behind_conv({2, 3}, 0), "Conv Relu GlobalAveragePool Flatten");
}

TEST(SpatialMean, OfOtherAxesStays) {
  for (const Axes& axes : {Axes{1}, Axes{1, 2}, Axes{2}, Axes{1, 2, 3}, Axes{}})
    EXPECT_EQ(types_behind_conv(axes, 1), "Conv Relu ReduceMean");
}

TEST(SpatialMean, OfWhatMayBeNoImageStays) {
  SmallGraph g;
  g.input("x");
  g.node("Relu", {"x"}, {"r"});
  g.node("ReduceMean", {"r"}, {"y"}).attributes.set("axes", Axes{2, 3});
  g.output("y");
  EXPECT_EQ(spatial_mean(g.graph, {}), 0);
}

}  // namespace
}  // namespace q8

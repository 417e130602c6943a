#include "graph/unpack_lists.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>

#include "graph/small_graph.h"

namespace q8 {
namespace {

// x is split as `split` says (without a value: into parts of length 1), and one part taken.
SmallGraph one_part(std::optional<Tensor> split, std::int64_t position) {
  SmallGraph g;
  g.input("x");
  g.constant("position", Tensor::scalar(position));
  if (split) g.constant("split", std::move(*split));
  g.node("SplitToSequence", {"x", split ? "split" : ""}, {"list"})
      .attributes.set("axis", std::int64_t{1});
  g.node("SequenceAt", {"list", "position"}, {"y"});
  g.output("y");
  return g;
}

void unpack(SmallGraph& g) {
  unpack_lists(g.graph);
  g.graph.tidy();
}

std::int64_t number(const SmallGraph& g, ValueId id) {
  return g.graph.constant(id)->values<std::int64_t>()[0];
}

// Begin and end of the slice that the part becomes.
std::pair<std::int64_t, std::int64_t> slice_of(std::optional<Tensor> split, std::int64_t position) {
  SmallGraph g = one_part(std::move(split), position);
  unpack(g);
  EXPECT_EQ(g.types(), "Slice");
  const Node& slice = g.graph.node(0);
  EXPECT_EQ(number(g, slice.inputs[3]), 1);
  return {number(g, slice.inputs[1]), number(g, slice.inputs[2])};
}

TEST(UnpackLists, PartsBecomeSlices) {
  using Ends = std::pair<std::int64_t, std::int64_t>;
  const auto lengths = Tensor::of<std::int64_t>({3}, {2, 5, 4});
  EXPECT_EQ(slice_of(lengths, 0), Ends(0, 2));
  EXPECT_EQ(slice_of(lengths, 2), Ends(7, 11));
  EXPECT_EQ(slice_of(lengths, -2), Ends(2, 7));
  EXPECT_EQ(slice_of(Tensor::scalar(std::int64_t{6}), 2), Ends(12, 18));
  EXPECT_EQ(slice_of(std::nullopt, 3), Ends(3, 4));
  EXPECT_EQ(slice_of(std::nullopt, -1), Ends(-1, std::numeric_limits<std::int64_t>::max()));
}

TEST(UnpackLists, PartsThatLoseTheirAxisAreGathered) {
  SmallGraph g = one_part(std::nullopt, 2);
  g.graph.node(0).attributes.set("keepdims", std::int64_t{0});
  unpack(g);
  EXPECT_EQ(g.types(), "Gather");
  EXPECT_EQ(g.graph.node(0).attributes.get_int("axis", 0), 1);
  EXPECT_EQ(number(g, g.graph.node(0).inputs[1]), 2);
}

TEST(UnpackLists, WhatItCannotKnowStays) {
  const auto stays = [](SmallGraph g) {
    unpack(g);
    return g.types() == "SplitToSequence SequenceAt";
  };
  const auto lengths = Tensor::of<std::int64_t>({2}, {2, 5});
  EXPECT_TRUE(stays(one_part(lengths, 2)));
  EXPECT_TRUE(stays(one_part(Tensor::of<std::int64_t>({2}, {2, -5}), 0)));
  EXPECT_TRUE(stays(one_part(Tensor::scalar(std::int64_t{6}), -1)));  // the length is not known
  SmallGraph output = one_part(lengths, 0);
  output.output("list");
  EXPECT_TRUE(stays(std::move(output)));
  SmallGraph computed = one_part(lengths, 0);
  computed.graph.value(computed.value("position")).constant.reset();
  computed.input("position");
  EXPECT_TRUE(stays(std::move(computed)));
}

TEST(UnpackLists, AListThatIsReadOtherwiseStays) {
  SmallGraph g = one_part(std::nullopt, 0);
  g.node("SequenceLength", {"list"}, {"n"});
  g.output("n");
  unpack(g);
  EXPECT_EQ(g.types(), "SplitToSequence SequenceAt SequenceLength");
}

}  // namespace
}  // namespace q8

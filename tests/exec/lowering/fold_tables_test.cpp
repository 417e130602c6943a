#include "exec/lowering/fold_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exec/lowering/fuse_qdq.h"
#include "exec/lowering/quantized_graph.h"

namespace q8 {
namespace {

TEST(FoldTables, AProductOfAValueAndItsFunctionIsATable) {
  QuantizedGraph g;
  g.node("Sigmoid", {"x_d"}, {"sigmoid"});
  g.round("sigmoid", "sigmoid_d");
  g.node("Mul", {"sigmoid_d", "x_d"}, {"product"});
  g.round("product", "y");
  g.output("y");
  EXPECT_EQ(fuse_qdq(g.graph, {}), 2);
  EXPECT_EQ(g.types(), "QuantizeLinear TableLookup QLinearMul DequantizeLinear");
  EXPECT_EQ(fold_tables(g.graph, {}), 1);
  EXPECT_EQ(g.types(), "QuantizeLinear TableLookup DequantizeLinear");
}

TEST(FoldTables, ATableThatIsReadElsewhereStays) {
  QuantizedGraph g;
  g.node("Sigmoid", {"x_d"}, {"sigmoid"});
  g.round("sigmoid", "a");
  g.node("Neg", {"a"}, {"negative"});
  g.round("negative", "b");
  g.output("a");
  g.output("b");
  fuse_qdq(g.graph, {});
  EXPECT_EQ(fold_tables(g.graph, {}), 1);
  EXPECT_THAT(g.types(), testing::HasSubstr("TableLookup"));
  int reads_x = 0;
  for (const Node& node : g.graph.nodes())
    reads_x += node.op_type == "TableLookup" && node.inputs[0] == g.value("x_d_q");
  EXPECT_EQ(reads_x, 2);
}

TEST(FoldTables, FunctionsOfDifferentValuesAreNone) {
  QuantizedGraph g;
  g.input("w");
  g.round("w", "w_d");
  g.node("Sigmoid", {"x_d"}, {"sigmoid"});
  g.round("sigmoid", "sigmoid_d");
  g.node("Mul", {"sigmoid_d", "w_d"}, {"product"});
  g.round("product", "y");
  g.output("y");
  fuse_qdq(g.graph, {});
  EXPECT_EQ(fold_tables(g.graph, {}), 0);
}

}  // namespace
}  // namespace q8

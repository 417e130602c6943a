#include "report/text_table.h"

#include <gtest/gtest.h>

namespace q8 {
namespace {

TEST(TextTable, AlignsByColumn) {
  TextTable table("lr");
  table.add({"a", "1"});
  table.add({"long", "234"});
  EXPECT_EQ(table.str(), "  a       1\n  long  234\n");
}

TEST(TextTable, CountsCellsNotBytes) {
  TextTable table("lr");
  table.add({"Größe", "1"});  // 7 bytes, 5 cells
  table.add({"猫", "2"});     // 3 bytes, 2 cells
  table.add({"abcde", "3"});
  EXPECT_EQ(table.str(), "  Größe  1\n  猫     2\n  abcde  3\n");
}

TEST(DisplayWidth, OfCombiningMarksIsNone) {
  EXPECT_EQ(display_width("e\u0301"), 1u);
}

TEST(DisplayWidth, SurvivesBrokenBytes) {
  EXPECT_EQ(display_width("\xFF\xC3"), 2u);
}

TEST(Printable, KeepsTerminalsFromBeingSteered) {
  EXPECT_EQ(printable("a\x1b[31m\nb"), "a?[31m?b");
}

}  // namespace
}  // namespace q8

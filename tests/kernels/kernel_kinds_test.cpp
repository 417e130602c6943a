#include "kernels/kernel_kinds.h"

#include <gtest/gtest.h>

#include "kernels/kernel_set.h"

namespace q8 {
namespace {

TEST(KernelKinds, EveryKindEndsWithTheScalarRow) {
  for (const KernelKind& kind : kernel_kinds()) {
    ASSERT_FALSE(kind.rows.empty()) << kind.name;
    EXPECT_EQ(kind.rows.back().isa, Isa::kScalar) << kind.name;
    for (std::size_t i = 1; i < kind.rows.size(); ++i)
      EXPECT_GT(kind.rows[i - 1].isa, kind.rows[i].isa) << kind.name << ": best first";
  }
}

TEST(KernelKinds, AreAllThatASessionChoosesFrom) {
  const KernelSet set = make_kernel_set(Isa::kScalar);
  EXPECT_EQ(set.gemm_u8s8->isa, Isa::kScalar);
  EXPECT_EQ(set.depthwise_u8s8->isa, Isa::kScalar);
  EXPECT_EQ(kernel_kinds().size(),
            11u);  // and statistics_f32, lookup_u8 and widen_u8, asked for by themselves
}

}  // namespace
}  // namespace q8

#include "kernels/transpose.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace q8 {
namespace {

// Elements numbered by their index, so that any misplaced one shows.
template <typename T>
void check(const KernelSet& kernels, std::int64_t batch, std::int64_t rows, std::int64_t columns,
           Threads& threads) {
  const auto size = static_cast<std::size_t>(batch * rows * columns);
  std::vector<T> in(size), expected(size), out(size);
  for (std::size_t i = 0; i < size; ++i) in[i] = static_cast<T>(i * 2654435761u >> 7);
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c)
        expected[static_cast<std::size_t>((b * columns + c) * rows + r)] =
            in[static_cast<std::size_t>((b * rows + r) * columns + c)];
  transpose(kernels, {.batch = batch, .rows = rows, .columns = columns, .element_bytes = sizeof(T)},
            in.data(), out.data(), threads);
  ASSERT_EQ(out, expected) << sizeof(T) << " bytes, " << batch << "x" << rows << "x" << columns;
}

class TransposeRows : public testing::TestWithParam<Isa> {};

TEST_P(TransposeRows, MoveEveryElement) {
  if (!cpu_has(GetParam())) GTEST_SKIP() << "this CPU has no " << isa_name(GetParam());
  const KernelSet kernels = make_kernel_set(GetParam());
  Threads one(1), three(3);
  for (const std::int64_t rows : {1, 3, 15, 16, 17, 63, 64, 65, 257})
    for (const std::int64_t columns : {1, 3, 15, 16, 17, 63, 64, 65, 257})
      for (Threads* threads : {&one, &three}) {
        check<std::uint8_t>(kernels, 2, rows, columns, *threads);
        check<std::uint16_t>(kernels, 2, rows, columns, *threads);
        check<std::uint32_t>(kernels, 2, rows, columns, *threads);
        check<std::uint64_t>(kernels, 1, rows, columns, *threads);
        if (HasFatalFailure()) return;
      }
}

INSTANTIATE_TEST_SUITE_P(All, TransposeRows, testing::Values(Isa::kScalar, Isa::kAvx2));

}  // namespace
}  // namespace q8

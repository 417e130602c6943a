#include "kernels/int8/overflow.h"

#include <cstdlib>

#include "base/error.h"

namespace q8 {
namespace {

bool saturates(std::int32_t pair) {
  return pair != static_cast<std::int16_t>(pair);
}

// One row of a tile, all columns side by side. kColumns is NR: known, so that the compiler can
// compute columns in vectors.
template <int kColumns>
OverflowCount count_row(const TileU8S8& t, int row) {
  std::int64_t sum[kColumns];
  std::int32_t saturated[kColumns] = {};
  std::int64_t largest[kColumns] = {};
  for (int j = 0; j < kColumns; ++j) sum[j] = t.bias[j];
  const std::int8_t* b = t.b;
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const std::uint8_t* a = t.a[tap * t.rows + row];
    for (std::int64_t k = 0; k < t.k4; ++k, a += 4, b += 4 * kColumns)
      for (int j = 0; j < kColumns; ++j) {
        const std::int32_t low = a[0] * b[4 * j] + a[1] * b[4 * j + 1];
        const std::int32_t high = a[2] * b[4 * j + 2] + a[3] * b[4 * j + 3];
        saturated[j] += saturates(low) + saturates(high);
        sum[j] += low + high;
        largest[j] = std::max(largest[j], sum[j] < 0 ? -sum[j] : sum[j]);
      }
  }
  OverflowCount count{.pairs = t.taps * t.k4 * 2 * t.columns};
  for (int j = 0; j < t.columns; ++j) {
    if (t.row_sum != nullptr)
      sum[j] -= static_cast<std::int64_t>(t.row_sum[row]) * t.b_zero_point[j];
    count.saturated += saturated[j];
    count.largest = std::max({count.largest, largest[j], std::abs(sum[j])});
  }
  return count;
}

}  // namespace

OverflowCount count_overflow(const TileU8S8& t, int nr) {
  Q8_ASSERT(nr == 16 || nr == 32);
  OverflowCount count;
  for (int row = 0; row < t.rows; ++row)
    count += nr == 16 ? count_row<16>(t, row) : count_row<32>(t, row);
  return count;
}

OverflowCount count_overflow(const DepthwiseU8S8Tile& t) {
  OverflowCount count{.pairs = (t.taps + 1) / 2 * t.pixels * t.channels};
  for (std::int64_t i = 0; i < t.pixels; ++i)
    for (std::int64_t c = 0; c < t.channels; ++c) {
      const auto product = [&](std::int64_t tap) {
        return tap < t.taps ? t.rows[tap * kDepthwiseRun + i][c] *
                                  std::int32_t{t.weights[tap * t.weight_stride + c]}
                            : 0;
      };
      std::int64_t sum = t.bias[c];
      for (std::int64_t tap = 0; tap < t.taps; tap += 4) {
        const std::int32_t low = product(tap) + product(tap + 1);
        const std::int32_t high = product(tap + 2) + product(tap + 3);
        count.saturated += saturates(low) + saturates(high);
        sum += low + high;
        count.largest = std::max(count.largest, std::abs(sum));
      }
    }
  return count;
}

CountingKernels::CountingKernels(const KernelSet& kernels)
    : gemm_(*kernels.gemm_u8s8), depthwise_(*kernels.depthwise_u8s8), kernels_(kernels) {
  gemm_.overflow = depthwise_.overflow = &counter_;
  kernels_.gemm_u8s8 = &gemm_;
  kernels_.depthwise_u8s8 = &depthwise_;
}

}  // namespace q8

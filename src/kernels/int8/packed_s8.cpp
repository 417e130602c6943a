#include "kernels/int8/packed_s8.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace q8 {
namespace {

// Four rows of bytes into groups of four; XOR 0x80 turns u8 into s8.
void interleave(const std::uint8_t* __restrict r0, const std::uint8_t* __restrict r1,
                const std::uint8_t* __restrict r2, const std::uint8_t* __restrict r3,
                std::uint8_t flip, std::int64_t n, std::uint8_t* __restrict out) {
  for (std::int64_t j = 0; j < n; ++j) {
    out[4 * j + 0] = static_cast<std::uint8_t>(r0[j] ^ flip);
    out[4 * j + 1] = static_cast<std::uint8_t>(r1[j] ^ flip);
    out[4 * j + 2] = static_cast<std::uint8_t>(r2[j] ^ flip);
    out[4 * j + 3] = static_cast<std::uint8_t>(r3[j] ^ flip);
  }
}

// Columns whose four bytes lie side by side (a transposed right-hand side).
void gather(const std::uint8_t* source, std::int64_t stride, std::uint8_t flip, std::int64_t n,
            std::uint8_t* target) {
  const std::uint32_t flips = flip * 0x01010101u;
  for (std::int64_t j = 0; j < n; ++j) {
    std::uint32_t four;
    std::memcpy(&four, source + j * stride, 4);
    four ^= flips;
    std::memcpy(target + 4 * j, &four, 4);
  }
}

}  // namespace

PackedS8::PackedS8(const GemmU8S8Row& row, const WeightsView& weights)
    : row_(&row), taps_(weights.taps), k_(weights.k), n_(weights.n) {
  Q8_ASSERT(taps_ >= 0 && k_ >= 0 && n_ >= 0);
  const std::int64_t columns = panels() * row.nr;
  const std::size_t zero_points = weights.zero_point.size();
  Q8_ASSERT(zero_points <= 1 || zero_points == static_cast<std::size_t>(n_));

  // Kernels that take 64 k at a time may read on behind the last panel, where a row has only zeros.
  const std::int64_t bytes = panels() * panel_bytes(), slack = 15 * 4 * row.nr;
  data_ = AlignedBuffer<std::int8_t>(static_cast<std::size_t>(bytes + slack));
  std::fill_n(data_.data() + bytes, slack, std::int8_t{0});
  for (std::int64_t p = 0; p < panels(); ++p) pack_panel(weights, p);

  zero_point_ = AlignedBuffer<std::int32_t>(static_cast<std::size_t>(columns));
  std::fill_n(zero_point_.data(), columns, 0);
  for (std::int64_t j = 0; j < n_; ++j) {
    const std::int32_t given =
        zero_points == 0 ? 0
                         : weights.zero_point[zero_points == 1 ? 0 : static_cast<std::size_t>(j)];
    zero_point_[static_cast<std::size_t>(j)] = weights.is_signed ? given : given - 128;
    has_zero_point_ |= zero_point_[static_cast<std::size_t>(j)] != 0;
  }
  sum_columns();
}

void PackedS8::pack_panel(const WeightsView& w, std::int64_t p) {
  const auto* source = static_cast<const std::uint8_t*>(w.data);
  auto* target = reinterpret_cast<std::uint8_t*>(data_.data() + p * panel_bytes());
  const std::int64_t nr = row_->nr;
  const std::int64_t first = p * nr;
  const std::int64_t columns = std::min(nr, n_ - first);
  const std::uint8_t flip = w.is_signed ? 0 : 0x80;
  for (std::int64_t tap = 0; tap < taps_; ++tap)
    for (std::int64_t group = 0; group < k4(); ++group, target += 4 * nr) {
      const std::uint8_t* at =
          source + tap * w.stride_tap + 4 * group * w.stride_k + first * w.stride_n;
      const std::int64_t depth = std::min<std::int64_t>(4, k_ - 4 * group);
      if (depth < 4 || columns < nr) std::memset(target, 0, static_cast<std::size_t>(4 * nr));
      if (depth == 4 && w.stride_n == 1) {
        interleave(at, at + w.stride_k, at + 2 * w.stride_k, at + 3 * w.stride_k, flip, columns,
                   target);
        continue;
      }
      if (depth == 4 && w.stride_k == 1) {
        gather(at, w.stride_n, flip, columns, target);
        continue;
      }
      for (std::int64_t j = 0; j < columns; ++j)
        for (std::int64_t k = 0; k < depth; ++k)
          target[4 * j + k] = static_cast<std::uint8_t>(at[k * w.stride_k + j * w.stride_n] ^ flip);
    }
}

// From the packed bytes, so that the order of the source does not matter for the speed.
void PackedS8::sum_columns() {
  const std::int64_t nr = row_->nr;
  column_sum_ = AlignedBuffer<std::int32_t>(static_cast<std::size_t>(panels() * nr));
  for (std::int64_t p = 0; p < panels(); ++p) {
    std::int32_t* sums = column_sum_.data() + p * nr;
    std::fill_n(sums, nr, 0);
    const std::int8_t* b = panel(p);
    for (std::int64_t step = 0; step < taps_ * k4(); ++step, b += 4 * nr)
      for (std::int64_t j = 0; j < nr; ++j)
        sums[j] += b[4 * j] + b[4 * j + 1] + b[4 * j + 2] + b[4 * j + 3];
  }
}

std::int64_t PackedS8::largest_sum() const {
  const std::int64_t nr = row_->nr;
  std::int64_t largest = 0;
  for (std::int64_t p = 0; p < panels(); ++p)
    for (std::int64_t j = 0; j < nr; ++j) {
      std::int64_t up = 0, down = 0;
      for (std::int64_t step = 0; step < taps_ * k4(); ++step)
        for (std::int64_t k = 0; k < 4; ++k) {
          const std::int64_t b = panel(p)[(step * nr + j) * 4 + k];
          (b > 0 ? up : down) += 255 * b;
        }
      largest = std::max({largest, up, -down});
    }
  return largest;
}

}  // namespace q8

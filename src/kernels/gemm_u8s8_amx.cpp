#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/gemm_u8s8_tile.h"
#include "kernels/store_u8s8_avx512.h"

// 32×32 sums in four tile registers of 16×16. A step is 64 k: the panel's [k/4][32][4] holds two
// B tiles of 16 rows side by side; the rows of A, which may lie anywhere, are copied together.
// The last step of a tap may be shorter and has tile registers of its own shape: reshaping others
// would clear the sums.
//   0 1    sums of the upper 16 rows, left and right     4 5  A, B of a whole step
//   2 3    of the lower ones                             6 7  A, B of the last step
// Tile numbers must be literals for g++ 12.

namespace q8 {
namespace {

constexpr int kNr = 32, kHalf = 16, kStep = 64;
constexpr std::int64_t kPanelRow = 4 * kNr;  // bytes

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// g++ 12 does not know that tile instructions read memory: what was written must be there.
inline void finish_writing(const void* data) {
  __asm__ volatile("" ::"r"(data) : "memory");
}

void configure(int last_groups) {
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = kHalf;
    config.row_bytes[tile] = kStep;
  }
  config.row_bytes[6] = static_cast<std::uint16_t>(4 * last_groups);
  config.rows[7] = static_cast<std::uint8_t>(last_groups);
  finish_writing(&config);
  _tile_loadconfig(&config);
}

// Bytes [k, k + count) of `rows` rows; zeros behind them.
void gather(const std::uint8_t* const* a, int rows, std::int64_t k, int count,
            std::uint8_t (&out)[kNr][kStep]) {
  const __mmask64 mask = count == kStep ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
  for (int i = 0; i < rows; ++i)
    _mm512_store_si512(out[i], _mm512_maskz_loadu_epi8(mask, a[i] + k));
  finish_writing(out);
}

void whole_step(const TileU8S8& t, const std::uint8_t (&a)[kNr][kStep], const std::int8_t* b) {
  _tile_loadd(4, a, kStep);
  _tile_loadd(5, b, kPanelRow);
  _tile_dpbusd(0, 4, 5);
  if (t.rows > kHalf) {
    _tile_loadd(4, a + kHalf, kStep);
    _tile_dpbusd(2, 4, 5);
  }
  if (t.columns <= kHalf) return;
  _tile_loadd(5, b + kStep, kPanelRow);
  if (t.rows > kHalf) {
    _tile_dpbusd(3, 4, 5);
    _tile_loadd(4, a, kStep);
  }
  _tile_dpbusd(1, 4, 5);
}

void last_step(const TileU8S8& t, const std::uint8_t (&a)[kNr][kStep], const std::int8_t* b) {
  _tile_loadd(6, a, kStep);
  _tile_loadd(7, b, kPanelRow);
  _tile_dpbusd(0, 6, 7);
  if (t.rows > kHalf) {
    _tile_loadd(6, a + kHalf, kStep);
    _tile_dpbusd(2, 6, 7);
  }
  if (t.columns <= kHalf) return;
  _tile_loadd(7, b + kStep, kPanelRow);
  if (t.rows > kHalf) {
    _tile_dpbusd(3, 6, 7);
    _tile_loadd(6, a, kStep);
  }
  _tile_dpbusd(1, 6, 7);
}

void store_all(const TileU8S8& t) {
  constexpr int kRowBytes = kNr * 4;
  _tile_stored(0, t.spill, kRowBytes);
  _tile_stored(1, t.spill + kHalf, kRowBytes);
  _tile_stored(2, t.spill + kHalf * kNr, kRowBytes);
  _tile_stored(3, t.spill + kHalf * kNr + kHalf, kRowBytes);
  finish_writing(t.spill);
  for (int i = 0; i < t.rows; ++i)
    for (int column = 0; column < t.columns; column += 16) {
      std::int32_t* sums = t.spill + i * kNr + column;
      __m512i sum = _mm512_add_epi32(_mm512_loadu_si512(sums), _mm512_loadu_si512(t.bias + column));
      if (t.row_sum != nullptr)
        sum =
            _mm512_sub_epi32(sum, _mm512_mullo_epi32(_mm512_set1_epi32(t.row_sum[i]),
                                                     _mm512_loadu_si512(t.b_zero_point + column)));
      _mm512_storeu_si512(sums, sum);
      store_slowly(t, i, column, sums);
    }
}

}  // namespace

void tile_u8s8_amx(const TileU8S8& t) {
  const std::int64_t steps = t.k4 / kHalf;
  // Few rows leave most of a tile register empty; the other row reads the same panel.
  if (t.rows <= 12) {
    tile_u8s8_avx512vnni(t);
    return;
  }
  const int last_groups = static_cast<int>(t.k4 % kHalf);
  configure(last_groups == 0 ? kHalf : last_groups);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  alignas(64) std::uint8_t a[kNr][kStep];
  for (int i = t.rows; i < kNr; ++i) _mm512_store_si512(a[i], _mm512_setzero_si512());
  const std::int8_t* b = t.b;
  for (std::int64_t tap = 0; tap < t.taps; ++tap) {
    const std::uint8_t* const* rows = t.a + tap * t.rows;
    for (std::int64_t step = 0; step < steps; ++step, b += kHalf * kPanelRow) {
      gather(rows, t.rows, step * kStep, kStep, a);
      whole_step(t, a, b);
    }
    if (last_groups == 0) continue;
    gather(rows, t.rows, steps * kStep, 4 * last_groups, a);
    last_step(t, a, b);
    b += last_groups * kPanelRow;
  }
  store_all(t);
  _tile_release();
}

}  // namespace q8

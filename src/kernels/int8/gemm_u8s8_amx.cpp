#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/finish_u8s8_avx512.h"
#include "kernels/int8/gemm_u8s8_tile.h"

// Strips of up to 64 rows in blocks of 2×2 tile registers, 32×32 sums at most. A step is 64 k: the
// panel's [k/4][32][4] holds two B tiles of 16 rows side by side.
//   0 1    sums of the upper rows, left and right     4 6  A, upper and lower rows
//   2 3    of the lower ones                          5 7  B, left and right
// - Rows of A that lie at even distances are read where they are. Others are copied once for all
//   panels, and so is the end of a row that is no whole step, with zeros behind. So every tile has
//   the same shape and is configured once: whatever the last step reads of the panel behind is
//   multiplied by these zeros.
// - A multiplication takes as many cycles as a tile has rows: 49 rows are 4 tiles of 13.
// - While a block is multiplied, the one before is requantized: tile registers leave the vector
//   units free.
// Tile numbers must be literals for g++ 12.

namespace q8 {
namespace {

constexpr int kNr = 32, kHalf = 16, kStep = 64;
constexpr std::int64_t kPanelStep = kStep * kNr, kPanelRow = 4 * kNr;  // bytes

// Where 512-bit dot products are faster: for fewer rows a tile takes 9 cycles all the same, less
// depth leaves most of a step empty, and rows that are copied tap by tap, a few bytes each, are not
// worth it for half a panel (16 channels of an image of 208² by 6 taps of 20: 1.04 and 0.65 ms).
bool prefers_dot_products(const StripShape& s) {
  constexpr std::int64_t kFewRows = 4;
  return s.most_rows <= kFewRows || s.taps * s.k4 * 4 < kStep ||
         (s.most_columns <= kHalf && s.taps > 1 && s.k4 * 4 < kStep);
}
constexpr int kDotRows = 12;  // of their tiles

struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

// g++ 12 does not know that tile instructions read and write memory.
inline void memory_is_used(const void* data) {
  __asm__ volatile("" ::"r"(data) : "memory");
}

int rows_of_tile(int most_rows) {
  const int tiles = (most_rows + kHalf - 1) / kHalf;
  return (most_rows + tiles - 1) / tiles;
}

// How the rows of a strip are read: in `parts`, each of `steps` whole steps and a rest that is
// copied. Taps whose end is no whole step are copied one behind the other and make one part.
struct Plan {
  Plan(const TileU8S8& t, int rows_a_tile) : Plan(t.taps, t.k4, rows_a_tile) {}
  Plan(std::int64_t taps, std::int64_t k4, int rows_a_tile) : tile_rows(rows_a_tile) {
    const std::int64_t bytes = 4 * k4;
    joined = taps > 1 && bytes % kStep != 0;
    parts = joined ? 1 : taps;
    const std::int64_t part = joined ? taps * bytes : bytes;
    steps = joined ? (part + kStep - 1) / kStep : part / kStep;
    rest = joined ? 0 : part % kStep;
    // An odd number of cache lines, so that the rows of a tile lie in different sets; the copy of a
    // row's end writes up to 63 bytes behind its last step.
    stride = (steps + 1 + steps % 2) * kStep;
    all_steps = parts * steps + (rest != 0 ? 1 : 0);
  }
  std::int64_t copied_part() const { return tile_rows * stride; }
  std::int64_t copied_tile() const { return parts * copied_part() + tile_rows * kStep; }

  bool joined;
  int tile_rows;
  std::int64_t parts, steps, rest, stride, all_steps;
};

// Where the rows of a tile lie, for one part.
struct Source {
  const std::uint8_t* at;
  std::int64_t stride;
};

int tiles_of(int rows, int tile_rows) {
  return (rows + tile_rows - 1) / tile_rows;
}

std::int64_t sources_bytes(std::int64_t count) {
  return (count * static_cast<std::int64_t>(sizeof(Source)) + kStep - 1) / kStep * kStep;
}

// [tiles][parts] sources, then the tiles' copies.
std::int64_t scratch_bytes(const StripShape& s) {
  if (prefers_dot_products(s))
    return kDotRows * s.taps * static_cast<std::int64_t>(sizeof(const std::uint8_t*));
  const Plan plan(s.taps, s.k4, rows_of_tile(s.most_rows));
  const std::int64_t tiles = tiles_of(s.most_rows, plan.tile_rows);
  return sources_bytes(tiles * plan.parts) + tiles * plan.copied_tile();
}

void begin(const StripShape& s) {
  if (prefers_dot_products(s)) return;
  TileConfig config;
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = static_cast<std::uint8_t>(rows_of_tile(s.most_rows));
    config.row_bytes[tile] = kStep;
  }
  config.rows[5] = config.rows[7] = kHalf;
  memory_is_used(&config);
  _tile_loadconfig(&config);
}

void end(const StripShape& s) {
  if (!prefers_dot_products(s)) _tile_release();
}

void copy_end(const std::uint8_t* from, std::int64_t count, std::uint8_t* to) {
  const __mmask64 mask = (__mmask64{1} << count) - 1;
  _mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(mask, from));
}

void copy(const std::uint8_t* from, std::int64_t count, std::uint8_t* to) {
  std::int64_t k = 0;
  for (; k + kStep <= count; k += kStep) _mm512_storeu_si512(to + k, _mm512_loadu_si512(from + k));
  if (k < count) copy_end(from + k, count - k, to + k);
}

bool is_even(const std::uint8_t* const* rows, int count) {
  for (int i = 2; i < count; ++i)
    if (rows[i] - rows[i - 1] != rows[1] - rows[0]) return false;
  return true;
}

// Fills the sources of one tile, whose rows are [first, first + rows) of the strip.
void arrange(const TileU8S8& t, const Plan& plan, int first, int rows, std::uint8_t* copies,
             Source* sources) {
  if (plan.joined) {
    sources[0] = {copies, plan.stride};
    const std::int64_t count = 4 * t.k4;
    const __mmask64 all = (__mmask64{1} << (count % kStep)) - 1;
    for (int i = 0; i < rows; ++i, copies += plan.stride) {
      const std::uint8_t* const* from = t.a + first + i;
      std::uint8_t* to = copies;
      if (count < kStep)
        for (std::int64_t tap = 0; tap < t.taps; ++tap, from += t.rows, to += count)
          _mm512_storeu_si512(to, _mm512_maskz_loadu_epi8(all, *from));
      else
        for (std::int64_t tap = 0; tap < t.taps; ++tap, from += t.rows, to += count)
          copy(*from, count, to);
      _mm512_storeu_si512(to, _mm512_setzero_si512());
    }
    return;
  }
  for (std::int64_t tap = 0; tap < t.taps; ++tap, copies += plan.copied_part()) {
    const std::uint8_t* const* from = t.a + tap * t.rows + first;
    // A tile reads all its rows, also those that the last one does not have.
    if (rows == plan.tile_rows && is_even(from, rows)) {
      sources[tap] = {from[0], rows > 1 ? from[1] - from[0] : 0};
      continue;
    }
    sources[tap] = {copies, plan.stride};
    for (int i = 0; i < rows; ++i) copy(from[i], plan.steps * kStep, copies + i * plan.stride);
  }
  if (plan.rest != 0)
    for (int i = 0; i < rows; ++i)
      copy_end(t.a[first + i] + plan.steps * kStep, plan.rest, copies + i * kStep);
}

// The rows of a tile: their sources and their rests.
struct TileRows {
  const Source* sources;
  const std::uint8_t* rests;
};

// One step of the block. kLower, kRight: whether there are lower rows and right columns.
template <bool kLower, bool kRight>
inline void multiply_step(const Source& upper, const Source& lower, const std::int8_t* b) {
  _tile_loadd(5, b, kPanelRow);
  _tile_loadd(4, upper.at, upper.stride);
  _tile_dpbusd(0, 4, 5);
  if (kLower) {
    _tile_loadd(6, lower.at, lower.stride);
    _tile_dpbusd(2, 6, 5);
  }
  if (kRight) {
    _tile_loadd(7, b + kStep, kPanelRow);
    _tile_dpbusd(1, 4, 7);
    if (kLower) _tile_dpbusd(3, 6, 7);
  }
}

template <bool kLower, bool kRight>
void multiply(const TileU8S8& t, const Plan& plan, const TileRows& upper, const TileRows& lower,
              BlockFinisher<kNr>& finisher, std::int32_t* sums) {
  _tile_loadd(0, t.bias, 0);
  if (kRight) _tile_loadd(1, t.bias + kHalf, 0);
  if (kLower) _tile_loadd(2, t.bias, 0);
  if (kLower && kRight) _tile_loadd(3, t.bias + kHalf, 0);
  const std::int8_t* b = t.b;
  // Even numbers of rows a step, so that none remain for the end.
  const auto rows_a_step =
      static_cast<int>((kNr + 2 * plan.all_steps - 1) / (2 * plan.all_steps) * 2);
  int finished = 0;
  for (std::int64_t part = 0; part < plan.parts; ++part) {
    Source from_upper = upper.sources[part], from_lower = kLower ? lower.sources[part] : Source{};
    for (std::int64_t step = 0; step < plan.steps; ++step, b += kPanelStep) {
      multiply_step<kLower, kRight>(from_upper, from_lower, b);
      from_upper.at += kStep;
      if (kLower) from_lower.at += kStep;
      finisher.rows_up_to(finished += rows_a_step);
    }
  }
  if (plan.rest != 0) multiply_step<kLower, kRight>({upper.rests, kStep}, {lower.rests, kStep}, b);
  finisher.finish();
  constexpr int kRowBytes = kNr * 4;
  _tile_stored(0, sums, kRowBytes);
  if (kRight) _tile_stored(1, sums + kHalf, kRowBytes);
  sums += plan.tile_rows * kNr;
  if (kLower) _tile_stored(2, sums, kRowBytes);
  if (kLower && kRight) _tile_stored(3, sums + kHalf, kRowBytes);
  memory_is_used(sums);
}

// Asks for the lines that a block will be stored to: another thread may have written to them last,
// and each store would fetch its own from there.
void own_lines(const TileU8S8& t, std::int64_t element) {
  const char* last = static_cast<const char*>(t.out) + (t.columns - 1) * element;
  for (int i = 0; i < t.rows; ++i) __builtin_prefetch(last + i * t.out_stride * element, 1);
}

void run_dot_products(const StripU8S8& strip, std::int64_t element) {
  alignas(64) std::int32_t spill[kDotRows * kNr];
  auto* const pointers = reinterpret_cast<const std::uint8_t**>(strip.scratch);
  const TileU8S8& t = strip.tile;
  for (int row = 0; row < t.rows; row += kDotRows) {
    TileU8S8 part = t;
    part.rows = t.rows - row < kDotRows ? t.rows - row : kDotRows;
    for (std::int64_t tap = 0; tap < t.taps; ++tap)
      for (int i = 0; i < part.rows; ++i)
        pointers[tap * part.rows + i] = t.a[tap * t.rows + row + i];
    part.a = pointers;
    part.spill = spill;
    part.out = static_cast<char*>(t.out) + row * t.out_stride * element;
    if (t.row_sum != nullptr) part.row_sum = t.row_sum + row;
    for (int left = t.columns; left > 0; left -= kNr) {
      part.columns = left < kNr ? left : kNr;
      tile_u8s8_avx512vnni(part);
      to_next_panel(part, kNr, strip.panel_bytes, element);
    }
  }
}

void run(const StripU8S8& strip) {
  const TileU8S8& t = strip.tile;
  const std::int64_t element = t.kind == OutputKind::kByte ? 1 : 4;
  if (prefers_dot_products(strip.shape)) {
    run_dot_products(strip, element);
    return;
  }
  const Plan plan(t, rows_of_tile(strip.shape.most_rows));
  const int tiles = tiles_of(t.rows, plan.tile_rows);
  auto* const sources = reinterpret_cast<Source*>(strip.scratch);
  std::uint8_t* const copies = strip.scratch + sources_bytes(tiles * plan.parts);
  const auto rows_of = [&](int tile) {
    return TileRows{sources + tile * plan.parts,
                    copies + tile * plan.copied_tile() + plan.parts * plan.copied_part()};
  };
  for (int tile = 0; tile < tiles; ++tile) {
    const int first = tile * plan.tile_rows, left = t.rows - first;
    arrange(t, plan, first, left < plan.tile_rows ? left : plan.tile_rows,
            copies + tile * plan.copied_tile(), sources + tile * plan.parts);
  }
  memory_is_used(strip.scratch);
  alignas(64) std::int32_t sums[2][kNr * kNr];
  BlockFinisher<kNr> finisher;
  int turn = 0;
  for (int tile = 0; tile < tiles; tile += 2) {
    const bool has_lower = tile + 1 < tiles;
    const TileRows upper = rows_of(tile), lower = has_lower ? rows_of(tile + 1) : TileRows{};
    const int row = tile * plan.tile_rows, left_rows = t.rows - row;
    TileU8S8 part = t;
    part.rows = left_rows < 2 * plan.tile_rows ? left_rows : 2 * plan.tile_rows;
    part.out = static_cast<char*>(t.out) + row * t.out_stride * element;
    for (int left = t.columns; left > 0; left -= kNr, turn ^= 1) {
      part.columns = left < kNr ? left : kNr;
      own_lines(part, element);
      const bool has_right = part.columns > kHalf;
      const auto compute = has_lower ? (has_right ? multiply<true, true> : multiply<true, false>)
                                     : (has_right ? multiply<false, true> : multiply<false, false>);
      compute(part, plan, upper, lower, finisher, sums[turn]);
      finisher.start(part, t.row_sum == nullptr ? nullptr : t.row_sum + row, sums[turn]);
      to_next_panel(part, kNr, strip.panel_bytes, element);
    }
  }
  finisher.finish();
}

}  // namespace

const StripKernels kStripU8S8Amx = {scratch_bytes, begin, run, end};

}  // namespace q8

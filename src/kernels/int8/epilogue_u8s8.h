#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "kernels/aligned_buffer.h"
#include "kernels/f32/elementwise_kernels.h"
#include "kernels/int8/gemm_u8s8_tile.h"
#include "kernels/int8/lookup_u8_kernels.h"
#include "kernels/int8/packed_s8.h"
#include "kernels/int8/quantize_kernels.h"

namespace q8 {

// What a tile's floats become while they are in the cache: function(x), where there is one, and
// bytes by QuantizeLinear's formula. The same bits as the operators one after the other.
struct FloatsToBytes {
  UnaryFunctionF32 function = nullptr;
  void (*quantize)(const QuantizeSpan&) = nullptr;  // null: they stay floats
  float scale = 1;
  std::int32_t zero_point = 0, low = 0, high = 255;

  // rows × columns, dense; they are overwritten. out: rows lie `stride` bytes apart.
  void run(float* floats, std::int64_t rows, std::int64_t columns, std::uint8_t* out,
           std::int64_t stride) const;
};

// What becomes of the s32 sums Σ (a − a_zero_point)·(b − b_zero_point[n]) + bias[n].
//   kS32   stored as they are
//   kByte  clamp(rint(float(sum) · multiplier[n]) + zero_point, low, high): ONNX QLinearConv and
//          QLinearMatMul as ONNX Runtime computes them, bit for bit, with
//          multiplier = a_scale · b_scale / y_scale from requantize_multiplier
//   kF32   clamp(float(sum) · multiplier[n] + float_bias[n], float_low, float_high)
struct OutputU8S8 {
  OutputKind kind = OutputKind::kS32;
  std::span<const std::int32_t> bias = {};  // empty: 0; else one per column
  std::span<const float> multiplier = {};   // one, or one per column; empty for kS32
  std::int32_t zero_point = 0;              // kByte: of y
  std::int32_t low = 0, high = 255;         // kByte: 0…255 is u8, −128…127 s8, or narrower
  std::span<const float> float_bias = {};   // kF32: empty: 0; else one per column
  float float_low = -std::numeric_limits<float>::infinity();
  float float_high = std::numeric_limits<float>::infinity();
  FloatsToBytes then = {};  // kF32, of products
  // kByte: what each byte becomes in the end, while it is still in the cache; empty, or 256 bytes.
  std::span<const std::uint8_t> table = {};
  LookupU8Function lookup = nullptr;  // with a table: of lookup_u8_rows()
};

// Of numbers per column those of [first, first + count); one or none are for all columns.
template <typename T>
std::span<const T> of_columns(std::span<const T> numbers, std::int64_t first, std::int64_t count) {
  return numbers.size() <= 1
             ? numbers
             : numbers.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}
OutputU8S8 of_columns(const OutputU8S8& output, std::int64_t first, std::int64_t count);

std::int64_t element_bytes(OutputKind kind);

// a_scale · b_scale / y_scale in FP32, in ONNX Runtime's order of operations.
float requantize_multiplier(float a_scale, float b_scale, float y_scale);

// An OutputU8S8 made ready for tiles of packed weights: zero points folded into the bias, all
// per-column numbers padded to whole panels.
class EpilogueU8S8 {
 public:
  EpilogueU8S8() = default;
  // a_zero_point: of the bytes as the tiles see them (u8).
  EpilogueU8S8(const PackedS8& b, std::int32_t a_zero_point, const OutputU8S8& output);

  // What an epilogue needs to know of weights: per column, readable up to `padded`.
  struct Columns {
    std::int64_t n = 0, padded = 0;
    std::int64_t depth = 0;  // terms of a sum
    const std::int32_t* sum = nullptr;
    const std::int32_t* zero_point = nullptr;  // null: 0
  };
  EpilogueU8S8(const Columns& columns, std::int32_t a_zero_point, const OutputU8S8& output);

  OutputKind kind() const { return kind_; }
  // Where tiles make floats that shall be bytes in the end, else null.
  const FloatsToBytes* then() const { return then_.quantize == nullptr ? nullptr : &then_; }
  // Sets all epilogue fields of a tile (of either kind) that begins at `column`.
  template <typename Tile>
  void fill(Tile& tile, std::int64_t column) const {
    tile.kind = kind_;
    tile.bias = bias_.data() + column;
    tile.scale = kind_ == OutputKind::kS32 ? nullptr : scale_.data() + column;
    tile.offset = kind_ == OutputKind::kF32 ? offset_.data() + column : nullptr;
    tile.low = low_;
    tile.high = high_;
    tile.zero_point = zero_point_;
  }

  // After the tile: the table's part, on its rows and `columns` columns.
  template <typename Tile>
  void look_up(const Tile& tile, std::int64_t rows, std::int64_t columns) const {
    if (table_.size() > 0)
      look_up(static_cast<std::uint8_t*>(tile.out), tile.out_stride, rows, columns);
  }

 private:
  void look_up(std::uint8_t* out, std::int64_t stride, std::int64_t rows,
               std::int64_t columns) const;

  OutputKind kind_ = OutputKind::kS32;
  AlignedBuffer<std::int32_t> bias_;
  AlignedBuffer<float> scale_, offset_;
  float low_ = 0, high_ = 0;
  std::int32_t zero_point_ = 0;
  AlignedBuffer<std::uint8_t> table_;
  LookupU8Function lookup_ = nullptr;
  FloatsToBytes then_;
};

}  // namespace q8

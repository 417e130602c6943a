#include "kernels/int8/epilogue_u8s8.h"

#include <algorithm>

#include "base/error.h"

namespace q8 {
namespace {

// One value or one per column → one per column, padded with `rest`.
AlignedBuffer<float> spread(std::span<const float> values, std::int64_t n, std::int64_t padded,
                            float rest) {
  Q8_ASSERT(values.size() <= 1 || values.size() == static_cast<std::size_t>(n));
  AlignedBuffer<float> out(static_cast<std::size_t>(padded));
  std::fill_n(out.data(), padded, rest);
  if (values.size() == 1) std::fill_n(out.data(), n, values[0]);
  if (values.size() > 1) std::copy(values.begin(), values.end(), out.data());
  return out;
}

}  // namespace

void FloatsToBytes::run(float* floats, std::int64_t rows, std::int64_t columns, std::uint8_t* out,
                        std::int64_t stride) const {
  if (function != nullptr) function(floats, floats, rows * columns, 0, 0);
  for (std::int64_t i = 0; i < rows; ++i)
    quantize({floats + i * columns, columns, scale, zero_point, low, high, out + i * stride});
}

OutputU8S8 of_columns(const OutputU8S8& output, std::int64_t first, std::int64_t count) {
  OutputU8S8 part = output;
  part.bias = of_columns(output.bias, first, count);
  part.multiplier = of_columns(output.multiplier, first, count);
  part.float_bias = of_columns(output.float_bias, first, count);
  return part;
}

std::int64_t element_bytes(OutputKind kind) {
  return kind == OutputKind::kByte ? 1 : 4;
}

float requantize_multiplier(float a_scale, float b_scale, float y_scale) {
  return a_scale * b_scale / y_scale;
}

EpilogueU8S8::EpilogueU8S8(const PackedS8& b, std::int32_t a_zero_point, const OutputU8S8& output)
    : EpilogueU8S8(Columns{.n = b.n(),
                           .padded = b.panels() * b.row().nr,
                           .depth = b.taps() * b.k(),
                           .sum = b.column_sum(),
                           .zero_point = b.zero_point()},
                   a_zero_point, output) {}

EpilogueU8S8::EpilogueU8S8(const Columns& columns, std::int32_t a_zero_point,
                           const OutputU8S8& output)
    : kind_(output.kind),
      zero_point_(output.zero_point),
      table_(output.table.size()),
      lookup_(output.lookup),
      then_(output.then) {
  const std::int64_t n = columns.n;
  const std::int64_t padded = columns.padded;
  Q8_ASSERT(output.bias.empty() || output.bias.size() == static_cast<std::size_t>(n));
  Q8_ASSERT(kind_ == OutputKind::kS32 || !output.multiplier.empty() || n == 0);
  Q8_ASSERT(output.table.empty() ||
            (kind_ == OutputKind::kByte && output.table.size() == 256 && output.lookup != nullptr));
  Q8_ASSERT(then() == nullptr || kind_ == OutputKind::kF32);
  std::ranges::copy(output.table, table_.data());

  // −a_zero_point · Σ b + K · a_zero_point · b_zero_point, wrapping around as the sums do.
  bias_ = AlignedBuffer<std::int32_t>(static_cast<std::size_t>(padded));
  const auto depth = static_cast<std::uint32_t>(columns.depth);
  const auto zero = static_cast<std::uint32_t>(a_zero_point);
  for (std::int64_t j = 0; j < padded; ++j) {
    const auto i = static_cast<std::size_t>(j);
    auto bias = j < n && !output.bias.empty() ? static_cast<std::uint32_t>(output.bias[i]) : 0u;
    bias -= zero * static_cast<std::uint32_t>(columns.sum[j]);
    if (columns.zero_point != nullptr)
      bias += depth * zero * static_cast<std::uint32_t>(columns.zero_point[j]);
    bias_[i] = static_cast<std::int32_t>(bias);
  }
  if (kind_ == OutputKind::kS32) return;
  scale_ = spread(output.multiplier, n, padded, 1.0f);
  if (kind_ == OutputKind::kByte) {
    Q8_ASSERT(output.low <= output.high);
    low_ = static_cast<float>(output.low - output.zero_point);
    high_ = static_cast<float>(output.high - output.zero_point);
  } else {
    offset_ = spread(output.float_bias, n, padded, 0.0f);
    low_ = output.float_low;
    high_ = output.float_high;
  }
}

void EpilogueU8S8::look_up(std::uint8_t* out, std::int64_t stride, std::int64_t rows,
                           std::int64_t columns) const {
  if (columns == stride) {
    lookup_(table_.data(), out, rows * columns, out);
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i, out += stride) lookup_(table_.data(), out, columns, out);
}

}  // namespace q8

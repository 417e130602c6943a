#include <memory>

#include "kernels/f32/gemm.h"
#include "kernels/kernel_set.h"
#include "ops/families.h"
#include "ops/index_list.h"

namespace q8 {
namespace {

// com.microsoft operators on weights of 2, 4 or 8 bits with a scale for each block.

// MatMulNBits: A [.., K] times weights of 2, 4 or 8 bits that are stored transposed,
// [N, blocks, block_size · bits / 8], with a scale and a zero point for each block. Inputs: A, B,
// scales, zero_points, g_idx, bias. Computed in float.

struct BlockMatrix {
  std::int64_t k, n, bits, block;

  std::int64_t blocks() const { return (k + block - 1) / block; }
  std::int64_t bytes_per_block() const { return block * bits / 8; }
};

// The i-th number of `bits` bits in a string of bytes, the low bits first.
float number_at(const std::uint8_t* bytes, std::int64_t i, std::int64_t bits) {
  const std::int64_t per_byte = 8 / bits;
  const unsigned byte = bytes[i / per_byte];
  return static_cast<float>(byte >> (i % per_byte * bits) & ((1u << bits) - 1));
}

// [N, K] in float.
std::vector<float> dequantized(const BlockMatrix& m, const Tensor& b, const Tensor& scales,
                               const Tensor* zero_points) {
  const std::int64_t blocks = m.blocks();
  if (b.dtype() != DType::kU8 || b.size() != m.n * blocks * m.bytes_per_block())
    throw bad_input("B is " + b.str() + " for " + std::to_string(m.n) + " columns of " +
                    std::to_string(blocks) + " blocks");
  if (scales.size() != m.n * blocks)
    throw bad_input("scales are " + scales.str() + "; " + std::to_string(m.n * blocks) +
                    " are needed");
  const std::vector<float> scale = scales.to_floats();
  std::vector<float> zero(scale.size(), static_cast<float>(1 << (m.bits - 1)));
  if (zero_points != nullptr && zero_points->dtype() == DType::kU8) {
    // Packed too, every column beginning with a byte.
    const std::int64_t row = (blocks * m.bits + 7) / 8;
    if (zero_points->size() != m.n * row) throw bad_input("zero points " + zero_points->str());
    for (std::int64_t column = 0; column < m.n; ++column)
      for (std::int64_t i = 0; i < blocks; ++i)
        zero[static_cast<std::size_t>(column * blocks + i)] =
            number_at(zero_points->data<std::uint8_t>() + column * row, i, m.bits);
  } else if (zero_points != nullptr) {
    if (zero_points->size() != scales.size()) throw bad_input("zero points " + zero_points->str());
    zero = zero_points->to_floats();
  }
  std::vector<float> values(static_cast<std::size_t>(m.n * m.k));
  for (std::int64_t column = 0; column < m.n; ++column)
    for (std::int64_t i = 0; i < m.k; ++i) {
      const std::int64_t at = column * blocks + i / m.block;
      const std::uint8_t* bytes = b.data<std::uint8_t>() + at * m.bytes_per_block();
      const auto which = static_cast<std::size_t>(at);
      values[static_cast<std::size_t>(column * m.k + i)] =
          (number_at(bytes, i % m.block, m.bits) - zero[which]) * scale[which];
    }
  return values;
}

OpFunction make_matmul_n_bits(const NodeContext& node) {
  const Attributes& a = node.attributes();
  const BlockMatrix matrix{.k = a.need_int("K"),
                           .n = a.need_int("N"),
                           .bits = a.get_int("bits", 4),
                           .block = a.need_int("block_size")};
  if (matrix.bits != 2 && matrix.bits != 4 && matrix.bits != 8)
    throw unsupported("weights of " + std::to_string(matrix.bits) + " bits are not supported");
  if (matrix.k < 1 || matrix.n < 1 || matrix.block < 1 || matrix.block * matrix.bits % 8 != 0)
    throw bad_input("K, N and block_size must be above 0, a block whole bytes");
  if (node.has_input(4)) throw unsupported("an order of groups (g_idx) is not supported");
  const Tensor *b = node.constant(1), *scales = node.constant(2);
  if (b == nullptr || scales == nullptr || (node.has_input(3) && node.constant(3) == nullptr))
    throw unsupported("weights that are not constant are not supported");
  const std::vector<float> values = dequantized(matrix, *b, *scales, node.constant(3));
  const auto packed = std::make_shared<const PackedF32>(
      *node.kernels.gemm_f32,
      matrix_f32(values.data(), matrix.k, matrix.n, matrix.k, /*is_transposed=*/true));
  return [matrix, packed](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.dtype() != DType::kF32 || x.rank() < 1 || x.shape().back() != matrix.k)
      throw bad_input("A is " + x.str() + ", not float of rows of " + std::to_string(matrix.k));
    std::vector<std::int64_t> dims(x.shape().begin(), x.shape().end());
    dims.back() = matrix.n;
    std::vector<float> bias;
    if (run.has_input(5)) bias = run.input(5).to_floats();
    if (!bias.empty() && std::ssize(bias) != matrix.n)
      throw bad_input("the bias " + run.input(5).str() + " does not fit");
    Tensor& y = run.output(0, DType::kF32, Shape(std::move(dims)));
    gemm_f32(x.size() / matrix.k, x.data<float>(), matrix.k, *packed, y.mutable_data<float>(),
             matrix.n, {.bias = bias.empty() ? nullptr : bias.data()}, run.threads);
  };
}

// GatherBlockQuantized: rows of a constant table, made float as they are gathered. Inputs: data,
// indices, scales, zero_points. An index outside gives zeros, as ONNX Runtime's does.
struct BlockTable {
  Tensor data;        // u8 (packed along the last axis where bits < 8), u4 or s4
  std::int64_t bits;  // of a number in u8
  std::int64_t gather_axis, quantize_axis, block;
  std::vector<float> scale, zero;  // one a block, in the order of the elements

  Shape shape() const {  // in numbers
    std::vector<std::int64_t> dims(data.shape().begin(), data.shape().end());
    if (data.dtype() == DType::kU8) dims.back() *= 8 / bits;
    return Shape(std::move(dims));
  }

  // Number `at` of the table, counted in row-major order of shape().
  float value(const Shape& shape, std::int64_t at) const {
    const std::int64_t dim = shape[quantize_axis];
    const std::int64_t inner = shape.count(quantize_axis + 1, shape.rank());
    const std::int64_t blocks = (dim + block - 1) / block;
    const auto which = static_cast<std::size_t>(
        (at / (dim * inner) * blocks + at / inner % dim / block) * inner + at % inner);
    const float q = data.dtype() == DType::kU8   ? number_at(data.data<std::uint8_t>(), at, bits)
                    : data.dtype() == DType::kU4 ? static_cast<float>(data.data<UInt4>()[at].value)
                                                 : static_cast<float>(data.data<Int4>()[at].value);
    return (q - zero[which]) * scale[which];
  }
};

BlockTable block_table(const NodeContext& node) {
  const Attributes& a = node.attributes();
  const Tensor *data = node.constant(0), *scales = node.constant(2), *zeros = node.constant(3);
  if (data == nullptr || scales == nullptr || (node.has_input(3) && zeros == nullptr))
    throw unsupported("a table that is not constant is not supported");
  const bool is_packed = data->dtype() == DType::kU8;
  if (!is_packed && data->dtype() != DType::kU4 && data->dtype() != DType::kS4)
    throw unsupported("a table " + data->str() + " is not supported");
  BlockTable table{.data = *data,
                   .bits = a.get_int("bits", 4),
                   .gather_axis = data->shape().normalize_axis(a.get_int("gather_axis", 0)),
                   .quantize_axis = data->shape().normalize_axis(a.get_int("quantize_axis", 1)),
                   .block = a.get_int("block_size", 128),
                   .scale = scales->to_floats(),
                   .zero = {}};
  if ((table.bits != 2 && table.bits != 4 && table.bits != 8) || table.block < 1)
    throw bad_input("bits must be 2, 4 or 8, and block_size above 0");
  const Shape shape = table.shape();
  std::vector<std::int64_t> blocks(shape.begin(), shape.end());
  auto& dim = blocks[static_cast<std::size_t>(table.quantize_axis)];
  dim = (dim + table.block - 1) / table.block;
  if (scales->shape() != Shape(blocks))
    throw bad_input("scales are " + scales->str() + ", not of shape " + Shape(blocks).str());
  table.zero.assign(table.scale.size(),
                    is_packed ? static_cast<float>(1 << (table.bits - 1)) : 0.0f);
  if (zeros == nullptr) return table;
  // Packed as the table is.
  const bool fits = zeros->dtype() == data->dtype() && zeros->rank() == scales->rank();
  const std::int64_t per_byte = is_packed ? 8 / table.bits : 1, row = blocks.back();
  const std::int64_t row_size = (row + per_byte - 1) / per_byte;
  if (!fits || zeros->size() * row != scales->size() * row_size)
    throw bad_input("zero points " + zeros->str() + " do not fit scales " + scales->str());
  if (!is_packed) {
    table.zero = zeros->to_floats();
    return table;
  }
  for (std::size_t i = 0; i < table.zero.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    table.zero[i] =
        number_at(zeros->data<std::uint8_t>() + at / row * row_size, at % row, table.bits);
  }
  return table;
}

OpFunction make_gather_block_quantized(const NodeContext& node) {
  return [table = std::make_shared<const BlockTable>(block_table(node))](RunContext& run) {
    const Tensor& indices = run.input(1);
    const std::vector<std::int64_t> list = indices.to_int64s();
    const Shape shape = table->shape();
    const std::int64_t axis = table->gather_axis, dim = shape[axis];
    Tensor& y = run.output(0, DType::kF32, gathered_shape(shape, axis, indices.shape()));
    const std::int64_t inner = shape.count(axis + 1, shape.rank());
    const auto count = static_cast<std::int64_t>(list.size());
    run.threads.parallel_for(shape.count(0, axis) * count, 1 + 4096 / (inner + 1),
                             [&](std::int64_t begin, std::int64_t end) {
                               for (std::int64_t i = begin; i < end; ++i) {
                                 float* to = y.mutable_data<float>() + i * inner;
                                 std::int64_t index = list[static_cast<std::size_t>(i % count)];
                                 if (index < 0) index += dim;
                                 const bool is_inside = index >= 0 && index < dim;
                                 const std::int64_t row = (i / count * dim + index) * inner;
                                 for (std::int64_t j = 0; j < inner; ++j)
                                   to[j] = is_inside ? table->value(shape, row + j) : 0;
                               }
                             });
  };
}

constexpr OpRow kRows[] = {
    {"com.microsoft", "MatMulNBits", make_matmul_n_bits},
    {"com.microsoft", "GatherBlockQuantized", make_gather_block_quantized},
};

}  // namespace

std::span<const OpRow> block_weights_operators() {
  return kRows;
}

}  // namespace q8

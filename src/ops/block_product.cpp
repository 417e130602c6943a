#include <memory>

#include "kernels/gemm_f32.h"
#include "kernels/kernel_set.h"
#include "ops/families.h"

namespace q8 {
namespace {

// com.microsoft MatMulNBits: A [.., K] times weights of 2, 4 or 8 bits that are stored transposed,
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

constexpr OpRow kRows[] = {
    {"com.microsoft", "MatMulNBits", make_matmul_n_bits},
};

}  // namespace

std::span<const OpRow> block_product_operators() {
  return kRows;
}

}  // namespace q8

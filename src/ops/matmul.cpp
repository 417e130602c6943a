#include <memory>
#include <numeric>

#include "kernels/f32/gemm.h"
#include "kernels/f32/gemm_bytes.h"
#include "ops/elementwise.h"
#include "ops/families.h"
#include "ops/fused_activation.h"
#include "ops/matmul_shape.h"
#include "ops/matrix_product.h"
#include "ops/permute.h"
#include "ops/quantized/quant_inputs.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// ONNX MatMul, and com.microsoft FusedMatMul: y = alpha · op(A) · op(B), where op may swap the last
// two axes. "q8" MatMul: A, B, [bias of the last axis], [addend], with an activation: y =
// activation(A · B + bias + addend) for a constant B, where the addend is broadcast.
struct MatMul {
  bool transpose_a = false, transpose_b = false;
  float alpha = 1;
  FusedActivation activation = {};
};

Tensor swap_last_axes(const Tensor& x, RunContext& run) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  std::vector<std::int64_t> dims;
  for (const std::int64_t axis : order) dims.push_back(x.shape()[axis]);
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  permute(x, order, y, run.threads);
  return y;
}

// The shape of op(B), whose memory stays as it is.
Shape right_shape(const Tensor& b, bool is_transposed) {
  Shape shape = b.shape();
  if (is_transposed && shape.rank() > 1)
    std::swap(shape[shape.rank() - 1], shape[shape.rank() - 2]);
  return shape;
}

MatrixF32 right_matrix(const Tensor& b, const Shape& shape, bool is_transposed) {
  const std::int64_t n = shape.rank() == 1 ? 1 : shape.back();
  const std::int64_t k = shape.rank() == 1 ? shape[0] : shape[shape.rank() - 2];
  const bool swapped = is_transposed && shape.rank() > 1;
  return matrix_f32(b.data<float>(), k, n, swapped ? k : n, swapped);
}

// One matrix on the right serves all rows on the left.
bool is_one_matrix(const Shape& b) {
  return b.rank() <= 2 || b.count(0, b.rank() - 2) == 1;
}

// What the kernel does after the product: all, or where the addend is to be broadcast
// (`adds_later`) the bias alone.
EpilogueF32 epilogue_of(RunContext& run, const MatMul& node, std::int64_t n, bool adds_later) {
  EpilogueF32 epilogue;
  if (run.has_input(2)) {
    if (run.input(2).size() != n)
      throw bad_input("bias " + run.input(2).str() + " does not fit " + std::to_string(n) +
                      " columns");
    epilogue.bias = run.input(2).data<float>();
  }
  if (adds_later) return epilogue;
  if (run.has_input(3)) {
    epilogue.residual = run.input(3).data<float>();
    epilogue.ld_residual = n;
  }
  epilogue.lo = node.activation.low;
  epilogue.hi = node.activation.high;
  epilogue.then = node.activation.call(run.kernels);
  return epilogue;
}

void scale(Tensor& y, float alpha, Threads& threads) {
  if (alpha == 1) return;
  float* values = y.mutable_data<float>();
  threads.parallel_for(y.size(), 16384, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) values[i] *= alpha;
  });
}

// multiply(rows, c, epilogue): C = epilogue(A · B) for the one matrix B.
template <typename Multiply>
void run_one_matrix(RunContext& run, const MatMul& node, const MatMulShape& shape, Tensor& y,
                    Multiply&& multiply) {
  const bool adds_later = run.has_input(3) && run.input(3).shape() != y.shape();
  multiply(shape.batch() * shape.m(), y.mutable_data<float>(),
           epilogue_of(run, node, shape.n(), adds_later));
  if (adds_later) run.set_output(0, node.activation.of_sum(y, run.input(3), run));
}

void run_f32(RunContext& run, const MatMul& node, const Tensor& a, const Tensor& b,
             const PackedF32* packed) {
  const Shape b_shape = right_shape(b, node.transpose_b);
  const MatMulShape shape(a.shape(), b_shape);
  Tensor& y = run.output(0, DType::kF32, shape.output());
  if (is_one_matrix(b_shape)) {
    PackedF32 own;
    if (packed == nullptr)
      own = PackedF32(*run.kernels.gemm_f32, right_matrix(b, b_shape, node.transpose_b));
    run_one_matrix(run, node, shape, y,
                   [&](std::int64_t rows, float* c, const EpilogueF32& epilogue) {
                     gemm_f32(rows, a.data<float>(), shape.k(), packed == nullptr ? own : *packed,
                              c, shape.n(), epilogue, run.threads);
                   });
  } else {
    std::vector<std::int64_t> a_steps, b_steps;
    for (std::int64_t i = 0; i < shape.batch(); ++i) {
      a_steps.push_back(shape.a_offset(i));
      b_steps.push_back(shape.b_offset(i));
    }
    batched_gemm_f32(run.kernels,
                     {.batch = shape.batch(),
                      .m = shape.m(),
                      .a = a.data<float>(),
                      .lda = shape.k(),
                      .b = right_matrix(b, b_shape, node.transpose_b),
                      .a_steps = a_steps.data(),
                      .b_steps = b_steps.data(),
                      .c = y.mutable_data<float>()},
                     run.threads);
  }
  scale(y, node.alpha, run.threads);
}

template <typename T>
void run_plain(RunContext& run, const Tensor& a, const Tensor& b) {
  const MatMulShape shape(a.shape(), b.shape());
  T* c = run.output(0, a.dtype(), shape.output()).template mutable_data<T>();
  run.threads.parallel_for(shape.batch(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      plain_product<T>(
          shape.m(), shape.n(), shape.k(), {a.data<T>() + shape.a_offset(i), shape.k(), 1},
          {b.data<T>() + shape.b_offset(i), shape.n(), 1}, c + i * shape.m() * shape.n());
  });
}

OpFunction make_product(const NodeContext& context, const MatMul& node) {
  std::shared_ptr<const PackedF32> packed;
  const Tensor* constant = context.constant(1);
  if (constant != nullptr && constant->dtype() == DType::kF32 && constant->rank() > 0 &&
      is_one_matrix(constant->shape()))
    packed = std::make_shared<const PackedF32>(
        *context.kernels.gemm_f32,
        right_matrix(*constant, right_shape(*constant, node.transpose_b), node.transpose_b));
  if (packed != nullptr) context.has_copied(1);
  return [node, packed](RunContext& run) {
    const Tensor& given = run.input(0);
    const Tensor& b = run.input(1);
    if (given.dtype() != b.dtype())
      throw bad_input("factors of different types: " + given.str() + " and " + b.str());
    const Tensor a = node.transpose_a && given.rank() > 1 ? swap_last_axes(given, run) : given;
    if (a.dtype() == DType::kF32) {
      run_f32(run, node, a, b, packed.get());
      return;
    }
    if (node.transpose_b || node.alpha != 1) throw unsupported("FusedMatMul of " + a.str());
    with_number_type(a.dtype(), [&](auto zero) { run_plain<decltype(zero)>(run, a, b); });
  };
}

OpFunction make_matmul(const NodeContext& context) {
  return make_product(context, {});
}

OpFunction make_fused_matmul(const NodeContext& context) {
  const Attributes& attributes = context.attributes();
  if (attributes.get_int("transBatchA", 0) != 0 || attributes.get_int("transBatchB", 0) != 0)
    throw unsupported("FusedMatMul with transBatchA or transBatchB");
  return make_product(context, {.transpose_a = attributes.get_int("transA", 0) != 0,
                                .transpose_b = attributes.get_int("transB", 0) != 0,
                                .alpha = attributes.get_float("alpha", 1)});
}

MatMul finished_matmul(const Attributes& attributes) {
  MatMul node{.activation = fused_activation(attributes.get_string("activation", ""),
                                             attributes.get_floats("activation_params"))};
  node.activation.low = attributes.get_float("clamp_lo", node.activation.low);
  node.activation.high = attributes.get_float("clamp_hi", node.activation.high);
  return node;
}

OpFunction make_finished_matmul(const NodeContext& context) {
  return make_product(context, finished_matmul(context.attributes()));
}

// Byte weights as [n][k, 1 …].
OpFunction make_byte_weights_matmul(const NodeContext& context) {
  const Tensor& b = *context.constant(1);
  const QuantInputs format = quant_inputs(*context.constant(4), context.constant(5));
  const std::int64_t n = b.shape()[0], k = b.size() / n;
  const auto packed = std::make_shared<const PackedBytesF32>(
      context.kernels,
      ByteMatrixF32{.data = reinterpret_cast<const std::uint8_t*>(b.bytes()),
                    .n = n,
                    .k = k,
                    .format = {format.scale, format.zero_point, format.is_signed()}});
  context.has_copied(1);
  return [node = finished_matmul(context.attributes()), packed](RunContext& run) {
    const Tensor& a = run.input(0);
    if (a.dtype() != DType::kF32) throw bad_input("byte weights multiply floats, found " + a.str());
    const MatMulShape shape(a.shape(), Shape{packed->k(), packed->n()});
    run_one_matrix(run, node, shape, run.output(0, DType::kF32, shape.output()),
                   [&](std::int64_t rows, float* c, const EpilogueF32& epilogue) {
                     gemm_f32_bytes(rows, a.data<float>(), shape.k(), *packed, c, shape.n(),
                                    epilogue, run.threads);
                   });
  };
}

constexpr OpRow kRows[] = {
    {"", "MatMul", make_matmul, QuantRole::kWeighted},
    {"com.microsoft", "FusedMatMul", make_fused_matmul, QuantRole::kWeighted},
    {"com.microsoft", "TransposeMatMul", make_fused_matmul, QuantRole::kWeighted},
    {"q8", "MatMul", make_finished_matmul, QuantRole::kWeighted},
    {"q8", "MatMulOfByteWeights", make_byte_weights_matmul, QuantRole::kWeighted},
};

}  // namespace

std::span<const OpRow> matmul_operators() {
  return kRows;
}

}  // namespace q8

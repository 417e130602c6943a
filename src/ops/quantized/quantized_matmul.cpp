#include <memory>
#include <optional>

#include "kernels/f32/elementwise_rows.h"
#include "kernels/int8/gemm_u8s8.h"
#include "kernels/int8/quantize_rows.h"
#include "kernels/kernel_set.h"
#include "ops/families.h"
#include "ops/matmul_shape.h"
#include "ops/permute.h"
#include "ops/quantized/quant_inputs.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// What becomes of the s32 sums of a product; the vectors that OutputU8S8 only views live here.
struct OwnedOutput {
  OutputKind kind = OutputKind::kS32;
  std::vector<std::int32_t> bias = {};
  std::vector<float> multiplier = {}, float_bias = {};
  std::int32_t zero_point = 0, low = 0, high = 255;
  FloatsToBytes then = {};

  OutputU8S8 view() const {
    OutputU8S8 output;
    output.kind = kind;
    output.bias = bias;
    output.multiplier = multiplier;
    output.float_bias = float_bias;
    output.zero_point = zero_point;
    output.low = low;
    output.high = high;
    output.then = then;
    return output;
  }
};

OwnedOutput byte_output(const QuantInputs& a, const QuantInputs& b, const QuantInputs& y,
                        const Tensor* bias) {
  OwnedOutput output{.kind = OutputKind::kByte};
  for (const float b_scale : b.scale)
    output.multiplier.push_back(requantize_multiplier(a.scale[0], b_scale, y.scale[0]));
  if (bias != nullptr)
    output.bias.assign(bias->data<std::int32_t>(), bias->data<std::int32_t>() + bias->size());
  output.zero_point = y.zero_point[0];
  const auto [low, high] = quant_limits(y.dtype);
  output.low = low;
  output.high = high;
  return output;
}

OwnedOutput float_output(const QuantInputs& a, const QuantInputs& b, const Tensor* bias) {
  OwnedOutput output{.kind = OutputKind::kF32};
  for (const float b_scale : b.scale) output.multiplier.push_back(a.scale[0] * b_scale);
  if (bias != nullptr) output.float_bias = bias->to_floats();
  return output;
}

void check_columns(const OwnedOutput& output, std::int64_t columns) {
  if (output.kind == OutputKind::kS32) return;
  need_columns(output.multiplier.size(), columns, "scales of the right factor");
  if (!output.float_bias.empty()) need_columns(output.float_bias.size(), columns, "bias values");
}

// A one-element list for every column, where a bias is given as a scalar.
template <typename T>
void spread(std::vector<T>& values, std::int64_t columns) {
  if (values.size() == 1) values.assign(static_cast<std::size_t>(columns), values[0]);
}

// A matrix of weights [k, n], packed.
PackedS8 pack_weights(const KernelSet& kernels, const Tensor& b, bool transposed,
                      std::span<const std::int32_t> zero_point) {
  if (b.rank() != 2) throw bad_input("the right factor is " + b.str() + ", not a matrix");
  const std::int64_t k = b.shape()[transposed ? 1 : 0], n = b.shape()[transposed ? 0 : 1];
  if (!zero_point.empty()) need_columns(zero_point.size(), n, "zero points of the right factor");
  return PackedS8(*kernels.gemm_u8s8, {.data = b.bytes(),
                                       .is_signed = b.dtype() == DType::kS8,
                                       .k = k,
                                       .n = n,
                                       .stride_k = transposed ? 1 : n,
                                       .stride_n = transposed ? k : 1,
                                       .zero_point = zero_point});
}

DType result_type(const OwnedOutput& output, DType byte_type) {
  if (output.kind == OutputKind::kS32) return DType::kS32;
  return output.kind == OutputKind::kF32 && output.then.quantize == nullptr ? DType::kF32
                                                                            : byte_type;
}

// The distance between neighbours, where it is the same for all of them.
template <typename Offset>
std::optional<std::int64_t> even_step(std::int64_t count, Offset&& offset) {
  const std::int64_t step = count > 1 ? offset(1) - offset(0) : 0;
  for (std::int64_t i = 1; i < count; ++i)
    if (offset(i) - offset(i - 1) != step) return std::nullopt;
  return step;
}

// Y = A·B for any ranks, as NumPy's matmul, batches broadcast.
void multiply(RunContext& run, const Tensor& a, std::int32_t a_zero, const Tensor& b,
              std::span<const std::int32_t> b_zero, const PackedS8* packed,
              const OwnedOutput& output, DType byte_type) {
  need_byte(a, "the left factor");
  need_byte(b, "the right factor");
  const MatMulShape shape(a.shape(), b.shape());
  check_columns(output, shape.n());
  if (!b_zero.empty()) need_columns(b_zero.size(), shape.n(), "zero points of the right factor");
  Tensor& y = run.output(0, result_type(output, byte_type), shape.output());
  const std::size_t y_width = dtype_size(y.dtype());
  const ActivationsView left{.data = a.bytes(),
                             .is_signed = a.dtype() == DType::kS8,
                             .zero_point = a_zero,
                             .row_stride = shape.k()};
  if (packed != nullptr) {
    // One matrix for all: the batches of A are rows of one tall matrix.
    gemm_u8s8(shape.batch() * shape.m(), left, *packed, output.view(), y.mutable_bytes(), shape.n(),
              run.threads);
    return;
  }
  const auto a_step = even_step(shape.batch(), [&](std::int64_t i) { return shape.a_offset(i); });
  const auto b_step = even_step(shape.batch(), [&](std::int64_t i) { return shape.b_offset(i); });
  // All at once, so that threads share them; one by one where broadcasting makes them uneven.
  const std::int64_t at_once = a_step && b_step ? shape.batch() : 1;
  for (std::int64_t i = 0; i < shape.batch(); i += at_once) {
    ActivationsView rows = left;
    rows.data = a.bytes() + shape.a_offset(i);
    batched_gemm_u8s8(
        *run.kernels.gemm_u8s8,
        {.batch = at_once,
         .m = shape.m(),
         .a = rows,
         .a_step = a_step.value_or(0),
         .b = {.data = b.bytes() + shape.b_offset(i),
               .is_signed = b.dtype() == DType::kS8,
               .k = shape.k(),
               .n = shape.n(),
               .stride_k = shape.n(),
               .stride_n = 1,
               .zero_point = b_zero},
         .b_step = b_step.value_or(0),
         .output = output.view(),
         .c = y.mutable_bytes() + static_cast<std::size_t>(i * shape.m() * shape.n()) * y_width,
         .c_stride = shape.n(),
         .c_step = shape.m() * shape.n()},
        run.threads);
  }
}

// A product with everything known but its left factor.
struct ReadyProduct {
  std::shared_ptr<const PackedS8> weights;
  EpilogueU8S8 epilogue;
  bool a_is_signed = false;
  std::int32_t a_zero_point = 0;
  DType type = DType::kU8;  // of the result

  bool fits(const Tensor& a) const { return (a.dtype() == DType::kS8) == a_is_signed; }
};

std::shared_ptr<const ReadyProduct> make_ready(std::shared_ptr<const PackedS8> weights,
                                               const QuantInputs& a, OwnedOutput output,
                                               DType byte_type) {
  need_one_scale(a, "the left factor");
  spread(output.float_bias, weights->n());
  check_columns(output, weights->n());
  const std::int32_t zero_point = a.is_signed() ? a.zero_point[0] + 128 : a.zero_point[0];
  EpilogueU8S8 epilogue(*weights, zero_point, output.view());
  return std::make_shared<const ReadyProduct>(ReadyProduct{.weights = std::move(weights),
                                                           .epilogue = std::move(epilogue),
                                                           .a_is_signed = a.is_signed(),
                                                           .a_zero_point = a.zero_point[0],
                                                           .type = result_type(output, byte_type)});
}

void multiply(RunContext& run, const Tensor& a, const Tensor& b, const ReadyProduct& ready) {
  need_byte(a, "the left factor");
  const MatMulShape shape(a.shape(), b.shape());
  Tensor& y = run.output(0, ready.type, shape.output());
  gemm_u8s8(shape.batch() * shape.m(),
            {.data = a.bytes(),
             .is_signed = ready.a_is_signed,
             .zero_point = ready.a_zero_point,
             .row_stride = shape.k()},
            *ready.weights, ready.epilogue, y.mutable_bytes(), shape.n(), run.threads);
}

// Where the factor is a constant matrix; of its own bytes nothing is read afterwards.
std::shared_ptr<const PackedS8> packed_constant(const NodeContext& node, std::size_t b,
                                                std::span<const std::int32_t> zero_point,
                                                bool transposed = false) {
  const Tensor* weights = node.constant(b);
  if (weights == nullptr || weights->rank() != 2) return nullptr;
  need_byte(*weights, "the right factor");
  auto packed = std::make_shared<const PackedS8>(
      pack_weights(node.kernels, *weights, transposed, zero_point));
  node.has_copied(b);
  return packed;
}

std::vector<std::int32_t> zero_points(const Tensor* tensor) {
  std::vector<std::int32_t> zeros;
  if (tensor != nullptr)
    for (const std::int64_t zero : tensor->to_int64s())
      zeros.push_back(static_cast<std::int32_t>(zero));
  return zeros;
}

std::int32_t one_zero_point(const RunContext& run, std::size_t i) {
  const auto zeros = zero_points(run.optional_input(i));
  if (zeros.size() > 1)
    throw unsupported("a zero point per row of the left factor is not supported");
  return zeros.empty() ? 0 : zeros[0];
}

// MatMulInteger: A, B, a_zero_point, b_zero_point.
OpFunction make_matmul_integer(const NodeContext& node) {
  std::shared_ptr<const PackedS8> packed;
  if (are_constant(node, {1, 3})) packed = packed_constant(node, 1, zero_points(node.constant(3)));
  return [=](RunContext& run) {
    multiply(run, run.input(0), one_zero_point(run, 2), run.input(1),
             zero_points(run.optional_input(3)), packed.get(), {}, DType::kU8);
  };
}

// QLinearMatMul: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point; domain
// "q8" adds a bias (s32 [n]).
OpFunction make_qlinear_matmul(const NodeContext& node) {
  need_inputs(node, 5);
  std::shared_ptr<const PackedS8> packed;
  if (are_constant(node, {3, 4, 5}))
    packed = packed_constant(node, 3, quant_inputs(*node.constant(4), node.constant(5)).zero_point);
  std::shared_ptr<const ReadyProduct> ready;
  if (packed != nullptr && node.constant(6) != nullptr && are_constant(node, {1, 2, 7, 8})) {
    const QuantInputs a = quant_inputs(*node.constant(1), node.constant(2)),
                      b = quant_inputs(*node.constant(4), node.constant(5)),
                      y = quant_inputs(*node.constant(6), node.constant(7));
    need_one_scale(y, "the result");
    ready = make_ready(packed, a, byte_output(a, b, y, node.constant(8)), y.dtype);
  }
  return [=](RunContext& run) {
    if (ready != nullptr && ready->fits(run.input(0)))
      return multiply(run, run.input(0), run.input(3), *ready);
    const QuantInputs a = quant_inputs(run, 1), b = quant_inputs(run, 4), y = quant_inputs(run, 6);
    need_one_scale(a, "the left factor");
    need_one_scale(y, "the result");
    multiply(run, run.input(0), a.zero_point[0], run.input(3), b.zero_point, packed.get(),
             byte_output(a, b, y, run.optional_input(8)), y.dtype);
  };
}

// "q8" MatMulFromBytes: a float result, sum · a_scale · b_scale + bias. Inputs: a, a_scale,
// a_zero_point, b, b_scale, b_zero_point, bias (float [n]). com.microsoft MatMulIntegerToFloat is
// the same with another order of inputs.
struct FromBytesOrder {
  std::size_t a, b, a_scale, a_zero, b_scale, b_zero, bias;
};
constexpr FromBytesOrder kOwnOrder{0, 3, 1, 2, 4, 5, 6};
constexpr FromBytesOrder kMicrosoftOrder{0, 1, 2, 4, 3, 5, 6};

OpFunction make_from_bytes(const NodeContext& node, const FromBytesOrder& order) {
  std::shared_ptr<const PackedS8> packed;
  if (are_constant(node, {order.b, order.b_zero}))
    packed = packed_constant(node, order.b, zero_points(node.constant(order.b_zero)));
  std::shared_ptr<const ReadyProduct> ready;
  if (packed != nullptr && node.constant(order.a_scale) != nullptr &&
      node.constant(order.b_scale) != nullptr && are_constant(node, {order.a_zero, order.bias})) {
    const QuantInputs a = quant_inputs(*node.constant(order.a_scale), node.constant(order.a_zero)),
                      b = quant_inputs(*node.constant(order.b_scale), node.constant(order.b_zero));
    ready = make_ready(packed, a, float_output(a, b, node.constant(order.bias)), DType::kU8);
  }
  return [=](RunContext& run) {
    if (ready != nullptr && ready->fits(run.input(order.a)))
      return multiply(run, run.input(order.a), run.input(order.b), *ready);
    const QuantInputs a = quant_inputs(run.input(order.a_scale), run.optional_input(order.a_zero));
    const QuantInputs b = quant_inputs(run.input(order.b_scale), run.optional_input(order.b_zero));
    OwnedOutput output = float_output(a, b, run.optional_input(order.bias));
    spread(output.float_bias, run.input(order.b).shape().back());
    multiply(run, run.input(order.a), a.zero_point[0], run.input(order.b), b.zero_point,
             packed.get(), output, DType::kU8);
  };
}

OpFunction make_matmul_from_bytes(const NodeContext& node) {
  return make_from_bytes(node, kOwnOrder);
}
OpFunction make_integer_to_float(const NodeContext& node) {
  return make_from_bytes(node, kMicrosoftOrder);
}

// "q8" MatMulThroughFloats: MatMulFromBytes, the function that the attribute names (Gelu, GeluTanh)
// or none, and QuantizeLinear. Inputs: those of MatMulFromBytes, y_scale, y_zero_point; all but a
// constant.
OpFunction make_matmul_through_floats(const NodeContext& node) {
  if (!are_constant(node, {1, 2, 3, 4, 5, 6, 7, 8}))
    throw unsupported("factors or parameters that are not constant");
  const QuantInputs a = quant_inputs(*node.constant(1), node.constant(2)),
                    b = quant_inputs(*node.constant(4), node.constant(5)),
                    y = quant_inputs(*node.constant(7), node.constant(8));
  need_one_scale(y, "the result");
  auto packed = packed_constant(node, 3, b.zero_point);
  if (packed == nullptr) throw unsupported("a right factor that is not a matrix");
  OwnedOutput output = float_output(a, b, node.constant(6));
  const auto [low, high] = quant_limits(y.dtype);
  output.then = {.quantize = node.kernels.quantize->quantize,
                 .scale = y.scale[0],
                 .zero_point = y.zero_point[0],
                 .low = low,
                 .high = high};
  const std::string function = node.attributes().get_string("function", "");
  const auto unary = [&](UnaryF32 op) {
    return node.kernels.elementwise_f32->functions->unary[static_cast<int>(op)];
  };
  if (function == "Gelu") output.then.function = unary(UnaryF32::kGelu);
  if (function == "GeluTanh") output.then.function = unary(UnaryF32::kGeluTanh);
  const auto ready = make_ready(std::move(packed), a, std::move(output), y.dtype);
  return [ready](RunContext& run) {
    if (!ready->fits(run.input(0)))
      throw bad_input("the input is " + run.input(0).str() +
                      ", of another type than its zero point");
    multiply(run, run.input(0), run.input(3), *ready);
  };
}

// com.microsoft QGemm: a, a_scale, a_zero_point, b, b_scale, b_zero_point, C (s32), y_scale,
// y_zero_point. Without y_scale the result is float.
OpFunction make_qgemm(const NodeContext& node) {
  need_inputs(node, 5);
  const bool a_transposed = node.attributes().get_int("transA", 0) != 0;
  const bool b_transposed = node.attributes().get_int("transB", 0) != 0;
  const float alpha = node.attributes().get_float("alpha", 1);
  std::shared_ptr<const PackedS8> ready;
  if (are_constant(node, {3, 4, 5}))
    ready = packed_constant(node, 3, quant_inputs(*node.constant(4), node.constant(5)).zero_point,
                            b_transposed);
  return [=](RunContext& run) {
    QuantInputs a = quant_inputs(run, 1);
    const QuantInputs b = quant_inputs(run, 4);
    a.scale[0] *= alpha;
    const Tensor& weights = run.input(3);
    need_byte(weights, "the right factor");
    const PackedS8 packed = ready != nullptr
                                ? PackedS8()
                                : pack_weights(run.kernels, weights, b_transposed, b.zero_point);
    const PackedS8& right = ready != nullptr ? *ready : packed;
    Tensor left = run.input(0);
    need_byte(left, "the left factor");
    need_one_scale(a, "the left factor");
    if (left.rank() != 2) throw bad_input("the left factor is " + left.str() + ", not a matrix");
    if (a_transposed) {
      Tensor turned(left.dtype(), Shape{left.shape()[1], left.shape()[0]}, run.allocator);
      permute(left, std::vector<std::int64_t>{1, 0}, turned, run.threads);
      left = std::move(turned);
    }
    if (left.shape()[1] != right.k())
      throw bad_input("shapes " + left.shape().str() + " and " + weights.shape().str() +
                      " do not multiply");
    const Tensor* bias = run.optional_input(6);
    if (bias != nullptr && bias->dtype() != DType::kS32)
      throw bad_input("C is " + bias->str() + "; int32 is needed");
    const bool to_float = !run.has_input(7);
    OwnedOutput output =
        to_float ? float_output(a, b, nullptr) : byte_output(a, b, quant_inputs(run, 7), bias);
    if (to_float && bias != nullptr)
      output.bias.assign(bias->data<std::int32_t>(), bias->data<std::int32_t>() + bias->size());
    if (!output.bias.empty() && output.bias.size() != static_cast<std::size_t>(right.n()) &&
        output.bias.size() != 1)
      throw unsupported("a C of shape " + bias->shape().str() + " is not supported");
    spread(output.bias, right.n());
    check_columns(output, right.n());
    const DType type = to_float ? DType::kF32 : quant_inputs(run, 7).dtype;
    Tensor& y = run.output(0, type, Shape{left.shape()[0], right.n()});
    gemm_u8s8(left.shape()[0],
              {.data = left.bytes(),
               .is_signed = left.dtype() == DType::kS8,
               .zero_point = a.zero_point[0],
               .row_stride = right.k()},
              right, output.view(), y.mutable_bytes(), right.n(), run.threads);
  };
}

constexpr OpRow kRows[] = {
    {"", "MatMulInteger", make_matmul_integer},
    {"", "QLinearMatMul", make_qlinear_matmul},
    {"q8", "QLinearMatMul", make_qlinear_matmul},
    {"q8", "MatMulThroughFloats", make_matmul_through_floats},
    {"q8", "MatMulFromBytes", make_matmul_from_bytes},
    {"com.microsoft", "MatMulIntegerToFloat", make_integer_to_float},
    {"com.microsoft", "QGemm", make_qgemm},
};

}  // namespace

std::span<const OpRow> quantized_matmul_operators() {
  return kRows;
}

}  // namespace q8

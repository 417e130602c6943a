#include "ops/quantized/dynamic_product.h"

#include <memory>

#include "kernels/int8/gemm_u8s8.h"
#include "kernels/int8/quantize.h"
#include "ops/families.h"
#include "ops/quantized/quant_inputs.h"

namespace q8 {

DynamicProduct::DynamicProduct(const KernelSet& kernels, const WeightsView& weights,
                               std::vector<float> scale)
    : packed_(*kernels.gemm_u8s8, weights), scale_(std::move(scale)) {
  need_columns(scale_.size(), packed_.n(), "scales of the right factor");
}

void DynamicProduct::run(std::int64_t rows, const float* x, std::span<const float> bias, float* y,
                         RunContext& context) const {
  const std::int64_t count = rows * k();
  const QuantizeRow& row = *context.kernels.quantize;
  const DynamicParams params = dynamic_params_u8(row, x, count, context.threads);
  Tensor bytes(DType::kU8, Shape{rows, k()}, context.allocator);
  quantize_f32(row, x, {.inner = count},
               {.scale = {&params.scale, 1}, .zero_point = {&params.zero_point, 1}}, 0, 255,
               bytes.mutable_data<std::uint8_t>(), context.threads);
  std::vector<float> multiplier;
  for (const float scale : scale_) multiplier.push_back(params.scale * scale);
  OutputU8S8 output;
  output.kind = OutputKind::kF32;
  output.multiplier = multiplier;
  output.float_bias = bias;
  gemm_u8s8(rows, {.data = bytes.bytes(), .zero_point = params.zero_point, .row_stride = k()},
            packed_, output, y, n(), context.threads);
}

namespace {

// com.microsoft DynamicQuantizeMatMul: A (float), B, b_scale, b_zero_point, bias.
OpFunction make_dynamic_quantize_matmul(const NodeContext& node) {
  const Tensor *b = node.constant(1), *scale = node.constant(2);
  if (b == nullptr || scale == nullptr || b->rank() != 2 ||
      (node.has_input(3) && !node.constant(3)))
    throw unsupported("a right factor that is no constant matrix is not supported");
  need_byte(*b, "the right factor");
  const QuantInputs params = quant_inputs(*scale, node.constant(3));
  const auto product =
      std::make_shared<const DynamicProduct>(node.kernels,
                                             WeightsView{.data = b->bytes(),
                                                         .is_signed = b->dtype() == DType::kS8,
                                                         .taps = 1,
                                                         .k = b->shape()[0],
                                                         .n = b->shape()[1],
                                                         .stride_tap = 0,
                                                         .stride_k = b->shape()[1],
                                                         .stride_n = 1,
                                                         .zero_point = params.zero_point},
                                             params.scale);
  node.has_copied(1);
  return [product](RunContext& run) {
    const Tensor& a = run.input(0);
    if (a.dtype() != DType::kF32 || a.rank() < 1 || a.shape().back() != product->k())
      throw bad_input(a.str() + " does not multiply with a matrix of " +
                      std::to_string(product->k()) + " rows");
    std::vector<std::int64_t> dims(a.shape().begin(), a.shape().end());
    dims.back() = product->n();
    std::vector<float> bias;
    if (run.has_input(4)) bias = run.input(4).to_floats();
    if (!bias.empty() && std::ssize(bias) != product->n())
      throw bad_input("the bias has " + std::to_string(bias.size()) + " values for " +
                      std::to_string(product->n()) + " columns");
    Tensor& y = run.output(0, DType::kF32, Shape(std::move(dims)));
    const std::int64_t rows = a.size() / std::max<std::int64_t>(product->k(), 1);
    product->run(rows, a.data<float>(), bias, y.mutable_data<float>(), run);
  };
}

constexpr OpRow kRows[] = {
    {"com.microsoft", "DynamicQuantizeMatMul", make_dynamic_quantize_matmul},
};

}  // namespace

std::span<const OpRow> dynamic_product_operators() {
  return kRows;
}

}  // namespace q8

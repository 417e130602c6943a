#include <algorithm>

#include "kernels/aligned_buffer.h"
#include "kernels/f32/elementwise.h"
#include "kernels/int8/quantize_rows.h"
#include "ops/families.h"
#include "ops/pointwise.h"
#include "ops/quantized/quant_inputs.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// "q8" SoftmaxToBytes, LayerNormalizationToBytes and GeluToBytes: a function of float rows (the
// last axis) and the QuantizeLinear behind it, some rows at a time, so that what is between stays
// in the first cache. Inputs: x, y_scale, y_zero_point, and where they are given: a number that x
// is multiplied by, an addend (broadcast, also the other way round), and the scale and bias of a
// LayerNormalization. Outputs: the bytes; the function's result; the sum that it was given.
enum Input : std::size_t { kX, kScale, kZeroPoint, kFactor, kAddend, kGamma, kBeta };
enum Output : std::size_t { kBytes, kResult, kSum };

// The function of some rows in place.
using RowsFunction = std::function<void(const RunContext&, std::int64_t rows, std::int64_t columns,
                                        const float* in, float* out, Threads&)>;

// Whether the addend repeats itself along the rows of x: its shape ends x's, leading ones aside.
bool repeats_along(const Shape& addend, const Shape& x) {
  std::int64_t skipped = 0;
  while (skipped < addend.rank() && addend[skipped] == 1) ++skipped;
  const std::int64_t rank = addend.rank() - skipped;
  if (addend.rank() > x.rank() || rank == 0) return false;
  for (std::int64_t i = 1; i <= rank; ++i)
    if (addend[addend.rank() - i] != x[x.rank() - i]) return false;
  return true;
}

class RowsToBytes {
 public:
  RowsToBytes(const NodeContext& node, RowsFunction function)
      : function_(std::move(function)),
        wants_result_(is_wanted(node, kResult)),
        wants_sum_(is_wanted(node, kSum)) {}

  void operator()(RunContext& run) const {
    Tensor x = run.input(kX);
    if (x.dtype() != DType::kF32) throw unsupported("rows of " + x.str());
    const Tensor* addend = run.optional_input(kAddend);
    if (addend != nullptr && !repeats_along(addend->shape(), x.shape()) &&
        repeats_along(x.shape(), addend->shape()) && !run.has_input(kFactor)) {
      x = *addend;
      addend = &run.input(kX);
    }
    bool is_scaled = run.has_input(kFactor);
    if (addend != nullptr && !repeats_along(addend->shape(), x.shape())) {
      if (is_scaled) x = combine_kernel(run, x, run.input(kFactor), BinaryF32::kMultiply);
      x = combine_kernel(run, x, *addend, BinaryF32::kAdd);
      if (wants_sum_) run.set_output(kSum, x);
      is_scaled = false;
      addend = nullptr;
    }
    compute(run, x, is_scaled ? run.input(kFactor).data<float>() : nullptr, addend);
  }

 private:
  static bool is_wanted(const NodeContext& node, std::size_t output) {
    return output < node.output_count() && node.node.outputs[output] != kNoValue;
  }

  void compute(RunContext& run, const Tensor& x, const float* factor, const Tensor* addend) const {
    const QuantInputs q = quant_inputs(run, kScale);
    const auto [low, high] = quant_limits(q.dtype);
    auto* const bytes =
        reinterpret_cast<std::uint8_t*>(run.output(kBytes, q.dtype, x.shape()).mutable_bytes());
    const auto floats = [&](std::size_t output, bool wanted) {
      return wanted ? run.output(output, DType::kF32, x.shape()).mutable_data<float>() : nullptr;
    };
    float* const result = floats(kResult, wants_result_);
    float* const sum = floats(kSum, wants_sum_ && addend != nullptr);
    if (x.size() == 0) return;
    const std::int64_t columns = x.rank() == 0 ? 1 : x.shape().back();
    const std::int64_t rows = x.size() / columns;
    const std::int64_t period = addend == nullptr ? 1 : addend->size() / columns;
    const float* const source = x.data<float>();
    const float* const added = addend == nullptr ? nullptr : addend->data<float>();
    const ElementwiseF32Functions& f = *run.kernels.elementwise_f32->functions;
    constexpr std::int64_t kAtATime = 4096;  // floats: half of a small first cache
    const std::int64_t block = std::max<std::int64_t>(1, kAtATime / columns);
    run.threads.parallel_for(rows, block, [&](std::int64_t begin, std::int64_t end) {
      Threads one(1);
      AlignedBuffer<float> scratch(static_cast<std::size_t>(std::min(block, rows) * columns));
      for (std::int64_t row = begin; row < end; row += block) {
        const std::int64_t some = std::min(block, end - row), first = row * columns;
        const float* in = source + first;
        if (factor != nullptr) {
          f.binary_scalar_right[static_cast<int>(BinaryF32::kMultiply)](in, factor, scratch.data(),
                                                                        some * columns);
          in = scratch.data();
        }
        if (added != nullptr) {
          float* const total = sum != nullptr ? sum + first : scratch.data();
          for (std::int64_t i = 0; i < some; ++i)
            f.binary[static_cast<int>(BinaryF32::kAdd)](in + i * columns,
                                                        added + (row + i) % period * columns,
                                                        total + i * columns, columns);
          in = total;
        }
        float* const made = result != nullptr ? result + first : scratch.data();
        function_(run, some, columns, in, made, one);
        run.kernels.quantize->quantize({.x = made,
                                        .count = some * columns,
                                        .scale = q.scale[0],
                                        .zero_point = q.zero_point[0],
                                        .low = low,
                                        .high = high,
                                        .out = bytes + first});
      }
    });
  }

  RowsFunction function_;
  bool wants_result_, wants_sum_;
};

OpFunction make_softmax(const NodeContext& node) {
  return RowsToBytes(node, [](const RunContext& run, std::int64_t rows, std::int64_t columns,
                              const float* in, float* out, Threads& one) {
    softmax_f32(run.kernels, rows, columns, in, out, one);
  });
}

OpFunction make_gelu(const NodeContext& node) {
  const UnaryF32 gelu = node.attributes().get_string("approximate", "none") == "tanh"
                            ? UnaryF32::kGeluTanh
                            : UnaryF32::kGelu;
  return RowsToBytes(node, [gelu](const RunContext& run, std::int64_t rows, std::int64_t columns,
                                  const float* in, float* out, Threads& one) {
    map_f32(run.kernels, gelu, in, out, rows * columns, one);
  });
}

OpFunction make_layer_norm(const NodeContext& node) {
  const float epsilon = node.attributes().get_float("epsilon", 1e-5f);
  return RowsToBytes(node, [epsilon](const RunContext& run, std::int64_t rows, std::int64_t columns,
                                     const float* in, float* out, Threads& one) {
    const auto operand = [&](std::size_t i) -> const float* {
      const Tensor* t = run.optional_input(i);
      if (t != nullptr && t->size() != columns)
        throw bad_input("operand " + t->str() + " does not fit rows of " + std::to_string(columns));
      return t == nullptr ? nullptr : t->data<float>();
    };
    layer_norm_f32(run.kernels,
                   {.rows = rows,
                    .columns = columns,
                    .scale = operand(kGamma),
                    .shift = operand(kBeta),
                    .epsilon = epsilon},
                   in, out, one);
  });
}

constexpr OpRow kRows[] = {
    {"q8", "SoftmaxToBytes", make_softmax},
    {"q8", "GeluToBytes", make_gelu},
    {"q8", "LayerNormalizationToBytes", make_layer_norm},
};

}  // namespace

std::span<const OpRow> rows_to_bytes_operators() {
  return kRows;
}

}  // namespace q8

#include <array>
#include <cmath>

#include "base/rounding.h"
#include "kernels/int8/lookup_u8.h"
#include "kernels/int8/quantize.h"
#include "kernels/isa_rows.h"
#include "kernels/kernel_set.h"
#include "ops/broadcast.h"
#include "ops/families.h"
#include "ops/quantized/quant_inputs.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// One scale and zero point of a byte tensor.
ByteFormat byte_format(const QuantInputs& q) {
  need_one_scale(q, "a tensor");
  return {.scale = q.scale[0], .zero_point = q.zero_point[0], .is_signed = q.is_signed()};
}

// com.microsoft QLinearAdd and QLinearMul: A, A_scale, A_zero, B, B_scale, B_zero, C_scale, C_zero;
// by the ONNX definition: dequantize, compute in FP32, quantize. Domain "q8" adds the attributes
// clamp_low and clamp_high.
template <bool kMultiply>
OpFunction make_combine(const NodeContext& node) {
  const std::int64_t clamp_low = node.attributes().get_int("clamp_low", INT32_MIN);
  const std::int64_t clamp_high = node.attributes().get_int("clamp_high", INT32_MAX);
  return [=](RunContext& run) {
    const Tensor *a = &run.input(0), *b = &run.input(3);
    need_byte(*a, "an operand");
    need_byte(*b, "an operand");
    ByteFormat a_format = byte_format(quant_inputs(run, 1)),
               b_format = byte_format(quant_inputs(run, 4));
    a_format.is_signed = a->dtype() == DType::kS8;
    b_format.is_signed = b->dtype() == DType::kS8;
    const QuantInputs c = quant_inputs(run, 6, a->dtype());
    if (a->size() == 1 &&
        b->size() != 1) {  // both operations commute; the kernel wants the one value last
      std::swap(a, b);
      std::swap(a_format, b_format);
    }
    const auto [low, high] = quant_limits(c.dtype);
    CombineSpan span{.a = nullptr,
                     .b = nullptr,
                     .b_step = 1,
                     .count = 0,
                     .a_format = a_format,
                     .b_format = b_format,
                     .multiply = kMultiply,
                     .scale = c.scale.at(0),
                     .zero_point = c.zero_point[0],
                     .low = static_cast<std::int32_t>(std::max<std::int64_t>(low, clamp_low)),
                     .high = static_cast<std::int32_t>(std::min<std::int64_t>(high, clamp_high)),
                     .out = nullptr};
    const Broadcast plan({&a->shape(), &b->shape()});
    Tensor& y = run.output(0, c.dtype, plan.shape());
    const auto* left = reinterpret_cast<const std::uint8_t*>(a->bytes());
    const auto* right = reinterpret_cast<const std::uint8_t*>(b->bytes());
    auto* out = reinterpret_cast<std::uint8_t*>(y.mutable_bytes());
    if (a->shape() == b->shape() || b->size() == 1) {
      span.a = left;
      span.b = right;
      span.b_step = b->size() == 1 && a->size() != 1 ? 0 : 1;
      span.count = y.size();
      span.out = out;
      combine_u8(*run.kernels.quantize, span, run.threads);
      return;
    }
    run.threads.parallel_for(
        y.size(), std::int64_t{16384}, [&](std::int64_t begin, std::int64_t end) {
          plan.walk(begin, end,
                    [&](std::int64_t at, std::int64_t n, const Broadcast::Offsets& from) {
                      CombineSpan part = span;
                      const bool swapped = !plan.advances(0);
                      part.a = swapped ? right + from[1] : left + from[0];
                      part.b = swapped ? left + from[0] : right + from[1];
                      if (swapped) std::swap(part.a_format, part.b_format);
                      part.b_step = plan.advances(0) && plan.advances(1) ? 1 : 0;
                      part.count = plan.advances(0) || plan.advances(1) ? n : 1;
                      part.out = out + at;
                      run.kernels.quantize->combine(part);
                      if (part.count < n) std::fill(out + at, out + at + n, out[at]);
                    });
        });
  };
}

using Table = std::array<std::uint8_t, 256>;

// The byte that each byte becomes when it is dequantized, put through `function` and quantized.
template <typename Function>
Table make_table(const ByteFormat& from, const QuantInputs& to, Function&& function) {
  Table table{};
  const ByteFormat y = byte_format(to);
  const auto [low, high] = quant_limits(to.dtype);
  for (int i = 0; i < 256; ++i) {
    const int q = from.is_signed && i > 127 ? i - 256 : i;
    const float real = static_cast<float>(q - from.zero_point) * from.scale;
    const float result =
        round_half_even(function(real) / y.scale) + static_cast<float>(y.zero_point);
    const float clamped =
        std::min(static_cast<float>(high), std::max(static_cast<float>(low), result));
    table[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(static_cast<std::int32_t>(clamped));
  }
  return table;
}

void look_up(RunContext& run, const Table& table, const Tensor& x, DType y_type) {
  need_byte(x, "the input");
  Tensor& y = run.output(0, y_type, x.shape());
  lookup_u8(run.kernels.max_isa, table.data(), reinterpret_cast<const std::uint8_t*>(x.bytes()),
            x.size(), reinterpret_cast<std::uint8_t*>(y.mutable_bytes()), run.threads);
}

// com.microsoft QLinearSigmoid and QLinearLeakyRelu: X, X_scale, X_zero, Y_scale, Y_zero.
template <typename Function>
OpFunction pointwise_bytes(Function function) {
  return [=](RunContext& run) {
    ByteFormat x = byte_format(quant_inputs(run, 1));
    x.is_signed = run.input(0).dtype() == DType::kS8;
    const QuantInputs y = quant_inputs(run, 3, run.input(0).dtype());
    look_up(run, make_table(x, y, function), run.input(0), y.dtype);
  };
}

OpFunction make_sigmoid(const NodeContext&) {
  return pointwise_bytes([](float v) { return 1.0f / (1.0f + std::exp(-v)); });
}

OpFunction make_leaky_relu(const NodeContext& node) {
  const float alpha = node.attributes().get_float("alpha", 0.01f);
  return pointwise_bytes([alpha](float v) { return v < 0 ? alpha * v : v; });
}

// "q8" TableLookup: x and a table of 256 bytes (u8 or s8, the output's type), indexed by the byte
// seen as u8.
OpFunction make_table_lookup(const NodeContext& node) {
  const Tensor* constant = node.constant(1);
  if (constant == nullptr || constant->size() != 256)
    throw bad_input("the table must be 256 constants");
  Table table{};
  std::copy_n(reinterpret_cast<const std::uint8_t*>(constant->bytes()), 256, table.begin());
  return [table, type = constant->dtype()](RunContext& run) {
    look_up(run, table, run.input(0), type);
  };
}

// com.microsoft QLinearConcat: Y_scale, Y_zero, then tensor, scale and zero point of each part.
OpFunction make_concat(const NodeContext& node) {
  const std::int64_t axis_attribute = node.attributes().need_int("axis");
  return [=](RunContext& run) {
    const QuantInputs y = quant_inputs(run, 0);
    const Tensor& first = run.input(2);
    const std::int64_t axis = first.shape().normalize_axis(axis_attribute);
    Shape shape = first.shape();
    for (std::size_t i = 5; i < run.input_count(); i += 3) {
      Shape part = run.input(i).shape();
      const std::int64_t size = axis < part.rank() ? part[axis] : 0;
      if (axis < part.rank()) part[axis] = first.shape()[axis];
      if (part != first.shape())
        throw bad_input("parts of shapes " + first.shape().str() + " and " +
                        run.input(i).shape().str() + " do not concatenate along axis " +
                        std::to_string(axis));
      shape[axis] += size;
    }
    Tensor& out = run.output(0, y.dtype, shape);
    struct Part {
      const std::uint8_t* bytes;
      std::int64_t length;  // in a row
      Table table;
    };
    std::vector<Part> parts;
    for (std::size_t i = 2; i < run.input_count(); i += 3) {
      const Tensor& part = run.input(i);
      need_byte(part, "a part");
      ByteFormat format = byte_format(quant_inputs(run, i + 1));
      format.is_signed = part.dtype() == DType::kS8;
      parts.push_back({.bytes = reinterpret_cast<const std::uint8_t*>(part.bytes()),
                       .length = part.shape().count(axis, part.rank()),
                       .table = make_table(format, y, [](float v) { return v; })});
    }
    const std::int64_t outer = shape.count(0, axis), row = shape.count(axis, shape.rank());
    const LookupU8Function lookup = select(lookup_u8_rows(), run.kernels.max_isa).lookup;
    auto* const to = reinterpret_cast<std::uint8_t*>(out.mutable_bytes());
    if (outer == 1) {  // one long run a part
      std::int64_t at = 0;
      for (const Part& part : parts) {
        lookup_u8(run.kernels.max_isa, part.table.data(), part.bytes, part.length, to + at,
                  run.threads);
        at += part.length;
      }
      return;
    }
    constexpr std::int64_t kGrain = 32 << 10;
    run.threads.parallel_for(outer, kGrain / std::max<std::int64_t>(1, row) + 1,
                             [&](std::int64_t begin, std::int64_t end) {
                               std::int64_t at = 0;
                               for (const Part& part : parts) {
                                 for (std::int64_t o = begin; o < end; ++o)
                                   lookup(part.table.data(), part.bytes + o * part.length,
                                          part.length, to + o * row + at);
                                 at += part.length;
                               }
                             });
  };
}

constexpr OpRow kRows[] = {
    {"com.microsoft", "QLinearAdd", make_combine<false>},
    {"com.microsoft", "QLinearMul", make_combine<true>},
    {"q8", "QLinearAdd", make_combine<false>},
    {"q8", "QLinearMul", make_combine<true>},
    {"com.microsoft", "QLinearSigmoid", make_sigmoid},
    {"com.microsoft", "QLinearLeakyRelu", make_leaky_relu},
    {"com.microsoft", "QLinearConcat", make_concat},
    {"q8", "TableLookup", make_table_lookup},
};

}  // namespace

std::span<const OpRow> quantized_elementwise_operators() {
  return kRows;
}

}  // namespace q8

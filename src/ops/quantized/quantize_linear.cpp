#include <algorithm>
#include <cmath>

#include "base/rounding.h"
#include "kernels/int8/quantize.h"
#include "kernels/kernel_set.h"
#include "ops/element_type.h"
#include "ops/elementwise.h"
#include "ops/families.h"
#include "ops/quantized/quant_inputs.h"
#include "tensor/dispatch.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// Which scale belongs to which element: one for all, one per index along an axis, or one per block
// of indices along it (opset 21).
struct ScaleMap {
  std::int64_t axis_size = 1,
               inner = 1;   // element i has index i / inner % axis_size along the axis
  std::int64_t block = 1;   // indices that share a scale
  std::int64_t blocks = 1;  // scales along the axis
  bool is_blocked = false;  // the scale varies over the inner axes too

  // Calls function(scale index, first element, count) over runs of elements that share a scale.
  template <typename Function>
  void for_each_run(std::int64_t size, Function&& function) const {
    if (blocks == 1 && !is_blocked) {
      function(std::int64_t{0}, std::int64_t{0}, size);
      return;
    }
    for (std::int64_t begin = 0, row = 0; begin < size; begin += inner, ++row) {
      const std::int64_t index = row % axis_size, outer = row / axis_size;
      if (!is_blocked) {
        function(index, begin, inner);
        continue;
      }
      const std::int64_t base = (outer * blocks + index / block) * inner;
      for (std::int64_t i = 0; i < inner; ++i) function(base + i, begin + i, std::int64_t{1});
    }
  }
};

ScaleMap scale_map(const Shape& shape, const Tensor& scale, std::int64_t axis_attribute,
                   std::int64_t block) {
  if (block < 0) throw bad_input("block_size=" + std::to_string(block) + " is negative");
  if (scale.size() == 1 && block == 0) return {};
  const std::int64_t axis = shape.normalize_axis(axis_attribute);
  ScaleMap map{.axis_size = shape[axis], .inner = shape.count(axis + 1, shape.rank())};
  if (block == 0) {
    if (scale.rank() != 1 || scale.size() != shape[axis])
      throw bad_input("scales of shape " + scale.shape().str() + " do not fit axis " +
                      std::to_string(axis) + " of " + shape.str());
    map.blocks = scale.size();
    return map;
  }
  Shape expected = shape;
  expected[axis] = shape[axis] / block + (shape[axis] % block != 0 ? 1 : 0);
  if (!(scale.shape() == expected))
    throw bad_input("scales of shape " + scale.shape().str() + " do not fit blocks of " +
                    std::to_string(block) + " along axis " + std::to_string(axis) + " of " +
                    shape.str());
  map.block = block;
  map.blocks = expected[axis];
  map.is_blocked = true;
  return map;
}

// For the kernels, which know scales per tensor and along an axis.
ChannelLayout channel_layout(const ScaleMap& map, std::int64_t size) {
  if (map.blocks == 1) return {.outer = 1, .channels = 1, .inner = size};
  const std::int64_t image = map.axis_size * map.inner;
  return {.outer = image == 0 ? 0 : size / image, .channels = map.blocks, .inner = map.inner};
}

// Elements of any numeric type as float and integer types as s32, whatever stores them.
std::vector<std::int32_t> integers(const Tensor& tensor) {
  const auto wide = tensor.to_int64s();
  return {wide.begin(), wide.end()};
}

// QuantizeLinear: y = saturate(round_half_even(x / scale) + zero_point).
OpFunction make_quantize(const NodeContext& node) {
  const std::int64_t axis = node.attributes().get_int("axis", 1);
  const std::int64_t block = node.attributes().get_int("block_size", 0);
  const std::int64_t type = node.attributes().get_int("output_dtype", 0);
  return [=](RunContext& run) {
    const Tensor x = cast(run.input(0), DType::kF32, run.allocator);
    const Tensor& scale_input = run.input(1);
    const std::vector<float> scale = scale_input.to_floats();
    const DType dtype = run.has_input(2) ? run.input(2).dtype()
                        : type != 0      ? element_type(type)
                                         : DType::kU8;
    std::vector<std::int32_t> zero(scale.size(), 0);
    if (run.has_input(2)) zero = integers(run.input(2));
    if (zero.size() != scale.size()) throw bad_input("scale and zero point differ in size");
    const ScaleMap map = scale_map(x.shape(), scale_input, axis, block);
    const auto [low, high] = quant_limits(dtype);
    if (dtype == DType::kS32) throw unsupported("an output of type int32 is not supported");
    const auto qmin = static_cast<float>(low), qmax = static_cast<float>(high);
    Tensor& y = run.output(0, dtype, x.shape());
    const float* from = x.data<float>();
    if ((dtype == DType::kU8 || dtype == DType::kS8) && !map.is_blocked) {
      quantize_f32(*run.kernels.quantize, from, channel_layout(map, x.size()),
                   {.scale = scale, .zero_point = zero, .is_signed = dtype == DType::kS8}, low,
                   high, reinterpret_cast<std::uint8_t*>(y.mutable_bytes()), run.threads);
      return;
    }
    with_size_type(dtype, [&](auto stored) {
      using Stored = decltype(stored);
      auto* to = reinterpret_cast<Stored*>(y.mutable_bytes());
      map.for_each_run(x.size(), [&](std::int64_t s, std::int64_t begin, std::int64_t count) {
        const float by = scale[static_cast<std::size_t>(s)];
        const auto shift = static_cast<float>(zero[static_cast<std::size_t>(s)]);
        run.threads.parallel_for(
            count, kElementwiseGrain, [&](std::int64_t first, std::int64_t last) {
              for (std::int64_t i = begin + first; i < begin + last; ++i) {
                const float q =
                    std::min(qmax, std::max(qmin, round_half_even(from[i] / by) + shift));
                to[i] = static_cast<Stored>(static_cast<std::int32_t>(q));
              }
            });
      });
    });
  };
}

// DequantizeLinear: y = (x − zero_point) · scale.
OpFunction make_dequantize(const NodeContext& node) {
  const std::int64_t axis = node.attributes().get_int("axis", 1);
  const std::int64_t block = node.attributes().get_int("block_size", 0);
  const std::int64_t type = node.attributes().get_int("output_dtype", 0);
  if (node.constant(0) != nullptr && node.constant(1) != nullptr)
    scale_map(node.constant(0)->shape(), *node.constant(1), axis, block);  // throws before it runs
  return [=](RunContext& run) {
    const Tensor& scale_input = run.input(1);
    const std::vector<float> scale = scale_input.to_floats();
    std::vector<std::int32_t> zero(scale.size(), 0);
    if (run.has_input(2)) zero = integers(run.input(2));
    if (zero.size() != scale.size()) throw bad_input("scale and zero point differ in size");
    const Tensor& input = run.input(0);
    const Tensor x = cast(input, stored_type(input.dtype()), run.allocator);
    const ScaleMap map = scale_map(x.shape(), scale_input, axis, block);
    const DType to_type = type != 0 ? element_type(type) : scale_input.dtype();
    Tensor y(DType::kF32, x.shape(), run.allocator);
    float* to = y.mutable_data<float>();
    if ((x.dtype() == DType::kU8 || x.dtype() == DType::kS8) && !map.is_blocked) {
      dequantize_u8(*run.kernels.quantize, reinterpret_cast<const std::uint8_t*>(x.bytes()),
                    channel_layout(map, x.size()),
                    {.scale = scale, .zero_point = zero, .is_signed = x.dtype() == DType::kS8}, to,
                    run.threads);
      run.set_output(0, cast(y, to_type, run.allocator));
      return;
    }
    with_number_type(x.dtype(), [&](auto element) {
      using T = decltype(element);
      if constexpr (!std::is_integral_v<T>) {
        throw unsupported("a tensor " + x.str() + " cannot be dequantized");
      } else {
        const T* from = x.data<T>();
        map.for_each_run(x.size(), [&](std::int64_t s, std::int64_t begin, std::int64_t count) {
          const float by = scale[static_cast<std::size_t>(s)];
          const std::int32_t shift = zero[static_cast<std::size_t>(s)];
          run.threads.parallel_for(
              count, kElementwiseGrain, [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t i = begin + first; i < begin + last; ++i)
                  to[i] = static_cast<float>(static_cast<std::int32_t>(from[i]) - shift) * by;
              });
        });
      }
    });
    run.set_output(0, cast(y, to_type, run.allocator));
  };
}

// DynamicQuantizeLinear: u8 asymmetric parameters from the tensor's own range, widened to zero.
OpFunction make_dynamic_quantize(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    const float* from = x.data<float>();
    const DynamicParams params =
        dynamic_params_u8(*run.kernels.quantize, from, x.size(), run.threads);
    run.output(1, DType::kF32, Shape{}).mutable_data<float>()[0] = params.scale;
    run.output(2, DType::kU8, Shape{}).mutable_data<std::uint8_t>()[0] =
        static_cast<std::uint8_t>(params.zero_point);
    auto* to = run.output(0, DType::kU8, x.shape()).mutable_data<std::uint8_t>();
    quantize_f32(*run.kernels.quantize, from, {.inner = x.size()},
                 {.scale = {&params.scale, 1}, .zero_point = {&params.zero_point, 1}}, 0, 255, to,
                 run.threads);
  };
}

constexpr OpRow kRows[] = {
    {"", "QuantizeLinear", make_quantize, QuantRole::kFloat, false},
    {"", "DequantizeLinear", make_dequantize, QuantRole::kFloat, false},
    {"com.microsoft", "QuantizeLinear", make_quantize, QuantRole::kFloat, false},
    {"com.microsoft", "DequantizeLinear", make_dequantize, QuantRole::kFloat, false},
    {"", "DynamicQuantizeLinear", make_dynamic_quantize},
};

}  // namespace

std::span<const OpRow> quantize_linear_operators() {
  return kRows;
}

}  // namespace q8

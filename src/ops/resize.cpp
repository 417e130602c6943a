#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "kernels/int8/quantize.h"
#include "kernels/kernel_set.h"
#include "ops/families.h"
#include "ops/quantized/quant_inputs.h"
#include "ops/resize_node.h"
#include "ops/resize_plane.h"
#include "tensor/dispatch.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// Elements a thread takes at least.
constexpr std::int64_t kGrain = 16384;

// Nearest: one element each, whatever its type. `fill` stands where an axis has no tap.
template <typename T>
void gather(const Tensor& x, Tensor& y, const std::vector<AxisTable>& tables, T fill,
            Threads& threads) {
  const std::int64_t rank = x.rank();
  if (y.size() == 0) return;
  // Source index by axis and output position, −1 for the fill.
  std::vector<std::vector<std::int64_t>> index(static_cast<std::size_t>(rank));
  std::vector<std::int64_t> stride(static_cast<std::size_t>(rank), 1);
  for (std::int64_t axis = rank - 1; axis >= 0; --axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (axis + 1 < rank) stride[a] = stride[a + 1] * x.shape()[axis + 1];
    for (std::int64_t i = 0; i < y.shape()[axis]; ++i) index[a].push_back(i);
  }
  for (const AxisTable& table : tables)
    for (std::size_t i = 0; i < table.taps.size(); ++i)
      index[static_cast<std::size_t>(table.axis)][i] =
          table.taps[i].empty() ? -1 : table.taps[i][0].index;
  const T* source = reinterpret_cast<const T*>(x.bytes());
  T* target = reinterpret_cast<T*>(y.mutable_bytes());
  const std::int64_t width = y.shape().back();
  const std::vector<std::int64_t>& columns = index.back();
  const bool whole_rows = std::ranges::none_of(  // channels last: pixels are copied
      tables, [&](const AxisTable& table) { return table.axis == rank - 1; });
  threads.parallel_for(y.size() / width, std::max<std::int64_t>(1, kGrain / width),
                       [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t row = begin; row < end; ++row) {
                           std::int64_t rest = row, offset = 0;
                           bool inside = true;
                           for (std::int64_t axis = rank - 2; axis >= 0; --axis) {
                             const auto a = static_cast<std::size_t>(axis);
                             const std::int64_t from =
                                 index[a][static_cast<std::size_t>(rest % y.shape()[axis])];
                             inside = inside && from >= 0;
                             offset += from * stride[a];
                             rest /= y.shape()[axis];
                           }
                           T* out = target + row * width;
                           if (whole_rows && inside) {
                             std::copy_n(source + offset, width, out);
                             continue;
                           }
                           for (std::int64_t i = 0; i < width; ++i) {
                             const std::int64_t from = columns[static_cast<std::size_t>(i)];
                             out[i] = inside && from >= 0 ? source[offset + from] : fill;
                           }
                         }
                       });
}

// Linear and cubic: one axis after the other, the last one first.
template <typename T>
Tensor interpolate_axis(const Tensor& x, const AxisTable& table, T fill, RunContext& run) {
  std::vector<std::int64_t> dims(x.shape().begin(), x.shape().end());
  const auto out = static_cast<std::int64_t>(table.taps.size());
  dims[static_cast<std::size_t>(table.axis)] = out;
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  if (y.size() == 0) return y;
  const std::int64_t in = x.shape()[table.axis];
  const std::int64_t inner = x.shape().count(table.axis + 1, x.rank());
  // Tap by tap, so that the loops below touch plain arrays.
  std::vector<std::int64_t> begins = {0}, indices;
  std::vector<T> weights;
  for (const auto& taps : table.taps) {
    for (const Tap& tap : taps) {
      indices.push_back(tap.index * inner);
      weights.push_back(static_cast<T>(tap.weight));
    }
    begins.push_back(static_cast<std::int64_t>(indices.size()));
  }
  const T* source = x.data<T>();
  T* target = y.mutable_data<T>();
  run.threads.parallel_for(y.size() / inner, std::max<std::int64_t>(1, kGrain / inner),
                           [&](std::int64_t begin, std::int64_t end) {
                             for (std::int64_t row = begin; row < end; ++row) {
                               const auto at = static_cast<std::size_t>(row % out);
                               const T* from = source + row / out * in * inner;
                               T* to = target + row * inner;
                               const auto first = static_cast<std::size_t>(begins[at]);
                               const auto last = static_cast<std::size_t>(begins[at + 1]);
                               std::fill_n(to, inner, first == last ? fill : T(0));
                               for (std::size_t tap = first; tap < last; ++tap)
                                 for (std::int64_t i = 0; i < inner; ++i)
                                   to[i] += weights[tap] * from[indices[tap] + i];
                             }
                           });
  return y;
}

// Back to an integer type: truncated as ONNX Runtime and the reference do, and saturated.
template <typename T>
Tensor to_integers(const Tensor& x, Allocator& allocator) {
  Tensor y(dtype_of<T>(), x.shape(), allocator);
  constexpr auto kLow = static_cast<double>(std::numeric_limits<T>::lowest());
  constexpr auto kHigh = static_cast<double>(std::numeric_limits<T>::max());
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const double v = x.data<double>()[i];
    y.mutable_data<T>()[i] = v <= kLow    ? std::numeric_limits<T>::lowest()
                             : v >= kHigh ? std::numeric_limits<T>::max()
                                          : static_cast<T>(v);
  }
  return y;
}

// One axis, or two neighbouring ones, all of whose results are made of something.
bool is_of_planes(const Resizing& resizing) {
  const auto& tables = resizing.tables;
  return resizing.shape.count() > 0 &&
         (tables.size() == 1 || (tables.size() == 2 && tables[0].axis == tables[1].axis + 1)) &&
         std::ranges::all_of(tables, [](const AxisTable& table) {
           return std::ranges::none_of(table.taps, &std::vector<Tap>::empty);
         });
}

// Floats, one axis after the other.
Tensor interpolate(Tensor x, const Resizing& resizing, const Resize& node, RunContext& run) {
  for (const AxisTable& table : resizing.tables)
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      x = interpolate_axis<T>(x, table, static_cast<T>(node.extrapolation_value), run);
    });
  return x;
}

// The floats of `x` and `y` by lines; of bytes, where they have a scale, on the way.
PlaneResize::Ends ends_of(const RunContext& run, const Tensor& x, Tensor& y, std::int64_t in_line,
                          std::int64_t out_line, const std::optional<QuantInputs>& from,
                          const std::optional<QuantInputs>& to) {
  PlaneResize::Ends ends;
  if (from)
    ends.load = [&run, bytes = reinterpret_cast<const std::uint8_t*>(x.bytes()), in_line,
                 format = ByteFormat{from->scale[0], from->zero_point[0], from->is_signed()}](
                    std::int64_t line, float* scratch) {
      run.kernels.quantize->dequantize({bytes + line * in_line, in_line, format, scratch});
      return scratch;
    };
  else
    ends.load = [floats = x.data<float>(), in_line](std::int64_t line, float*) {
      return floats + line * in_line;
    };
  if (!to) {
    ends.place = [floats = y.mutable_data<float>(), out_line](std::int64_t line, float*) {
      return floats + line * out_line;
    };
    ends.store = [](std::int64_t, const float*) {};
    return ends;
  }
  ends.place = [](std::int64_t, float* scratch) { return scratch; };
  const auto [low, high] = quant_limits(to->dtype);
  ends.store = [&run, bytes = reinterpret_cast<std::uint8_t*>(y.mutable_bytes()), out_line,
                scale = to->scale[0], zero_point = to->zero_point[0], low,
                high](std::int64_t line, const float* values) {
    run.kernels.quantize->quantize(
        {values, out_line, scale, zero_point, low, high, bytes + line * out_line});
  };
  return ends;
}

// The same for every line of a Resizing of planes.
void resize_planes(RunContext& run, Resizing resizing, const std::optional<QuantInputs>& from,
                   const std::optional<QuantInputs>& to) {
  const Tensor& x = run.input(0);
  Tensor& y = run.output(0, to ? to->dtype : DType::kF32, resizing.shape);
  auto& tables = resizing.tables;
  const std::int64_t lines = tables.back().axis;
  const bool both = tables.size() == 2;
  const std::int64_t inner = x.shape().count(tables[0].axis + 1, x.rank());
  const std::int64_t columns = both ? x.shape()[lines + 1] : 1;
  const std::int64_t out_columns = both ? y.shape()[lines + 1] : 1;
  const PlaneResize plane(std::move(tables.back().taps),
                          both ? std::move(tables[0].taps) : PlaneResize::TapTable{},
                          x.shape()[lines], columns, inner);
  plane.run(x.shape().count(0, lines),
            ends_of(run, x, y, columns * inner, out_columns * inner, from, to), run.threads);
}

// Whatever else can be resized: all as floats first.
void resize_whole(RunContext& run, const Resize& node, const Resizing& resizing,
                  const std::optional<QuantInputs>& from, const std::optional<QuantInputs>& to) {
  const Tensor& x = run.input(0);
  Tensor& y = run.output(0, to ? to->dtype : DType::kF32, resizing.shape);
  const auto ends = ends_of(run, x, y, x.size(), y.size(), from, to);
  Tensor floats(DType::kF32, x.shape(), run.allocator);
  const float* const loaded = ends.load(0, floats.mutable_data<float>());
  if (!from) std::copy_n(loaded, x.size(), floats.mutable_data<float>());
  const Tensor made = interpolate(std::move(floats), resizing, node, run);
  if (!to) std::copy_n(made.data<float>(), y.size(), y.mutable_data<float>());
  ends.store(0, made.data<float>());
}

void run_resize(RunContext& run, const Resize& node) {
  const Tensor& x = run.input(0);
  Resizing resizing = node.of(run, x.shape());
  if (resizing.tables.empty()) {
    run.set_output(0, x);
    return;
  }
  if (node.mode.mode == "nearest") {
    Tensor& y = run.output(0, x.dtype(), resizing.shape);
    const Tensor fill = cast(Tensor::scalar(node.extrapolation_value), x.dtype());
    with_size_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      gather<T>(x, y, resizing.tables, *reinterpret_cast<const T*>(fill.bytes()), run.threads);
    });
    return;
  }
  if (x.dtype() == DType::kF32 && is_of_planes(resizing)) {
    resize_planes(run, std::move(resizing), std::nullopt, std::nullopt);
    return;
  }
  const bool is_float = x.dtype() == DType::kF32 || x.dtype() == DType::kF64;
  Tensor y = interpolate(is_float ? x : cast(x, DType::kF64, run.allocator), resizing, node, run);
  if (!is_float)
    y = with_number_type(x.dtype(),
                         [&](auto zero) { return to_integers<decltype(zero)>(y, run.allocator); });
  run.set_output(0, std::move(y));
}

OpFunction make_resize(const NodeContext& context) {
  return [node = read_resize(context, 1)](RunContext& run) { run_resize(run, node); };
}

// "q8" ResizeOfBytes: a Resize (opset 11 and up) that computes, with the DequantizeLinear in front
// of it and the QuantizeLinear behind it. Inputs: x, x_scale, x_zero_point, y_scale, y_zero_point
// (no x_scale: x is float; no y_scale: the result is), roi, scales, sizes.
OpFunction make_resize_of_bytes(const NodeContext& context) {
  return [node = read_resize(context, 5)](RunContext& run) {
    const auto format = [&](std::size_t i) {
      return run.has_input(i) ? std::optional(quant_inputs(run, i)) : std::nullopt;
    };
    const auto from = format(1), to = format(3);
    Resizing resizing = node.of(run, run.input(0).shape());
    if (is_of_planes(resizing))
      resize_planes(run, std::move(resizing), from, to);
    else
      resize_whole(run, node, resizing, from, to);
  };
}

// Upsample 7 has its scales as an attribute, 9 as an input; "bilinear" is an older word for linear.
OpFunction make_upsample(const NodeContext& context) {
  Resize node;
  node.mode.mode = context.attributes().get_string("mode", "nearest");
  if (node.mode.mode == "bilinear") node.mode.mode = "linear";
  node.mode.coordinates = "asymmetric";
  node.mode.nearest = "simple";
  node.scales = context.attributes().get_floats("scales");
  node.scale_input = 1;
  return [node](RunContext& run) { run_resize(run, node); };
}

constexpr OpRow kRows[] = {
    {"", "Resize", make_resize, QuantRole::kMoves},
    {"", "Upsample", make_upsample, QuantRole::kMoves},
    {"q8", "ResizeOfBytes", make_resize_of_bytes},
};

}  // namespace

std::span<const OpRow> resize_operators() {
  return kRows;
}

}  // namespace q8

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ops/families.h"
#include "ops/interpolation.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

using TapTable = std::vector<std::vector<Tap>>;

// Elements a thread takes at least.
constexpr std::int64_t kGrain = 16384;

struct AxisTable {
  std::int64_t axis;
  TapTable taps;
};

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

struct Resize {
  ResizeMode mode;
  float extrapolation_value = 0;
  std::vector<std::int64_t> axes;  // empty: all
  std::string aspect_ratio_policy = "stretch";
  std::vector<float> scales;  // Upsample 7
  std::size_t roi = kAbsent, scale_input = kAbsent, sizes = kAbsent;
  static constexpr std::size_t kAbsent = 100;  // an input that the opset does not have

  bool is_given(const RunContext& run, std::size_t input) const {
    return run.has_input(input) && run.input(input).size() > 0;
  }
  std::vector<AxisResize> plan(const RunContext& run, const Shape& shape,
                               std::span<const std::int64_t> resized) const;
};

// What each of the resized axes becomes.
std::vector<AxisResize> Resize::plan(const RunContext& run, const Shape& shape,
                                     std::span<const std::int64_t> resized) const {
  const std::size_t count = resized.size();
  std::vector<AxisResize> plan(count);
  for (std::size_t i = 0; i < count; ++i) plan[i].input = shape[resized[i]];
  const auto check = [&](std::size_t found, std::size_t expected, std::string_view what) {
    if (found != expected)
      throw bad_input(std::string(what) + " of Resize has " + std::to_string(found) +
                      " values, expected " + std::to_string(expected));
  };
  const bool crops = mode.coordinates == "tf_crop_and_resize";
  if (crops) {
    const std::vector<float> regions = run.input(roi).to_floats();
    check(regions.size(), 2 * count, "roi");
    for (std::size_t i = 0; i < count; ++i) {
      plan[i].roi_begin = static_cast<double>(regions[i]);
      plan[i].roi_end = static_cast<double>(regions[count + i]);
    }
  }
  if (is_given(run, sizes)) {
    const std::vector<std::int64_t> wanted = run.input(sizes).to_int64s();
    check(wanted.size(), count, "sizes");
    for (std::size_t i = 0; i < count; ++i) {
      plan[i].output = wanted[i];
      plan[i].scale = static_cast<double>(wanted[i]) / static_cast<double>(plan[i].input);
      plan[i].step = static_cast<double>(plan[i].input) / static_cast<double>(wanted[i]);
    }
    if (aspect_ratio_policy == "stretch") return plan;
    double common = plan.empty() ? 1 : plan[0].scale;
    for (const AxisResize& axis : plan)
      common = aspect_ratio_policy == "not_larger" ? std::min(common, axis.scale)
                                                   : std::max(common, axis.scale);
    for (AxisResize& axis : plan) {
      axis.scale = common;
      axis.step = 1 / common;
      axis.output =
          static_cast<std::int64_t>(std::floor(common * static_cast<double>(axis.input) + 0.5));
    }
    return plan;
  }
  const std::vector<float> factors = scales.empty() ? run.input(scale_input).to_floats() : scales;
  check(factors.size(), count, "scales");
  for (std::size_t i = 0; i < count; ++i) {
    if (!(factors[i] > 0)) throw bad_input("a scale of Resize is not positive");
    plan[i].scale = static_cast<double>(factors[i]);
    plan[i].step = 1 / plan[i].scale;
    // In float, as ONNX shape inference and ONNX Runtime compute it.
    const float part = crops ? static_cast<float>(plan[i].roi_end - plan[i].roi_begin) : 1.0f;
    const double size =
        std::floor(static_cast<double>(static_cast<float>(plan[i].input) * part * factors[i]));
    if (!(size < 1e9))
      throw bad_input("Resize to " + std::to_string(size) + " elements on an axis");
    plan[i].output = static_cast<std::int64_t>(size);
  }
  return plan;
}

void run_resize(RunContext& run, const Resize& node) {
  const Tensor& x = run.input(0);
  std::vector<std::int64_t> resized = node.axes;
  if (resized.empty())
    for (std::int64_t axis = 0; axis < x.rank(); ++axis) resized.push_back(axis);
  for (std::int64_t& axis : resized) axis = x.shape().normalize_axis(axis);
  const std::vector<AxisResize> plan = node.plan(run, x.shape(), resized);
  std::vector<std::int64_t> dims(x.shape().begin(), x.shape().end());
  std::vector<AxisTable> tables;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (plan[i].output < 0) throw bad_input("Resize to a negative size");
    if (plan[i].input == 0 && plan[i].output > 0) throw bad_input("Resize of an empty axis");
    dims[static_cast<std::size_t>(resized[i])] = plan[i].output;
    const bool crops = node.mode.coordinates == "tf_crop_and_resize";
    if (plan[i].input == plan[i].output && plan[i].scale == 1 && !crops) continue;
    tables.push_back({resized[i], axis_taps(plan[i], node.mode)});
  }
  if (tables.empty()) {
    run.set_output(0, x);
    return;
  }
  if (node.mode.mode == "nearest") {
    Tensor& y = run.output(0, x.dtype(), Shape(std::move(dims)));
    const Tensor fill = cast(Tensor::scalar(node.extrapolation_value), x.dtype());
    with_size_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      gather<T>(x, y, tables, *reinterpret_cast<const T*>(fill.bytes()), run.threads);
    });
    return;
  }
  const bool is_float = x.dtype() == DType::kF32 || x.dtype() == DType::kF64;
  Tensor y = is_float ? x : cast(x, DType::kF64, run.allocator);
  std::sort(tables.begin(), tables.end(),
            [](const AxisTable& a, const AxisTable& b) { return a.axis > b.axis; });
  for (const AxisTable& table : tables)
    with_float_type(y.dtype(), [&](auto zero) {
      using T = decltype(zero);
      y = interpolate_axis<T>(y, table, static_cast<T>(node.extrapolation_value), run);
    });
  if (!is_float)
    y = with_number_type(x.dtype(),
                         [&](auto zero) { return to_integers<decltype(zero)>(y, run.allocator); });
  run.set_output(0, std::move(y));
}

OpFunction make_resize(const NodeContext& context) {
  const Attributes& attributes = context.attributes();
  Resize node;
  node.mode.mode = attributes.get_string("mode", "nearest");
  if (context.opset < 11) {
    node.mode.coordinates = "asymmetric";
    node.mode.nearest = "simple";
    node.scale_input = 1;
  } else {
    node.mode.coordinates = attributes.get_string("coordinate_transformation_mode", "half_pixel");
    node.mode.nearest = attributes.get_string("nearest_mode", "round_prefer_floor");
    node.mode.cubic_coefficient =
        static_cast<double>(attributes.get_float("cubic_coeff_a", -0.75f));
    node.mode.antialias = attributes.get_int("antialias", 0) != 0 && node.mode.mode != "nearest";
    node.mode.exclude_outside = attributes.get_int("exclude_outside", 0) != 0;
    node.extrapolation_value = attributes.get_float("extrapolation_value", 0);
    node.axes = attributes.get_ints("axes");
    node.aspect_ratio_policy = attributes.get_string("keep_aspect_ratio_policy", "stretch");
    node.roi = 1;
    node.scale_input = 2;
    node.sizes = 3;
  }
  return [node](RunContext& run) { run_resize(run, node); };
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
};

}  // namespace

std::span<const OpRow> resize_operators() {
  return kRows;
}

}  // namespace q8

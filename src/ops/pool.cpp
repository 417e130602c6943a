#include <cmath>
#include <limits>

#include "kernels/int8/pool_u8.h"
#include "ops/families.h"
#include "ops/operator.h"
#include "ops/pool_loops.h"
#include "ops/pool_rows_f32.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

template <typename T>
struct MaxReducer {
  T start() const {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  }
  T take(T acc, T x) const { return x > acc ? x : acc; }
  T join(T a, T b) const { return take(a, b); }
  T finish(T acc, std::int64_t) const { return acc; }
};

template <typename T>
struct AverageReducer {
  T start() const { return 0; }
  T take(T acc, T x) const { return acc + x; }
  T join(T a, T b) const { return a + b; }
  T finish(T acc, std::int64_t taps) const { return taps == 0 ? T(0) : acc / static_cast<T>(taps); }
};

// (Σ |x|^p)^(1/p)
template <typename T>
struct LpReducer {
  std::int64_t p;
  T start() const { return 0; }
  T take(T acc, T x) const {
    if (p == 2) return acc + x * x;
    return acc + (p == 1 ? std::abs(x) : std::pow(std::abs(x), static_cast<T>(p)));
  }
  T join(T a, T b) const { return a + b; }
  T finish(T acc, std::int64_t) const {
    if (p == 1) return acc;
    return p == 2 ? std::sqrt(acc) : std::pow(acc, T(1) / static_cast<T>(p));
  }
};

struct Pool {
  WindowAttributes attributes;
  std::vector<std::int64_t> kernel;
  Layout layout;

  Pool(const NodeContext& node, Layout where)
      : attributes(node.attributes()), kernel(attributes.kernel()), layout(where) {}
};

// Makes output 0 and fills it. x and y have the element type T.
template <typename T, typename Reducer>
void run_pool(RunContext& run, const Pool& pool, const Reducer& reducer, bool count_padding) {
  const Tensor& x = run.input(0);
  ImageDims dims = image_dims(x.shape(), pool.layout);
  const Window window = pool.attributes.at(dims, pool.kernel);
  dims.size = window.output;
  Tensor& y = run.output(0, x.dtype(), image_shape(dims, pool.layout));
  const bool first = pool.layout == Layout::kChannelsFirst;
  PoolLoops<T, Reducer>(window, first ? dims.batch * dims.channels : dims.batch,
                        first ? 1 : dims.channels, reducer, count_padding)
      .run(x.data<T>(), y.mutable_data<T>(), run.threads);
}

// Floats with channels last, by the kernels.
void run_pool_rows(RunContext& run, const Pool& pool, PoolKindF32 kind) {
  const Tensor& x = run.input(0);
  ImageDims dims = image_dims(x.shape(), Layout::kChannelsLast);
  const Window window = pool.attributes.at(dims, pool.kernel);
  dims.size = window.output;
  Tensor& y = run.output(0, x.dtype(), image_shape(dims, Layout::kChannelsLast));
  pool_rows_f32(run, window, dims.batch, dims.channels, kind, x.data<float>(),
                y.mutable_data<float>());
}

// MaxPool with its second output: where in x each of the largest stands, counted over the whole
// tensor in row-major order, or with the spatial axes in column-major order.
template <typename T>
void max_pool_with_indices(RunContext& run, const Pool& pool, bool column_major) {
  const Tensor& x = run.input(0);
  const ImageDims in = image_dims(x.shape(), Layout::kChannelsFirst);
  const Window w = pool.attributes.at(in, pool.kernel);
  ImageDims out = in;
  out.size = w.output;
  const Shape shape = image_shape(out, Layout::kChannelsFirst);
  T* values = run.output(0, x.dtype(), shape).template mutable_data<T>();
  auto* indices = run.output(1, DType::kS64, shape).mutable_data<std::int64_t>();
  const auto taps = window_taps(w);
  const std::int64_t plane = product(in.size);
  // Steps of an index along depth, height and width.
  const Spatial step = column_major ? Spatial{in.size[1] * in.size[2], 1, in.size[1]}
                                    : Spatial{in.size[1] * in.size[2], in.size[2], 1};
  run.threads.parallel_for(in.batch * in.channels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t image = begin; image < end; ++image) {
      const T* source = x.data<T>() + image * plane;
      std::int64_t at = image * product(w.output);
      for (const AxisTaps& depth : taps[0])
        for (const AxisTaps& height : taps[1])
          for (const AxisTaps& width : taps[2]) {
            T best = MaxReducer<T>{}.start();
            std::int64_t index = -1;
            for (std::int64_t i = 0; i < depth.count; ++i)
              for (std::int64_t j = 0; j < height.count; ++j)
                for (std::int64_t k = 0; k < width.count; ++k) {
                  const std::int64_t d = depth.first + i * w.dilation[0];
                  const std::int64_t h = height.first + j * w.dilation[1];
                  const std::int64_t v = width.first + k * w.dilation[2];
                  const T value = source[(d * in.size[1] + h) * in.size[2] + v];
                  if (index >= 0 && !(value > best)) continue;
                  best = value;
                  index = image * plane + d * step[0] + h * step[1] + v * step[2];
                }
            values[at] = best;
            indices[at++] = index;
          }
    }
  });
}

// Bytes with channels last, by the kernel.
void max_pool_bytes(RunContext& run, const Pool& pool) {
  const Tensor& x = run.input(0);
  ImageDims dims = image_dims(x.shape(), Layout::kChannelsLast);
  const Window w = pool.attributes.at(dims, pool.kernel);
  const ConvGeometry g = pool_geometry(dims, w);
  dims.size = w.output;
  Tensor& y = run.output(0, x.dtype(), image_shape(dims, Layout::kChannelsLast));
  if (y.size() == 0) return;
  max_pool_u8(g, reinterpret_cast<const std::uint8_t*>(x.bytes()), x.dtype() == DType::kS8,
              reinterpret_cast<std::uint8_t*>(y.mutable_bytes()), run.threads);
}

template <Layout layout>
OpFunction make_max_pool(const NodeContext& node) {
  const Pool pool(node, layout);
  const bool column_major = node.attributes().get_int("storage_order", 0) != 0;
  const bool wants_indices = node.output_count() > 1 && node.node.outputs[1] != kNoValue;
  if (wants_indices && layout == Layout::kChannelsLast)
    throw unsupported("MaxPool with channels last has no output Indices");
  return [=](RunContext& run) {
    const DType dtype = run.input(0).dtype();
    if (layout == Layout::kChannelsLast && (dtype == DType::kU8 || dtype == DType::kS8)) {
      max_pool_bytes(run, pool);
      return;
    }
    if (layout == Layout::kChannelsLast && dtype == DType::kF32) {
      run_pool_rows(run, pool, PoolKindF32::kLargest);
      return;
    }
    with_number_type(dtype, [&](auto zero) {
      using T = decltype(zero);
      if (wants_indices)
        max_pool_with_indices<T>(run, pool, column_major);
      else
        run_pool<T>(run, pool, MaxReducer<T>{}, false);
    });
  };
}

template <Layout layout>
OpFunction make_average_pool(const NodeContext& node) {
  const Pool pool(node, layout);
  const bool count_padding = node.attributes().get_int("count_include_pad", 0) != 0;
  return [=](RunContext& run) {
    if (layout == Layout::kChannelsLast && run.input(0).dtype() == DType::kF32) {
      run_pool_rows(run, pool, count_padding ? PoolKindF32::kPaddedMean : PoolKindF32::kMean);
      return;
    }
    with_float_type(run.input(0).dtype(), [&](auto zero) {
      using T = decltype(zero);
      run_pool<T>(run, pool, AverageReducer<T>{}, count_padding);
    });
  };
}

std::int64_t norm_order(const NodeContext& node) {
  const std::int64_t p = node.attributes().get_int("p", 2);
  if (p < 1) throw bad_input("attribute p must be at least 1, found " + std::to_string(p));
  return p;
}

OpFunction make_lp_pool(const NodeContext& node) {
  const Pool pool(node, Layout::kChannelsFirst);
  const std::int64_t p = norm_order(node);
  return [=](RunContext& run) {
    with_float_type(run.input(0).dtype(), [&](auto zero) {
      using T = decltype(zero);
      run_pool<T>(run, pool, LpReducer<T>{p}, false);
    });
  };
}

// Pools over all spatial axes, however many there are.
template <typename T, typename Reducer>
void run_global_pool(RunContext& run, Layout layout, const Reducer& reducer) {
  const Tensor& x = run.input(0);
  if (x.rank() < 2) throw bad_input("expected batch, channels and spatial axes, found " + x.str());
  const std::int64_t channel_axis = layout == Layout::kChannelsFirst ? 1 : x.rank() - 1;
  std::vector<std::int64_t> dims(static_cast<std::size_t>(x.rank()), 1);
  dims[0] = x.shape()[0];
  dims[static_cast<std::size_t>(channel_axis)] = x.shape()[channel_axis];
  Tensor& y = run.output(0, x.dtype(), Shape(std::move(dims)));
  const std::int64_t channels = x.shape()[channel_axis];
  if (y.size() == 0) return;
  const std::int64_t pixels = x.size() / y.size();
  const T* source = x.data<T>();
  T* target = y.mutable_data<T>();
  if (layout == Layout::kChannelsFirst) {
    run.threads.parallel_for(
        y.size(), std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(pixels, 1)),
        [&](std::int64_t begin, std::int64_t end) {
          // Sixteen chains side by side, joined in a fixed order: fast, and more precise than one.
          constexpr std::int64_t kLanes = 16;
          for (std::int64_t row = begin; row < end; ++row) {
            const T* in = source + row * pixels;
            std::array<T, kLanes> acc;
            acc.fill(reducer.start());
            std::int64_t i = 0;
            for (; i + kLanes <= pixels; i += kLanes)
              for (std::int64_t lane = 0; lane < kLanes; ++lane)
                acc[static_cast<std::size_t>(lane)] =
                    reducer.take(acc[static_cast<std::size_t>(lane)], in[i + lane]);
            for (; i < pixels; ++i) acc[0] = reducer.take(acc[0], in[i]);
            for (std::size_t width = kLanes / 2; width > 0; width /= 2)
              for (std::size_t lane = 0; lane < width; ++lane)
                acc[lane] = reducer.join(acc[lane], acc[lane + width]);
            target[row] = reducer.finish(acc[0], pixels);
          }
        });
    return;
  }
  if constexpr (std::is_same_v<Reducer, AverageReducer<float>>) {
    global_average_rows_f32(run, x.shape()[0], pixels, channels, source, target);
    return;
  }
  run.threads.parallel_for(x.shape()[0], 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t image = begin; image < end; ++image) {
      T* out = target + image * channels;
      std::fill_n(out, channels, reducer.start());
      for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
        const T* in = source + (image * pixels + pixel) * channels;
        for (std::int64_t c = 0; c < channels; ++c) out[c] = reducer.take(out[c], in[c]);
      }
      for (std::int64_t c = 0; c < channels; ++c) out[c] = reducer.finish(out[c], pixels);
    }
  });
}

template <template <typename> typename Reducer, Layout layout>
OpFunction make_global_pool(const NodeContext&) {
  return [](RunContext& run) {
    with_float_type(run.input(0).dtype(), [&](auto zero) {
      run_global_pool<decltype(zero)>(run, layout, Reducer<decltype(zero)>{});
    });
  };
}

OpFunction make_global_lp_pool(const NodeContext& node) {
  const std::int64_t p = norm_order(node);
  return [p](RunContext& run) {
    with_float_type(run.input(0).dtype(), [&](auto zero) {
      using T = decltype(zero);
      run_global_pool<T>(run, Layout::kChannelsFirst, LpReducer<T>{p});
    });
  };
}

constexpr Layout kFirst = Layout::kChannelsFirst, kLast = Layout::kChannelsLast;

// Domain "q8": the same on tensors whose channels stand last.
constexpr OpRow kRows[] = {
    {"", "MaxPool", make_max_pool<kFirst>, QuantRole::kMoves},
    {"q8", "MaxPool", make_max_pool<kLast>, QuantRole::kMoves},
    {"", "AveragePool", make_average_pool<kFirst>, QuantRole::kPool},
    {"q8", "AveragePool", make_average_pool<kLast>, QuantRole::kPool},
    {"", "LpPool", make_lp_pool, QuantRole::kFloat},
    {"", "GlobalMaxPool", make_global_pool<MaxReducer, kFirst>, QuantRole::kFloat},
    {"", "GlobalAveragePool", make_global_pool<AverageReducer, kFirst>, QuantRole::kPool},
    {"q8", "GlobalAveragePool", make_global_pool<AverageReducer, kLast>, QuantRole::kPool},
    {"", "GlobalLpPool", make_global_lp_pool, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> pool_operators() {
  return kRows;
}

}  // namespace q8

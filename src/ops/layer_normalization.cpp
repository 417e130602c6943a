#include "kernels/f32/elementwise.h"
#include "ops/families.h"
#include "ops/normalization.h"

namespace q8 {
namespace {

// Normalizations of rows: all axes from one on. Formulas: ONNX operator specification;
// com.microsoft: ONNX Runtime's ContribOperators.md. Statistics are taken in double.

struct RowNorm {
  bool subtract_mean;  // LayerNormalization, else RMSNormalization
  double epsilon;
};

// One row: y = (x − mean) / deviation · scale + bias, without mean for RMS. scale and bias have the
// row's size, or are null.
template <typename T>
Moments normalize_row(const T* x, T* y, std::int64_t size, const T* scale, const T* bias,
                      const RowNorm& norm) {
  Moments m;
  if (norm.subtract_mean) {
    m = moments(x, size, norm.epsilon);
  } else {
    const double squares = lane_sum(x, size, [](double v) { return v * v; });
    m = {0, 1.0 / std::sqrt(squares / static_cast<double>(size) + norm.epsilon)};
  }
  const T mean = static_cast<T>(m.mean), factor = static_cast<T>(m.inverse_deviation);
  for (std::int64_t i = 0; i < size; ++i) {
    T v = (x[i] - mean) * factor;
    if (scale != nullptr) v *= scale[i];
    if (bias != nullptr) v += bias[i];
    y[i] = v;
  }
  return m;
}

// An operand that broadcasts to the normalized axes, spelt out; null where it is absent. An operand
// that also varies with the outer axes is refused by its size.
template <typename T>
const T* row_operand(RunContext& run, std::size_t input, const Shape& row,
                     std::vector<T>& storage) {
  if (!run.has_input(input)) return nullptr;
  const Tensor& t = run.input(input);
  const std::int64_t size = row.count();
  if (t.dtype() != dtype_of<T>())
    throw bad_input("operand " + t.str() + " has not the type of the data");
  if (t.size() == size) return t.data<T>();
  // Leading ones aside, its shape must broadcast to the row's.
  std::vector<std::int64_t> dims(t.shape().begin(), t.shape().end());
  while (static_cast<std::int64_t>(dims.size()) > row.rank() && dims.front() == 1)
    dims.erase(dims.begin());
  const Shape shape(std::move(dims));
  if (broadcast(shape, row) != row)
    throw bad_input("operand " + t.str() + " does not broadcast to the normalized axes " +
                    row.str());
  storage.resize(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    std::int64_t rest = i, offset = 0, stride = 1;
    for (std::int64_t axis = row.rank() - 1; axis >= row.rank() - shape.rank(); --axis) {
      const std::int64_t dim = shape[axis - (row.rank() - shape.rank())];
      if (dim != 1) offset += rest % row[axis] * stride;
      stride *= dim;
      rest /= row[axis];
    }
    storage[static_cast<std::size_t>(i)] = t.data<T>()[offset];
  }
  return storage.data();
}

// Outputs 1 and 2, where the node has them: mean and 1/deviation, float whatever the data's type,
// of the shape with the normalized axes reduced to 1.
void run_row_norm(RunContext& run, const RowNorm& norm, std::int64_t axis_attribute,
                  std::size_t mean_output, std::size_t deviation_output) {
  const Tensor& x = run.input(0);
  const std::int64_t axis = x.shape().normalize_axis(axis_attribute);
  const Shape row(x.shape().dims().subspan(static_cast<std::size_t>(axis)));
  const std::int64_t size = row.count();
  std::vector<std::int64_t> reduced(x.shape().begin(), x.shape().end());
  std::fill(reduced.begin() + axis, reduced.end(), 1);
  Tensor& y = run.output(0, x.dtype(), x.shape());
  const auto statistic = [&](std::size_t i) -> float* {
    if (i == 0 || i >= run.output_count()) return nullptr;
    return run.output(i, DType::kF32, Shape(reduced)).mutable_data<float>();
  };
  float* means = statistic(mean_output);
  float* deviations = statistic(deviation_output);
  if (size == 0) return;
  with_float_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> scale_storage, bias_storage;
    const T* scale = row_operand<T>(run, 1, row, scale_storage);
    const T* bias = row_operand<T>(run, 2, row, bias_storage);
    const T* source = x.data<T>();
    T* target = y.mutable_data<T>();
    if constexpr (std::is_same_v<T, float>) {
      layer_norm_f32(run.kernels,
                     {.rows = x.size() / size,
                      .columns = size,
                      .scale = scale,
                      .shift = bias,
                      .epsilon = static_cast<float>(norm.epsilon),
                      .is_centred = norm.subtract_mean,
                      .mean = means,
                      .inverse_deviation = deviations},
                     source, target, run.threads);
      return;
    }
    run.threads.parallel_for(
        x.size() / size, row_grain(size), [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t r = begin; r < end; ++r) {
            const Moments m =
                normalize_row(source + r * size, target + r * size, size, scale, bias, norm);
            if (means != nullptr) means[r] = static_cast<float>(m.mean);
            if (deviations != nullptr) deviations[r] = static_cast<float>(m.inverse_deviation);
          }
        });
  });
}

template <bool subtract_mean>
OpFunction make_row_norm(const NodeContext& node) {
  const RowNorm norm{subtract_mean, node.attributes().get_float("epsilon", 1e-5f)};
  const std::int64_t axis = node.attributes().get_int("axis", -1);
  // SimplifiedLayerNormalization's second output is 1/deviation.
  return [=](RunContext& run) {
    run_row_norm(run, norm, axis, subtract_mean ? 1 : 0, subtract_mean ? 2 : 1);
  };
}

// com.microsoft SkipLayerNormalization: inputs input, skip, gamma, (beta,) bias; the sum input +
// skip + bias is normalized along the last axis and is output 3. The simplified one has no beta.
template <bool subtract_mean>
OpFunction make_skip_norm(const NodeContext& node) {
  const RowNorm norm{subtract_mean, node.attributes().get_float("epsilon", 1e-12f)};
  return [norm](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& skip = run.input(1);
    if (x.rank() < 2 || x.size() == 0)
      throw bad_input("expected rows to normalize, found " + x.str());
    const std::int64_t size = x.shape().back();
    constexpr std::size_t kBias = subtract_mean ? 4 : 3;
    const auto operand = [&](std::size_t i, bool optional) -> const Tensor* {
      if (optional && !run.has_input(i)) return nullptr;
      need_per_channel(run.input(i), x, size, "input " + std::to_string(i));
      return &run.input(i);
    };
    const Tensor* gamma = operand(2, false);
    const Tensor* beta = subtract_mean ? operand(3, true) : nullptr;
    const Tensor* bias = operand(kBias, true);
    // The skip may lack the batch axis or have 1 there.
    if (skip.dtype() != x.dtype() || skip.size() == 0 || x.size() % skip.size() != 0 ||
        skip.shape().back() != size)
      throw bad_input("skip " + skip.str() + " does not fit the input " + x.str());
    Tensor& y = run.output(0, x.dtype(), x.shape());
    Tensor sum(x.dtype(), x.shape(), run.allocator);
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const auto values = [](const Tensor* t) { return t == nullptr ? nullptr : t->data<T>(); };
      const T* scale = values(gamma);
      const T* shift = values(beta);
      const T* add = values(bias);
      T* total = sum.mutable_data<T>();
      T* target = y.mutable_data<T>();
      run.threads.parallel_for(x.size() / size, row_grain(size),
                               [&](std::int64_t begin, std::int64_t end) {
                                 for (std::int64_t r = begin; r < end; ++r) {
                                   const T* a = x.data<T>() + r * size;
                                   const T* b = skip.data<T>() + r * size % skip.size();
                                   T* row = total + r * size;
                                   for (std::int64_t i = 0; i < size; ++i)
                                     row[i] = a[i] + b[i] + (add == nullptr ? T(0) : add[i]);
                                   normalize_row(row, target + r * size, size, scale, shift, norm);
                                 }
                               });
    });
    if (run.output_count() > 3) run.set_output(3, std::move(sum));
  };
}

constexpr std::string_view kMicrosoft = "com.microsoft";

constexpr OpRow kRows[] = {
    {"", "LayerNormalization", make_row_norm<true>, QuantRole::kFloat},
    {"", "RMSNormalization", make_row_norm<false>, QuantRole::kFloat},
    // ONNX Runtime's fusions write these two into the default domain.
    {"", "SimplifiedLayerNormalization", make_row_norm<false>, QuantRole::kFloat},
    {kMicrosoft, "SimplifiedLayerNormalization", make_row_norm<false>, QuantRole::kFloat},
    {kMicrosoft, "LayerNormalization", make_row_norm<true>, QuantRole::kFloat},
    {kMicrosoft, "SkipLayerNormalization", make_skip_norm<true>, QuantRole::kFloat},
    {kMicrosoft, "SkipSimplifiedLayerNormalization", make_skip_norm<false>, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> layer_normalization_operators() {
  return kRows;
}

}  // namespace q8

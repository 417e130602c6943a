#include "ops/normalization.h"

#include <limits>

#include "kernels/f32/elementwise.h"
#include "ops/families.h"

namespace q8 {
namespace {

// Normalizations over the spatial axes, channels or groups of [N, C, …]. Formulas: ONNX operator
// specification. Statistics are taken in double.

// y = (x − mean) · scale / √(variance + ε) + bias, all of them per channel.
template <typename T>
void batch_normalize(RunContext& run, const Tensor& x, double epsilon) {
  const std::int64_t channels = x.rank() > 1 ? x.shape()[1] : 1;
  // scale, bias, mean and variance may be of another float type than x.
  std::vector<double> operand[4];
  constexpr std::string_view kNames[] = {"scale", "B", "mean", "var"};
  for (std::size_t i = 0; i < 4; ++i) {
    const Tensor values = cast(run.input(i + 1), DType::kF64);
    if (values.size() != channels)
      throw bad_input("input " + std::string(kNames[i]) + " of BatchNormalization must have " +
                      std::to_string(channels) + " values, found " + run.input(i + 1).str());
    operand[i].assign(values.data<double>(), values.data<double>() + channels);
  }
  Tensor& y = run.output(0, x.dtype(), x.shape());
  if (x.size() == 0) return;
  std::vector<T> scale, shift;
  for (std::size_t c = 0; c < operand[0].size(); ++c) {
    const double factor = operand[0][c] / std::sqrt(operand[3][c] + epsilon);
    scale.push_back(static_cast<T>(factor));
    shift.push_back(static_cast<T>(operand[1][c] - operand[2][c] * factor));
  }
  const std::int64_t planes = x.shape()[0] * channels, plane = x.size() / planes;
  const T* source = x.data<T>();
  T* target = y.mutable_data<T>();
  if constexpr (std::is_same_v<T, float>)
    if (plane == 1) {
      constexpr float kNone = std::numeric_limits<float>::infinity();
      scale_shift_f32(run.kernels, x.shape()[0], channels,
                      {.scale = scale.data(), .shift = shift.data(), .lo = -kNone, .hi = kNone},
                      source, target, run.threads);
      return;
    }
  run.threads.parallel_for(planes, row_grain(plane), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const auto c = static_cast<std::size_t>(p % channels);
      for (std::int64_t i = p * plane; i < (p + 1) * plane; ++i)
        target[i] = source[i] * scale[c] + shift[c];
    }
  });
}

// Training mode: normalized by the batch's own statistics, which also move the running ones.
//   running = running · momentum + batch · (1 − momentum)
template <typename T>
void batch_normalize_training(RunContext& run, const Tensor& x, double epsilon, double momentum) {
  if (x.rank() < 2) throw bad_input("BatchNormalization in training mode needs [N, C, …]");
  const std::int64_t channels = x.shape()[1], plane = x.shape().count(2, x.rank());
  for (std::size_t i = 1; i < 5; ++i) need_per_channel(run.input(i), x, channels, "an operand");
  Tensor& y = run.output(0, x.dtype(), x.shape());
  T* running[2] = {nullptr, nullptr};
  for (std::size_t i = 0; i < 2; ++i)
    if (run.output_count() > i + 1)
      running[i] = run.output(i + 1, x.dtype(), Shape{channels}).template mutable_data<T>();
  std::vector<T> values;
  for (std::int64_t c = 0; c < channels; ++c) {
    values.clear();
    for (std::int64_t n = 0; n < x.shape()[0]; ++n) {
      const T* from = x.data<T>() + (n * channels + c) * plane;
      values.insert(values.end(), from, from + plane);
    }
    const auto size = static_cast<std::int64_t>(values.size());
    const Moments m = moments(values.data(), size, epsilon);
    const double variance = 1.0 / (m.inverse_deviation * m.inverse_deviation) - epsilon;
    const double scale = run.input(1).data<T>()[c], bias = run.input(2).data<T>()[c];
    for (std::int64_t n = 0; n < x.shape()[0]; ++n) {
      T* to = y.mutable_data<T>() + (n * channels + c) * plane;
      for (std::int64_t i = 0; i < plane; ++i)
        to[i] = static_cast<T>((values[static_cast<std::size_t>(n * plane + i)] - m.mean) *
                                   m.inverse_deviation * scale +
                               bias);
    }
    const double batch[2] = {m.mean, variance};
    for (std::size_t i = 0; i < 2; ++i)
      if (running[i] != nullptr)
        running[i][c] =
            static_cast<T>(run.input(3 + i).data<T>()[c] * momentum + batch[i] * (1 - momentum));
  }
}

OpFunction make_batch_normalization(const NodeContext& node) {
  const double epsilon = node.attributes().get_float("epsilon", 1e-5f);
  const double momentum = node.attributes().get_float("momentum", 0.9f);
  const bool training = node.opset >= 14 && node.attributes().get_int("training_mode", 0) != 0;
  if (node.opset < 9 && node.attributes().get_int("spatial", 1) == 0)
    throw unsupported("BatchNormalization with spatial=0");
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      if (training)
        batch_normalize_training<T>(run, x, epsilon, momentum);
      else
        batch_normalize<T>(run, x, epsilon);
    });
  };
}

// Each of `rows` rows is normalized by itself; row r holds channels_per_row channels one after the
// other, and channel c of all has scale[c] and bias[c].
template <typename T>
void normalize_groups(RunContext& run, const Tensor& x, std::int64_t groups, const T* scale,
                      const T* bias, bool per_group, double epsilon) {
  Tensor& y = run.output(0, x.dtype(), x.shape());
  if (x.size() == 0) return;
  const std::int64_t channels = x.shape()[1], plane = x.shape().count(2, x.rank());
  const std::int64_t in_group = channels / groups, size = in_group * plane;
  const T* source = x.data<T>();
  T* target = y.mutable_data<T>();
  run.threads.parallel_for(
      x.shape()[0] * groups, row_grain(size), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t r = begin; r < end; ++r) {
          const Moments m = moments(source + r * size, size, epsilon);
          for (std::int64_t k = 0; k < in_group; ++k) {
            const std::int64_t group = r % groups;
            const std::int64_t c = per_group ? group : group * in_group + k;
            const double factor = m.inverse_deviation * static_cast<double>(scale[c]);
            const T multiply = static_cast<T>(factor);
            const T add = static_cast<T>(static_cast<double>(bias[c]) - m.mean * factor);
            const std::int64_t first = r * size + k * plane;
            for (std::int64_t i = first; i < first + plane; ++i)
              target[i] = source[i] * multiply + add;
          }
        }
      });
}

OpFunction make_instance_normalization(const NodeContext& node) {
  const double epsilon = node.attributes().get_float("epsilon", 1e-5f);
  return [epsilon](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.rank() < 3) throw bad_input("InstanceNormalization needs [N, C, …], found " + x.str());
    need_per_channel(run.input(1), x, x.shape()[1], "scale");
    need_per_channel(run.input(2), x, x.shape()[1], "B");
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      normalize_groups<T>(run, x, x.shape()[1], run.input(1).data<T>(), run.input(2).data<T>(),
                          false, epsilon);
    });
  };
}

// In opset 18 scale and bias are per group, from 21 on per channel.
OpFunction make_group_normalization(const NodeContext& node) {
  const double epsilon = node.attributes().get_float("epsilon", 1e-5f);
  const std::int64_t groups = node.attributes().need_int("num_groups");
  const bool per_group = node.opset < 21;
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.rank() < 2 || groups < 1 || x.shape()[1] % groups != 0)
      throw bad_input("GroupNormalization: num_groups=" + std::to_string(groups) +
                      " does not divide the channels of " + x.str());
    need_per_channel(run.input(1), x, per_group ? groups : x.shape()[1], "scale");
    need_per_channel(run.input(2), x, per_group ? groups : x.shape()[1], "bias");
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      normalize_groups<T>(run, x, groups, run.input(1).data<T>(), run.input(2).data<T>(), per_group,
                          epsilon);
    });
  };
}

// y = x / (bias + α/size · Σ x² over `size` neighbouring channels)^β
OpFunction make_lrn(const NodeContext& node) {
  const std::int64_t size = node.attributes().need_int("size");
  const float alpha = node.attributes().get_float("alpha", 1e-4f);
  const float beta = node.attributes().get_float("beta", 0.75f);
  const float bias = node.attributes().get_float("bias", 1.0f);
  if (size < 1) throw bad_input("attribute size of LRN must be at least 1");
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.rank() < 2) throw bad_input("LRN needs [N, C, …], found " + x.str());
    Tensor& y = run.output(0, x.dtype(), x.shape());
    const std::int64_t channels = x.shape()[1], plane = x.shape().count(2, x.rank());
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = x.data<T>();
      T* target = y.mutable_data<T>();
      run.threads.parallel_for(
          x.shape()[0] * channels, row_grain(plane * size),
          [&](std::int64_t begin, std::int64_t end) {
            std::vector<T> squares(static_cast<std::size_t>(plane));
            for (std::int64_t p = begin; p < end; ++p) {
              const std::int64_t c = p % channels;
              const std::int64_t first = std::max<std::int64_t>(0, c - (size - 1) / 2);
              const std::int64_t last = std::min(channels - 1, c + size / 2);
              std::fill(squares.begin(), squares.end(), T(0));
              for (std::int64_t k = first; k <= last; ++k)
                for (std::int64_t i = 0; i < plane; ++i) {
                  const T v = source[(p - c + k) * plane + i];
                  squares[static_cast<std::size_t>(i)] += v * v;
                }
              for (std::int64_t i = 0; i < plane; ++i)
                target[p * plane + i] = source[p * plane + i] /
                                        std::pow(T(bias) + T(alpha) / static_cast<T>(size) *
                                                               squares[static_cast<std::size_t>(i)],
                                                 T(beta));
            }
          });
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "BatchNormalization", make_batch_normalization, QuantRole::kFloat},
    {"", "InstanceNormalization", make_instance_normalization, QuantRole::kFloat},
    {"", "GroupNormalization", make_group_normalization, QuantRole::kFloat},
    {"", "LRN", make_lrn, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> normalization_operators() {
  return kRows;
}

}  // namespace q8

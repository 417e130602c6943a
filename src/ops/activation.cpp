#include <limits>

#include "ops/families.h"
#include "ops/pointwise.h"

namespace q8 {
namespace {

// Activations made of comparisons, sums and products. Formulas: ONNX operator specification.

template <typename T>
constexpr T lowest() {
  return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                              : std::numeric_limits<T>::lowest();
}
template <typename T>
constexpr T highest() {
  return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                              : std::numeric_limits<T>::max();
}

// max(x, 0); NaN stays NaN.
OpFunction make_relu(const NodeContext&) {
  return pointwise_kernel(UnaryF32::kClamp, pointwise_number([](auto v) {
                            return v < decltype(v){} ? decltype(v){} : v;
                          }),
                          0, highest<float>());
}

// min(max(x, low), high): where low > high everything becomes high.
template <typename T>
void clip(RunContext& run, const Tensor& x, T low, T high) {
  Tensor& y = run.output(0, x.dtype(), x.shape());
  if constexpr (std::is_same_v<T, float>) {
    map_f32(run.kernels, UnaryF32::kClamp, x.data<float>(), y.mutable_data<float>(), x.size(),
            run.threads, low, high);
    return;
  }
  map_elements<T, T>(run, x, y, [low, high](T v) {
    v = v < low ? low : v;
    return high < v ? high : v;
  });
}

template <typename T>
T bound(RunContext& run, std::size_t input, T absent) {
  if (!run.has_input(input)) return absent;
  const Tensor& t = run.input(input);
  if (t.size() != 1 || t.dtype() != dtype_of<T>())
    throw bad_input("input " + std::to_string(input) + " of Clip must be one " +
                    std::string(dtype_name(dtype_of<T>())) + ", found " + t.str());
  return *t.data<T>();
}

// Before opset 11 the bounds are attributes, since then optional inputs.
OpFunction make_clip(const NodeContext& node) {
  if (node.opset < 11) {
    const float low = node.attributes().get_float("min", lowest<float>());
    const float high = node.attributes().get_float("max", highest<float>());
    return [low, high](RunContext& run) {
      const Tensor& x = run.input(0);
      with_float_type(x.dtype(), [&](auto zero) {
        using T = decltype(zero);
        clip<T>(run, x, low, high);
      });
    };
  }
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      clip<T>(run, x, bound<T>(run, 1, lowest<T>()), bound<T>(run, 2, highest<T>()));
    });
  };
}

OpFunction make_leaky_relu(const NodeContext& node) {
  const float alpha = node.attributes().get_float("alpha", 0.01f);
  return pointwise_kernel(
      UnaryF32::kLeakyRelu,
      pointwise_float([alpha](auto v) { return v < 0 ? v * decltype(v)(alpha) : v; }), alpha);
}

OpFunction make_thresholded_relu(const NodeContext& node) {
  const float alpha = node.attributes().get_float("alpha", 1.0f);
  return pointwise_float([alpha](auto v) { return v > decltype(v)(alpha) ? v : decltype(v){}; });
}

OpFunction make_hard_sigmoid(const NodeContext& node) {
  const float alpha = node.attributes().get_float("alpha", 0.2f);
  const float beta = node.attributes().get_float("beta", 0.5f);
  return pointwise_kernel(UnaryF32::kHardSigmoid, pointwise_float([alpha, beta](auto v) {
                            using T = decltype(v);
                            const T line = T(alpha) * v + T(beta);
                            const T above = line < T(0) ? T(0) : line;
                            return above > T(1) ? T(1) : above;
                          }),
                          alpha, beta);
}

// x · clamp(x / 6 + 0.5, 0, 1)
OpFunction make_hard_swish(const NodeContext&) {
  return pointwise_kernel(UnaryF32::kHardSwish, pointwise_float([](auto v) {
                            using T = decltype(v);
                            const T line = v * (T(1) / T(6)) + T(0.5);
                            const T above = line < T(0) ? T(0) : line;
                            return v * (above > T(1) ? T(1) : above);
                          }));
}

OpFunction make_shrink(const NodeContext& node) {
  const float bias = node.attributes().get_float("bias", 0.0f);
  const float lambd = node.attributes().get_float("lambd", 0.5f);
  return pointwise_number([bias, lambd](auto v) {
    using T = decltype(v);
    using Wide = std::conditional_t<std::is_same_v<T, float>, float, double>;
    const auto wide = static_cast<Wide>(v);
    if (wide < -Wide(lambd)) return static_cast<T>(wide + Wide(bias));
    if (wide > Wide(lambd)) return static_cast<T>(wide - Wide(bias));
    return T{};
  });
}

OpFunction make_softsign(const NodeContext&) {
  return pointwise_float([](auto v) { return v / (1 + (v < 0 ? -v : v)); });
}

// x < 0 ? slope · x : x. The slope is broadcast to x.
OpFunction make_prelu(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& slope = run.input(1);
    need_same_type(x, slope);
    if (broadcast(x.shape(), slope.shape()) != x.shape())
      throw bad_input("slope " + slope.str() + " of PRelu does not broadcast to " + x.str());
    if (x.dtype() == DType::kF32) {
      run.set_output(0, combine_kernel(run, x, slope, BinaryF32::kPRelu));
      return;
    }
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      run.set_output(0, combine_elements<T, T, T>(run, x, slope, [](T v, T s) {
                       return v < T{} ? static_cast<T>(v * s) : v;
                     }));
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "Relu", make_relu, QuantRole::kClamp},
    {"", "Clip", make_clip, QuantRole::kClamp},
    {"", "LeakyRelu", make_leaky_relu, QuantRole::kPointwise},
    {"", "PRelu", make_prelu, QuantRole::kFloat},
    {"", "ThresholdedRelu", make_thresholded_relu, QuantRole::kPointwise},
    {"", "HardSigmoid", make_hard_sigmoid, QuantRole::kBounded},
    {"", "HardSwish", make_hard_swish, QuantRole::kPointwise},
    {"", "Shrink", make_shrink, QuantRole::kPointwise},
    {"", "Softsign", make_softsign, QuantRole::kBounded},
};

}  // namespace

std::span<const OpRow> activation_operators() {
  return kRows;
}

}  // namespace q8

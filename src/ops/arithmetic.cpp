#include <cmath>
#include <type_traits>

#include "ops/families.h"
#include "ops/pointwise.h"

namespace q8 {
namespace {

// Signed overflow wraps around, as in NumPy: computed without sign, in 64 bits.
template <typename T>
std::uint64_t bits(T v) {
  return static_cast<std::uint64_t>(v);
}

struct AddOf {
  static constexpr auto kKernel = BinaryF32::kAdd;
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(bits(a) + bits(b));
    else
      return a + b;
  }
};
struct SubOf {
  static constexpr auto kKernel = BinaryF32::kSubtract;
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(bits(a) - bits(b));
    else
      return a - b;
  }
};
struct MulOf {
  static constexpr auto kKernel = BinaryF32::kMultiply;
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(bits(a) * bits(b));
    else
      return a * b;
  }
};
// Integers: towards zero.
struct DivOf {
  static constexpr auto kKernel = BinaryF32::kDivide;
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (b == T{}) throw bad_input("integer division by zero");
      if constexpr (std::is_signed_v<T>)
        if (b == T(-1)) return static_cast<T>(0 - bits(a));  // the least integer has no negative
      return static_cast<T>(a / b);
    } else {
      return a / b;
    }
  }
};
// The result has the divisor's sign, as in Python.
struct ModOf {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (b == T{}) throw bad_input("integer modulus by zero");
      if constexpr (std::is_signed_v<T>) {
        if (b == T(-1)) return T{};
        const T r = static_cast<T>(a % b);
        return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
      } else {
        return static_cast<T>(a % b);
      }
    } else {
      const T r = std::fmod(a, b);
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    }
  }
};
// The result has the dividend's sign, as in C.
struct FmodOf {
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (b == T{}) throw bad_input("integer modulus by zero");
      if constexpr (std::is_signed_v<T>)
        if (b == T(-1)) return T{};
      return static_cast<T>(a % b);
    } else {
      return std::fmod(a, b);
    }
  }
};
// A NaN on either side wins, as in NumPy.
struct MaxOf {
  template <typename T>
  T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct MinOf {
  template <typename T>
  T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};

template <typename Function>
Tensor combine_numbers(RunContext& run, const Tensor& a, const Tensor& b, Function function) {
  need_same_type(a, b);
  if constexpr (requires { Function::kKernel; })
    if (a.dtype() == DType::kF32) return combine_kernel(run, a, b, Function::kKernel);
  return with_number_type(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return combine_elements<T, T, T>(run, a, b, [function](T l, T r) { return function(l, r); });
  });
}

template <typename Function>
OpFunction make_binary(const NodeContext&) {
  return [](RunContext& run) {
    run.set_output(0, combine_numbers(run, run.input(0), run.input(1), Function{}));
  };
}

OpFunction make_mod(const NodeContext& node) {
  return node.attributes().get_int("fmod", 0) != 0 ? make_binary<FmodOf>(node)
                                                   : make_binary<ModOf>(node);
}

// One or more operands, from left to right.
template <typename Function>
Tensor fold(RunContext& run) {
  Tensor result = run.input(0);
  for (std::size_t i = 1; i < run.input_count(); ++i)
    result = combine_numbers(run, result, run.input(i), Function{});
  return result;
}

template <typename Function>
OpFunction make_variadic(const NodeContext&) {
  return [](RunContext& run) { run.set_output(0, fold<Function>(run)); };
}

OpFunction make_mean(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor total = fold<AddOf>(run);
    with_float_type(total.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T count = static_cast<T>(run.input_count());
      Tensor& y = run.output(0, total.dtype(), total.shape());
      map_elements<T, T>(run, total, y, [count](T v) { return v / count; });
    });
  };
}

// base ** exponent for integers; a negative exponent goes through double.
template <typename T>
T integer_power(T base, std::int64_t exponent) {
  if (exponent < 0)
    return static_cast<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  std::uint64_t result = 1, factor = bits(base);
  for (; exponent != 0; exponent >>= 1, factor *= factor)
    if ((exponent & 1) != 0) result *= factor;
  return static_cast<T>(result);
}

// Computed in double and rounded once; squares are exact either way.
template <typename T>
Tensor float_power(RunContext& run, const Tensor& x, const Tensor& e) {
  const Tensor exponent = cast(e, dtype_of<T>(), run.allocator);
  const T only = exponent.size() == 1 ? *exponent.data<T>() : T(0);
  if (only == T(2))
    return combine_elements<T, T, T>(run, x, exponent, [](T v, T) { return v * v; });
  if (only == T(3))
    return combine_elements<T, T, T>(run, x, exponent, [](T v, T) {
      const auto wide = static_cast<double>(v);
      return static_cast<T>(wide * wide * wide);
    });
  return combine_elements<T, T, T>(run, x, exponent, [](T v, T p) {
    return static_cast<T>(std::pow(static_cast<double>(v), static_cast<double>(p)));
  });
}

// The result has the base's type.
OpFunction make_pow(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& e = run.input(1);
    run.set_output(0, with_number_type(x.dtype(), [&](auto zero) {
                     using T = decltype(zero);
                     if constexpr (std::is_floating_point_v<T>) {
                       return float_power<T>(run, x, e);
                     } else if (is_floating(e.dtype())) {
                       const Tensor exponent = cast(e, DType::kF64, run.allocator);
                       return combine_elements<T, double, T>(run, x, exponent, [](T v, double p) {
                         return static_cast<T>(std::pow(static_cast<double>(v), p));
                       });
                     } else {
                       const Tensor exponent = cast(e, DType::kS64, run.allocator);
                       return combine_elements<T, std::int64_t, T>(
                           run, x, exponent,
                           [](T v, std::int64_t p) { return integer_power(v, p); });
                     }
                   }));
  };
}

constexpr OpRow kRows[] = {
    {"", "Add", make_binary<AddOf>, QuantRole::kArithmetic},
    {"", "Sub", make_binary<SubOf>, QuantRole::kArithmetic},
    {"", "Mul", make_binary<MulOf>, QuantRole::kArithmetic},
    {"", "Div", make_binary<DivOf>, QuantRole::kFloat},
    {"", "Mod", make_mod, QuantRole::kFloat},
    {"", "Pow", make_pow, QuantRole::kFloat},
    {"", "Min", make_variadic<MinOf>, QuantRole::kFloat},
    {"", "Max", make_variadic<MaxOf>, QuantRole::kFloat},
    {"", "Sum", make_variadic<AddOf>, QuantRole::kFloat},
    {"", "Mean", make_mean, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> arithmetic_operators() {
  return kRows;
}

}  // namespace q8

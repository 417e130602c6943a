#include <cmath>

#include "base/rounding.h"
#include "ops/elementwise.h"
#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Functions of a float. Computed in double and rounded once, so that the float result does not
// depend on which of its versions the C library picks for this CPU.
template <double (*kFunction)(double)>
OpFunction make_function(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      map_elements<T, T>(run, x, y,
                         [](T v) { return static_cast<T>(kFunction(static_cast<double>(v))); });
    });
  };
}

// Operations that are exact, or correctly rounded, in every float type.
template <typename Function>
OpFunction make_exact(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      map_elements<T, T>(run, x, y, Function{});
    });
  };
}

// Operations on integers too.
template <typename Function>
OpFunction make_numeric(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      map_elements<T, T>(run, x, y, Function{});
    });
  };
}

struct FloorOf {
  template <typename T>
  T operator()(T v) const {
    return std::floor(v);
  }
};
struct CeilOf {
  template <typename T>
  T operator()(T v) const {
    return std::ceil(v);
  }
};
struct RoundOf {
  template <typename T>
  T operator()(T v) const {
    return round_half_even(v);
  }
};
struct SqrtOf {
  template <typename T>
  T operator()(T v) const {
    return std::sqrt(v);
  }
};
struct ReciprocalOf {
  template <typename T>
  T operator()(T v) const {
    return T(1) / v;
  }
};
struct AbsOf {
  template <typename T>
  T operator()(T v) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::abs(v);
    else if constexpr (std::is_signed_v<T>)  // the least integer stays as it is
      return v < 0 ? static_cast<T>(0 - static_cast<std::uint64_t>(v)) : v;
    else
      return v;
  }
};
struct NegOf {
  template <typename T>
  T operator()(T v) const {
    if constexpr (std::is_floating_point_v<T>)
      return -v;
    else
      return static_cast<T>(0 - static_cast<std::uint64_t>(v));
  }
};
struct SignOf {
  template <typename T>
  T operator()(T v) const {
    if constexpr (std::is_floating_point_v<T>)
      if (v != v) return v;
    return static_cast<T>((v > T{}) - (v < T{}));
  }
};

constexpr OpRow kRows[] = {
    {"", "Abs", make_numeric<AbsOf>, QuantRole::kPointwise},
    {"", "Neg", make_numeric<NegOf>, QuantRole::kPointwise},
    {"", "Sign", make_numeric<SignOf>},
    {"", "Floor", make_exact<FloorOf>},
    {"", "Ceil", make_exact<CeilOf>},
    {"", "Round", make_exact<RoundOf>},
    {"", "Sqrt", make_exact<SqrtOf>},
    {"", "Reciprocal", make_exact<ReciprocalOf>},
    {"", "Exp", make_function<std::exp>},
    {"", "Log", make_function<std::log>},
    {"", "Sin", make_function<std::sin>},
    {"", "Cos", make_function<std::cos>},
    {"", "Tan", make_function<std::tan>},
    {"", "Asin", make_function<std::asin>},
    {"", "Acos", make_function<std::acos>},
    {"", "Atan", make_function<std::atan>},
    {"", "Sinh", make_function<std::sinh>},
    {"", "Cosh", make_function<std::cosh>},
    {"", "Asinh", make_function<std::asinh>},
    {"", "Acosh", make_function<std::acosh>},
    {"", "Atanh", make_function<std::atanh>},
};

}  // namespace

std::span<const OpRow> math_operators() {
  return kRows;
}

}  // namespace q8

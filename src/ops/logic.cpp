#include <cmath>

#include "ops/elementwise.h"
#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Comparisons: any one type in, bool out.
template <template <typename> typename Relation>
OpFunction make_comparison(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& a = run.input(0);
    const Tensor& b = run.input(1);
    need_same_type(a, b);
    run.set_output(0, with_native_type(a.dtype(), [&](auto zero) {
                     using T = decltype(zero);
                     return combine_elements<T, T, bool>(run, a, b, Relation<T>{});
                   }));
  };
}

struct XorOf {
  bool operator()(bool a, bool b) const { return a != b; }
};

template <typename Function>
OpFunction make_logical(const NodeContext&) {
  return [](RunContext& run) {
    run.set_output(0,
                   combine_elements<bool, bool, bool>(run, run.input(0), run.input(1), Function{}));
  };
}

OpFunction make_not(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    map_elements<bool, bool>(run, x, run.output(0, DType::kBool, x.shape()),
                             [](bool v) { return !v; });
  };
}

// The integer types; two operands of one type.
template <typename Function>
Tensor combine_integers(RunContext& run, const Tensor& a, const Tensor& b, Function function) {
  need_same_type(a, b);
  return with_number_type(a.dtype(), [&](auto zero) -> Tensor {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T>) {
      return combine_elements<T, T, T>(run, a, b, [function](T l, T r) {
        using U = std::make_unsigned_t<T>;
        return static_cast<T>(function(static_cast<U>(l), static_cast<U>(r)));
      });
    } else {
      throw bad_input("integers are needed, not " + a.str());
    }
  });
}

template <typename Function>
OpFunction make_bitwise(const NodeContext&) {
  return [](RunContext& run) {
    run.set_output(0, combine_integers(run, run.input(0), run.input(1), Function{}));
  };
}

OpFunction make_bitwise_not(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, x.dtype(), x.shape());
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_integral_v<T>)
        map_elements<T, T>(run, x, y, [](T v) { return static_cast<T>(~v); });
      else
        throw bad_input("integers are needed, not " + x.str());
    });
  };
}

// Shifting by the width of the type or more gives 0.
OpFunction make_bit_shift(const NodeContext& node) {
  const std::string direction = node.attributes().get_string("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    throw bad_input("direction is '" + direction + "', not LEFT or RIGHT");
  return [is_left = direction == "LEFT"](RunContext& run) {
    run.set_output(0, combine_integers(run, run.input(0), run.input(1), [is_left](auto v, auto by) {
                     const auto wide = static_cast<std::uint64_t>(v);
                     if (by >= sizeof(v) * 8) return std::uint64_t{0};
                     return is_left ? wide << by : wide >> by;
                   }));
  };
}

OpFunction make_is_nan(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, DType::kBool, x.shape());
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      map_elements<T, bool>(run, x, y, [](T v) { return std::isnan(v); });
    });
  };
}

OpFunction make_is_inf(const NodeContext& node) {
  const bool positive = node.attributes().get_int("detect_positive", 1) != 0;
  const bool negative = node.attributes().get_int("detect_negative", 1) != 0;
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    Tensor& y = run.output(0, DType::kBool, x.shape());
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      map_elements<T, bool>(run, x, y,
                            [=](T v) { return std::isinf(v) && (v > 0 ? positive : negative); });
    });
  };
}

OpFunction make_where(const NodeContext&) {
  return [](RunContext& run) {
    const Tensor& condition = run.input(0);
    const Tensor& a = run.input(1);
    const Tensor& b = run.input(2);
    need_same_type(a, b);
    const Broadcast plan({&condition.shape(), &a.shape(), &b.shape()});
    Tensor& y = run.output(0, a.dtype(), plan.shape());
    const bool* choose = condition.data<bool>();
    with_size_type(a.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const auto* left = reinterpret_cast<const T*>(a.bytes());
      const auto* right = reinterpret_cast<const T*>(b.bytes());
      auto* target = reinterpret_cast<T*>(y.mutable_bytes());
      const std::int64_t step_c = plan.advances(0) ? 1 : 0, step_a = plan.advances(1) ? 1 : 0,
                         step_b = plan.advances(2) ? 1 : 0;
      run.threads.parallel_for(
          y.size(), kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
            plan.walk(begin, end,
                      [&](std::int64_t at, std::int64_t n, const Broadcast::Offsets& from) {
                        const bool* c = choose + from[0];
                        const T* l = left + from[1];
                        const T* r = right + from[2];
                        for (std::int64_t i = 0; i < n; ++i)
                          target[at + i] = c[i * step_c] ? l[i * step_a] : r[i * step_b];
                      });
          });
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "Equal", make_comparison<std::equal_to>},
    {"", "Less", make_comparison<std::less>},
    {"", "LessOrEqual", make_comparison<std::less_equal>},
    {"", "Greater", make_comparison<std::greater>},
    {"", "GreaterOrEqual", make_comparison<std::greater_equal>},
    {"", "And", make_logical<std::logical_and<bool>>},
    {"", "Or", make_logical<std::logical_or<bool>>},
    {"", "Xor", make_logical<XorOf>},
    {"", "Not", make_not},
    {"", "BitwiseAnd", make_bitwise<std::bit_and<>>},
    {"", "BitwiseOr", make_bitwise<std::bit_or<>>},
    {"", "BitwiseXor", make_bitwise<std::bit_xor<>>},
    {"", "BitwiseNot", make_bitwise_not},
    {"", "BitShift", make_bit_shift},
    {"", "IsNaN", make_is_nan},
    {"", "IsInf", make_is_inf},
    {"", "Where", make_where, QuantRole::kFloat, false},
};

}  // namespace

std::span<const OpRow> logic_operators() {
  return kRows;
}

}  // namespace q8

#include "data/checked_cast.h"

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "tensor/dispatch.h"
#include "tensor/half_type.h"

namespace q8 {
namespace {

template <typename To, typename From>
bool survives(From value) {
  if constexpr (std::is_same_v<To, From> || std::is_same_v<From, bool>) {
    return true;
  } else if constexpr (std::is_same_v<To, bool>) {
    return value == From{0} || value == From{1};
  } else if constexpr (std::is_floating_point_v<From> && std::is_floating_point_v<To>) {
    return !std::isfinite(value) || std::isfinite(static_cast<To>(value));
  } else if constexpr (std::is_floating_point_v<From>) {
    // 2^digits is exact in both float types; max() itself may not be.
    const From end = std::ldexp(From{1}, std::numeric_limits<To>::digits);
    const From low = std::is_signed_v<To> ? -end : From{0};
    return value >= low && value < end && value == std::trunc(value);
  } else if constexpr (std::is_floating_point_v<To>) {
    constexpr int kDigits = std::numeric_limits<To>::digits;
    if constexpr (std::numeric_limits<From>::digits <= kDigits) {
      return true;
    } else {
      constexpr From kMost = From{1} << kDigits;  // whole numbers up to here are exact
      if constexpr (std::is_signed_v<From>) {
        return value >= -kMost && value <= kMost;
      } else {
        return value <= kMost;
      }
    }
  } else {
    return std::in_range<To>(value);
  }
}

template <typename T>
std::string text(T value) {
  return std::to_string(value);
}

Error does_not_fit(const std::string& value, DType from, DType to) {
  return bad_input("the value " + value + " (" + std::string(dtype_name(from)) +
                   ") does not fit the model's type " + std::string(dtype_name(to)));
}

}  // namespace

Tensor checked_cast(const Tensor& tensor, DType to) {
  const DType from = tensor.dtype();
  if (from == to) return tensor;
  if (is_half(from)) return checked_cast(cast(tensor, DType::kF32), to);
  if (is_half(to)) {
    const Tensor wide = checked_cast(tensor, DType::kF32);
    const Tensor half = cast(wide, to);
    const Tensor back = cast(half, DType::kF32);
    for (std::int64_t i = 0; i < wide.size(); ++i)
      if (std::isfinite(wide.data<float>()[i]) && !std::isfinite(back.data<float>()[i]))
        throw does_not_fit(text(wide.data<float>()[i]), from, to);
    return half;
  }
  return with_native_type(from, [&](auto from_zero) {
    using From = decltype(from_zero);
    return with_native_type(to, [&](auto to_zero) {
      using To = decltype(to_zero);
      Tensor out(to, tensor.shape());
      const From* in = tensor.data<From>();
      To* values = out.template mutable_data<To>();
      for (std::int64_t i = 0; i < tensor.size(); ++i) {
        if (!survives<To>(in[i])) throw does_not_fit(text(in[i]), from, to);
        values[i] = static_cast<To>(in[i]);
      }
      return out;
    });
  });
}

}  // namespace q8

#pragma once

#include "base/error.h"
#include "tensor/tensor.h"

namespace q8 {

// Calls function(T{}) with the C++ type of `dtype`, for every DType but the 16-bit floats and the
// integers of 4 and 2 bits. This and its kin below are the only switches over element types.
template <typename Function>
auto with_native_type(DType dtype, Function&& function) {
  switch (dtype) {
    case DType::kF32:
      return function(float{});
    case DType::kF64:
      return function(double{});
    case DType::kS8:
      return function(std::int8_t{});
    case DType::kU8:
      return function(std::uint8_t{});
    case DType::kS16:
      return function(std::int16_t{});
    case DType::kU16:
      return function(std::uint16_t{});
    case DType::kS32:
      return function(std::int32_t{});
    case DType::kU32:
      return function(std::uint32_t{});
    case DType::kS64:
      return function(std::int64_t{});
    case DType::kU64:
      return function(std::uint64_t{});
    case DType::kBool:
      return function(bool{});
    case DType::kF16:
    case DType::kBF16:
    case DType::kS4:
    case DType::kU4:
    case DType::kS2:
    case DType::kU2:
      break;
  }
  throw unsupported("element type " + std::string(dtype_name(dtype)) + " is not supported here");
}

// The same without bool: types that have arithmetic.
template <typename Function>
auto with_number_type(DType dtype, Function&& function) {
  if (dtype == DType::kBool) throw unsupported("element type bool is not supported here");
  return with_native_type(dtype, [&](auto zero) {
    if constexpr (std::is_same_v<decltype(zero), bool>) {
      return function(float{});  // never reached
    } else {
      return function(zero);
    }
  });
}

// float and double.
template <typename Function>
auto with_float_type(DType dtype, Function&& function) {
  if (dtype == DType::kF32) return function(float{});
  if (dtype == DType::kF64) return function(double{});
  throw unsupported("element type " + std::string(dtype_name(dtype)) +
                    " is not supported here: a float type is needed");
}

// Types by size alone, for operators that only move elements: 1, 2, 4 or 8 bytes.
template <typename Function>
auto with_size_type(DType dtype, Function&& function) {
  switch (dtype_size(dtype)) {
    case 1:
      return function(std::uint8_t{});
    case 2:
      return function(std::uint16_t{});
    case 4:
      return function(std::uint32_t{});
    default:
      return function(std::uint64_t{});
  }
}

}  // namespace q8

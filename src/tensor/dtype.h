#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace q8 {

// Element types of tensors. Those of 4 and 2 bits are stored unpacked, one element a byte, and
// packed only in files.
enum class DType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kS8,
  kU8,
  kS16,
  kU16,
  kS32,
  kU32,
  kS64,
  kU64,
  kBool,
  kS4,
  kU4,
  kS2,
  kU2,
};

// 16-bit floats, as bits; converted, never computed with.
struct Half {
  std::uint16_t bits;
};
struct BFloat16 {
  std::uint16_t bits;
};
struct Int4 {
  std::int8_t value;
};
struct UInt4 {
  std::uint8_t value;
};
struct Int2 {
  std::int8_t value;
};
struct UInt2 {
  std::uint8_t value;
};

float to_float(Half h);
float to_float(BFloat16 b);
Half to_half(float f);          // rounds half to even; overflow gives inf
BFloat16 to_bfloat16(float f);  // rounds half to even

std::size_t dtype_size(DType dtype);       // bytes of one element in memory
int dtype_bits(DType dtype);               // bits of one element in a file: 2, 4, 8 and above
std::string_view dtype_name(DType dtype);  // ONNX's names: float, uint8, int64, …
bool is_floating(DType dtype);             // f32, f16, bf16, f64
bool is_integer(DType dtype);              // signed and unsigned, without bool

// The DType of a C++ element type.
template <typename T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::kF32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::kF64;
}
template <>
constexpr DType dtype_of<Half>() {
  return DType::kF16;
}
template <>
constexpr DType dtype_of<BFloat16>() {
  return DType::kBF16;
}
template <>
constexpr DType dtype_of<std::int8_t>() {
  return DType::kS8;
}
template <>
constexpr DType dtype_of<std::uint8_t>() {
  return DType::kU8;
}
template <>
constexpr DType dtype_of<std::int16_t>() {
  return DType::kS16;
}
template <>
constexpr DType dtype_of<std::uint16_t>() {
  return DType::kU16;
}
template <>
constexpr DType dtype_of<std::int32_t>() {
  return DType::kS32;
}
template <>
constexpr DType dtype_of<std::uint32_t>() {
  return DType::kU32;
}
template <>
constexpr DType dtype_of<std::int64_t>() {
  return DType::kS64;
}
template <>
constexpr DType dtype_of<std::uint64_t>() {
  return DType::kU64;
}
template <>
constexpr DType dtype_of<bool>() {
  return DType::kBool;
}
template <>
constexpr DType dtype_of<Int4>() {
  return DType::kS4;
}
template <>
constexpr DType dtype_of<UInt4>() {
  return DType::kU4;
}
template <>
constexpr DType dtype_of<Int2>() {
  return DType::kS2;
}
template <>
constexpr DType dtype_of<UInt2>() {
  return DType::kU2;
}

}  // namespace q8

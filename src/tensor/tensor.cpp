#include "tensor/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>

#include "tensor/dispatch.h"
#include "tensor/half_bits.h"

namespace q8 {
namespace {

constexpr std::size_t kAlignment = 64;  // a cache line, and the widest vector

// Refused: std::aligned_alloc. In glibc before 2.38 a block that it gave back does not fit the next
// request of the same size: the heap grew with every sample.
class Heap final : public Allocator {
 public:
  std::shared_ptr<std::byte> allocate(std::size_t bytes) override {
    std::size_t space = bytes + kAlignment;
    void* block = std::malloc(space);
    if (block == nullptr)
      throw resource_error("out of memory: " + std::to_string(bytes) + " bytes asked for");
    void* aligned = block;
    std::align(kAlignment, bytes, aligned, space);
    return {static_cast<std::byte*>(aligned), [block](std::byte*) { std::free(block); }};
  }
};

// The elements of a tensor; their number of bytes then fits every integer type.
std::int64_t checked_count(const Shape& shape) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 46;  // beyond any machine: a broken shape
  const std::int64_t count = shape.count();
  if (count > kLimit) throw resource_error("a tensor of shape " + shape.str() + " is too large");
  return count;
}

// Conversion of one element, as ONNX Cast defines it. Values outside the target's range have no
// defined result in ONNX; they go through int64, which is what ONNX Runtime does on x86 for the
// common ones.
template <typename To, typename From>
To cast_element(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (!(value > From(-9.3e18) && value < From(9.2e18))) {
      if (value >= From(9.2e18) && std::is_same_v<To, std::uint64_t>) return static_cast<To>(value);
      return static_cast<To>(std::numeric_limits<std::int64_t>::min());
    }
    return static_cast<To>(static_cast<std::int64_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

// The types that are only stored become ones that can be computed with, and back.
Tensor widened(const Tensor& t, Allocator& allocator) {
  const auto convert = [&](auto from, auto to, auto function) {
    using From = decltype(from);
    using To = decltype(to);
    Tensor out(dtype_of<To>(), t.shape(), allocator);
    std::transform(t.data<From>(), t.data<From>() + t.size(), out.mutable_data<To>(), function);
    return out;
  };
  switch (t.dtype()) {
    case DType::kF16:
      return convert(Half{}, float{}, [](Half h) { return float_of_half(h.bits); });
    case DType::kBF16:
      return convert(BFloat16{}, float{}, [](BFloat16 b) { return to_float(b); });
    case DType::kS4:
      return convert(Int4{}, std::int8_t{}, [](Int4 v) { return v.value; });
    case DType::kU4:
      return convert(UInt4{}, std::uint8_t{}, [](UInt4 v) { return v.value; });
    case DType::kS2:
      return convert(Int2{}, std::int8_t{}, [](Int2 v) { return v.value; });
    case DType::kU2:
      return convert(UInt2{}, std::uint8_t{}, [](UInt2 v) { return v.value; });
    default:
      return t;
  }
}

template <typename To, typename From, typename Function>
Tensor narrowed(const Tensor& wide, Allocator& allocator, const Function& function) {
  Tensor out(dtype_of<To>(), wide.shape(), allocator);
  const auto* from = wide.data<From>();
  std::transform(from, from + wide.size(), out.mutable_data<To>(), function);
  return out;
}

}  // namespace

Allocator& heap() {
  static Heap instance;  // without state
  return instance;
}

Tensor::Tensor(DType dtype, Shape shape, Allocator& allocator)
    : dtype_(dtype), shape_(std::move(shape)), size_(checked_count(shape_)) {
  memory_ = allocator.allocate(size_bytes());
}

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<const std::byte> keep)
    : dtype_(dtype),
      shape_(std::move(shape)),
      size_(checked_count(shape_)),
      memory_(std::move(keep)) {}

Tensor Tensor::of_int64(std::span<const std::int64_t> values) {
  return of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())}, values);
}

Tensor Tensor::zeros(DType dtype, Shape shape, Allocator& allocator) {
  Tensor t(dtype, std::move(shape), allocator);
  std::memset(t.mutable_bytes(), 0, t.size_bytes());
  return t;
}

Tensor Tensor::reshaped(Shape shape) const {
  if (shape.count() != size_)
    throw bad_input("a tensor of shape " + shape_.str() + " cannot be seen as " + shape.str());
  Tensor t = *this;
  t.shape_ = std::move(shape);
  return t;
}

std::vector<std::int64_t> Tensor::to_int64s() const {
  const Tensor t = cast(*this, DType::kS64);
  return {t.values<std::int64_t>().begin(), t.values<std::int64_t>().end()};
}

std::vector<float> Tensor::to_floats() const {
  const Tensor t = cast(*this, DType::kF32);
  return {t.values<float>().begin(), t.values<float>().end()};
}

std::string Tensor::str() const {
  return std::string(dtype_name(dtype_)) + shape_.str();
}

Tensor cast(const Tensor& tensor, DType to, Allocator& allocator) {
  if (tensor.dtype() == to) return tensor;
  const Tensor from = widened(tensor, allocator);
  switch (to) {
    case DType::kF16:
      return narrowed<Half, float>(cast(from, DType::kF32, allocator), allocator,
                                   [](float f) { return Half{half_of_float(f)}; });
    case DType::kBF16:
      return narrowed<BFloat16, float>(cast(from, DType::kF32, allocator), allocator, to_bfloat16);
    case DType::kS4:
      return narrowed<Int4, std::int8_t>(
          cast(from, DType::kS8, allocator), allocator, [](std::int8_t v) {
            return Int4{
                static_cast<std::int8_t>(((v & 15) ^ 8) - 8)};  // the low bits, with their sign
          });
    case DType::kU4:
      return narrowed<UInt4, std::int8_t>(
          cast(from, DType::kS8, allocator), allocator,
          [](std::int8_t v) { return UInt4{static_cast<std::uint8_t>(v & 15)}; });
    case DType::kS2:
      return narrowed<Int2, std::int8_t>(
          cast(from, DType::kS8, allocator), allocator,
          [](std::int8_t v) { return Int2{static_cast<std::int8_t>(((v & 3) ^ 2) - 2)}; });
    case DType::kU2:
      return narrowed<UInt2, std::int8_t>(
          cast(from, DType::kS8, allocator), allocator,
          [](std::int8_t v) { return UInt2{static_cast<std::uint8_t>(v & 3)}; });
    default:
      break;
  }
  if (from.dtype() == to) return from;
  return with_native_type(from.dtype(), [&](auto from_zero) {
    using From = decltype(from_zero);
    return with_native_type(to, [&](auto to_zero) {
      using To = decltype(to_zero);
      Tensor out(to, from.shape(), allocator);
      const From* source = from.data<From>();
      To* target = out.mutable_data<To>();
      for (std::int64_t i = 0; i < from.size(); ++i) target[i] = cast_element<To>(source[i]);
      return out;
    });
  });
}

}  // namespace q8

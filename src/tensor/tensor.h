#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace q8 {

// Where tensors get their memory: 64-byte aligned blocks that find their way back when the last
// tensor that uses them is gone. Not thread-safe: one per Session.
class Allocator {
 public:
  virtual ~Allocator() = default;
  virtual std::shared_ptr<std::byte> allocate(std::size_t bytes) = 0;
};

// Straight from the heap.
Allocator& heap();

// Elements of one type in row-major order. Copies share the memory, so they are cheap; who writes
// must own it alone (mutable_data of a tensor just made).
class Tensor {
 public:
  Tensor() = default;                                               // float, rank 1, no elements
  Tensor(DType dtype, Shape shape, Allocator& allocator = heap());  // contents undefined
  // Borrows memory that `keep` (a mapped file, a model) keeps alive.
  Tensor(DType dtype, Shape shape, std::shared_ptr<const std::byte> keep);

  template <typename T>
  static Tensor of(Shape shape, std::span<const T> values) {
    Tensor t(dtype_of<T>(), std::move(shape));
    if (static_cast<std::int64_t>(values.size()) != t.size())
      throw bad_input("shape " + t.shape().str() + " does not hold " +
                      std::to_string(values.size()) + " values");
    std::copy(values.begin(), values.end(), t.mutable_data<T>());
    return t;
  }
  template <typename T>
  static Tensor of(Shape shape, std::initializer_list<T> values) {
    return of<T>(std::move(shape), std::span<const T>(values.begin(), values.size()));
  }
  template <typename T>
  static Tensor scalar(T value) {
    return of<T>(Shape{}, {value});
  }
  // Rank 1, int64: what shapes, axes and pads are given as.
  static Tensor of_int64(std::span<const std::int64_t> values);
  static Tensor zeros(DType dtype, Shape shape, Allocator& allocator = heap());

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t rank() const { return shape_.rank(); }
  std::int64_t size() const { return size_; }  // elements
  std::size_t size_bytes() const { return static_cast<std::size_t>(size_) * dtype_size(dtype_); }

  // The elements; throws kInternal where T is not the element type.
  template <typename T>
  const T* data() const {
    Q8_ASSERT(dtype_of<T>() == dtype_);
    return reinterpret_cast<const T*>(memory_.get());
  }
  template <typename T>
  T* mutable_data() {
    Q8_ASSERT(dtype_of<T>() == dtype_);
    return reinterpret_cast<T*>(const_cast<std::byte*>(memory_.get()));
  }
  template <typename T>
  std::span<const T> values() const {
    return {data<T>(), static_cast<std::size_t>(size_)};
  }
  const std::byte* bytes() const { return memory_.get(); }
  std::byte* mutable_bytes() { return const_cast<std::byte*>(memory_.get()); }
  bool is_sole_owner() const { return memory_.use_count() == 1; }

  // The same memory under another shape of the same size. Throws bad_input where the sizes differ.
  Tensor reshaped(Shape shape) const;
  // The single element / all elements as int64 or float, whatever the numeric type. Throws
  // bad_input.
  std::vector<std::int64_t> to_int64s() const;
  std::vector<float> to_floats() const;
  std::string str() const;  // "float[1, 3, 224, 224]"

 private:
  DType dtype_ = DType::kF32;
  Shape shape_{0};
  std::int64_t size_ = 0;
  std::shared_ptr<const std::byte> memory_;
};

// The same values as another element type: floats to integers truncate, to smaller integers wrap,
// to bool is != 0, as ONNX Cast.
Tensor cast(const Tensor& tensor, DType to, Allocator& allocator = heap());

}  // namespace q8

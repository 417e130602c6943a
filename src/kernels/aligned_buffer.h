#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace q8 {

// Uninitialised memory for plain numbers, aligned to a cache line, with one line of slack behind
// the last element so that whole vectors can be read there.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : data_(static_cast<T*>(::operator new(size * sizeof(T) + kLine, std::align_val_t(kLine)))),
        size_(size) {}
  ~AlignedBuffer() { ::operator delete(data_, std::align_val_t(kLine)); }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }

 private:
  static constexpr std::size_t kLine = 64;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace q8

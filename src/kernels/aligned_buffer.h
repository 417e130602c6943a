#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace q8 {

// Uninitialised memory for plain numbers, aligned to a cache line, with one line of slack behind
// the last element so that whole vectors can be read there.
//
// Refused: operator new with std::align_val_t. In glibc before 2.38 a block that it gave back does
// not fit the next request of the same size, and scratch memory of each run made the heap grow.
template <typename T>
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size)
      : block_(::operator new(size * sizeof(T) + 2 * kLine)), size_(size) {
    const auto past = reinterpret_cast<std::uintptr_t>(block_) % kLine;
    data_ = reinterpret_cast<T*>(static_cast<std::byte*>(block_) + (past == 0 ? 0 : kLine - past));
  }
  ~AlignedBuffer() { ::operator delete(block_); }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(block_, other.block_);
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
  void* block_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace q8

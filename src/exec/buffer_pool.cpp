#include "exec/buffer_pool.h"

#include <sanitizer/asan_interface.h>

#include <mutex>

#include "base/address_space.h"
#include "base/extents.h"

namespace q8 {

// Addresses for as much as the machine has; beyond it, and where the process may not have them, the
// heap serves.
struct BufferPool::Stretch {
  std::mutex mutex;  // tensors may die on another thread
  AddressSpace space{physical_memory()};
  Extents extents;

  ~Stretch() { ASAN_UNPOISON_MEMORY_REGION(space.data(), extents.end()); }
};

BufferPool::BufferPool() : stretch_(std::make_shared<Stretch>()) {}

std::shared_ptr<std::byte> BufferPool::allocate(std::size_t bytes) {
  // A cache line, and the widest vector. One line more than is needed lies between two tensors, so
  // that those of 2ⁿ bytes do not all meet in the same lines of the first cache.
  constexpr std::size_t kLine = 64;
  if (bytes > stretch_->space.size()) return heap().allocate(bytes);
  const std::size_t size = (bytes / kLine + 2) * kLine;
  std::size_t offset = 0;
  {
    const std::lock_guard lock(stretch_->mutex);
    offset = stretch_->extents.take(size);
    if (!stretch_->space.commit(offset + size)) {
      stretch_->extents.give_back(offset, size);
      return heap().allocate(bytes);
    }
  }
  std::byte* memory = stretch_->space.data() + offset;
  // AddressSanitizer shall find what is read behind a tensor, or after its end.
  ASAN_UNPOISON_MEMORY_REGION(memory, bytes);
  ASAN_POISON_MEMORY_REGION(memory + bytes, size - bytes);
  return std::shared_ptr<std::byte>(memory, [stretch = stretch_, offset, size](std::byte* block) {
    ASAN_POISON_MEMORY_REGION(block, size);
    const std::lock_guard lock(stretch->mutex);
    stretch->extents.give_back(offset, size);
  });
}

std::size_t BufferPool::peak_bytes() const {
  const std::lock_guard lock(stretch_->mutex);
  return stretch_->extents.end();
}

}  // namespace q8

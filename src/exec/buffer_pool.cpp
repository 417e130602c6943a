#include "exec/buffer_pool.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace q8 {

struct BufferPool::Blocks {
  std::mutex mutex;  // tensors may die on another thread
  std::multimap<std::size_t, std::shared_ptr<std::byte>> free;
  std::size_t total = 0, peak = 0;
};

BufferPool::BufferPool() : blocks_(std::make_shared<Blocks>()) {}

std::shared_ptr<std::byte> BufferPool::allocate(std::size_t bytes) {
  constexpr std::size_t kStep = 256;  // sizes are rounded up, so that nearly equal ones share
  const std::size_t size = std::max((bytes + kStep - 1) / kStep * kStep, kStep);
  std::shared_ptr<std::byte> block;
  std::size_t block_size = size;
  {
    const std::lock_guard lock(blocks_->mutex);
    const auto fit = blocks_->free.lower_bound(size);
    if (fit != blocks_->free.end() && fit->first <= 2 * size) {
      block_size = fit->first;
      block = std::move(fit->second);
      blocks_->free.erase(fit);
    } else {
      // A block too small for anything that is asked for now makes way for the new one.
      if (!blocks_->free.empty() && fit != blocks_->free.begin()) {
        const auto largest_too_small = std::prev(fit);
        blocks_->total -= largest_too_small->first;
        blocks_->free.erase(largest_too_small);
      }
      blocks_->total += size;
      blocks_->peak = std::max(blocks_->peak, blocks_->total);
    }
  }
  if (block == nullptr) block = heap().allocate(size);
  std::byte* memory = block.get();
  return std::shared_ptr<std::byte>(
      memory,
      [blocks = std::weak_ptr(blocks_), block = std::move(block), block_size](std::byte*) mutable {
        const auto alive = blocks.lock();
        if (alive == nullptr) return;
        const std::lock_guard lock(alive->mutex);
        alive->free.emplace(block_size, std::move(block));
      });
}

std::size_t BufferPool::peak_bytes() const {
  const std::lock_guard lock(blocks_->mutex);
  return blocks_->peak;
}

}  // namespace q8

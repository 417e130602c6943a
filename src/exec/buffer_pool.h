#pragma once

#include <cstddef>
#include <memory>

#include "tensor/tensor.h"

namespace q8 {

// Memory that is reused by liveness: a block goes back to the pool when the last tensor that uses
// it is gone, and the smallest one that fits, and is at most twice too large, serves next. Tensors
// may outlive the pool.
class BufferPool final : public Allocator {
 public:
  BufferPool();
  std::shared_ptr<std::byte> allocate(std::size_t bytes) override;
  std::size_t peak_bytes() const;  // most that was out at one time, free blocks included

 private:
  struct Blocks;
  std::shared_ptr<Blocks> blocks_;
};

}  // namespace q8

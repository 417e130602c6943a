#pragma once

#include <cstddef>
#include <memory>

#include "tensor/tensor.h"

namespace q8 {

// Memory that is reused by liveness: one stretch of addresses, in which a tensor takes the place of
// those that are gone, whatever their sizes. Its pages stay mapped for later runs. Tensors may
// outlive the pool.
class BufferPool final : public Allocator {
 public:
  BufferPool();
  std::shared_ptr<std::byte> allocate(std::size_t bytes) override;
  std::size_t peak_bytes() const;  // up to where the stretch was ever used

 private:
  struct Stretch;
  std::shared_ptr<Stretch> stretch_;
};

}  // namespace q8

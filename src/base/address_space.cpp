#include "base/address_space.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace q8 {
namespace {

// Few calls of the system, and little asked for in vain.
constexpr std::size_t kStep = std::size_t{1} << 20;

}  // namespace

AddressSpace::AddressSpace(std::size_t bytes) {
  for (std::size_t size = bytes / kStep * kStep; size >= kStep; size = size / 2 / kStep * kStep) {
    // Without access, so that it does not count as memory that the system has promised.
    void* address = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) continue;
    data_ = static_cast<std::byte*>(address);
    size_ = size;
    return;
  }
}

AddressSpace::~AddressSpace() {
  if (size_ > 0) munmap(data_, size_);
}

bool AddressSpace::commit(std::size_t bytes) {
  if (bytes <= committed_) return true;
  if (bytes > size_) return false;
  const std::size_t end = std::min(size_, (bytes + kStep - 1) / kStep * kStep);
  if (mprotect(data_ + committed_, end - committed_, PROT_READ | PROT_WRITE) != 0) return false;
  committed_ = end;
  return true;
}

std::size_t physical_memory() {
  return static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace q8

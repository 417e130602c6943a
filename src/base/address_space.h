#pragma once

#include <cstddef>

namespace q8 {

// A stretch of addresses that memory is put behind bit by bit, so that what lies in it can grow
// without moving. Addresses cost nothing, and memory counts only where it was written to.
class AddressSpace {
 public:
  // `bytes` of addresses, or what the process may still have of them: half, a quarter … or none.
  explicit AddressSpace(std::size_t bytes);
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  std::byte* data() const { return data_; }  // aligned to a page
  std::size_t size() const { return size_; }

  // Lets the first `bytes` be read and written; false where the system has no memory for them.
  // Bytes keep their values.
  bool commit(std::size_t bytes);

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0, committed_ = 0;
};

// Of the machine's memory.
std::size_t physical_memory();

}  // namespace q8

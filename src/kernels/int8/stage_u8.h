#pragma once

#include <cstdint>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"

namespace q8 {

// Copies rows of bytes so that kernels can read them: s8 → u8 (XOR 0x80) where `flip`, each row
// filled up with zeros to target_stride, which is at least `bytes`.
struct StageRows {
  const std::uint8_t* source = nullptr;
  std::int64_t source_stride = 0;
  std::uint8_t* target = nullptr;
  std::int64_t target_stride = 0;
  std::int64_t rows = 0, bytes = 0;
  bool flip = false;
  bool fill_up = true;  // else bytes of the target behind `bytes` are left as they are
};
void stage_rows_u8(const StageRows& rows, Threads& threads);

// Rows of `bytes` bytes as products read them: u8, and readable to a multiple of four. Where they
// are so already, this is a view of the source; else a copy.
class RowsU8 {
 public:
  RowsU8(const StageRows& source, Threads& threads);  // its target is made here

  const std::uint8_t* data() const { return data_; }
  std::int64_t stride() const { return stride_; }

 private:
  AlignedBuffer<std::uint8_t> staged_;
  const std::uint8_t* data_;
  std::int64_t stride_;
};

}  // namespace q8

#include "kernels/int8/stage_u8.h"

#include <cstring>

namespace q8 {
namespace {

void flip_bytes(const std::uint8_t* __restrict source, std::int64_t count,
                std::uint8_t* __restrict target) {
  for (std::int64_t i = 0; i < count; ++i) target[i] = static_cast<std::uint8_t>(source[i] ^ 0x80u);
}

}  // namespace

void stage_rows_u8(const StageRows& r, Threads& threads) {
  constexpr std::int64_t kGrainBytes = 32 << 10;
  const std::int64_t grain = kGrainBytes / (r.bytes + 1) + 1;
  threads.parallel_for(r.rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint8_t* source = r.source + i * r.source_stride;
      std::uint8_t* target = r.target + i * r.target_stride;
      if (r.flip)
        flip_bytes(source, r.bytes, target);
      else
        std::memcpy(target, source, static_cast<std::size_t>(r.bytes));
      if (r.fill_up)
        std::memset(target + r.bytes, 0, static_cast<std::size_t>(r.target_stride - r.bytes));
    }
  });
}

RowsU8::RowsU8(const StageRows& source, Threads& threads)
    : data_(source.source), stride_(source.source_stride) {
  if (!source.flip && source.bytes % 4 == 0) return;
  stride_ = (source.bytes + 3) / 4 * 4;
  staged_ = AlignedBuffer<std::uint8_t>(static_cast<std::size_t>(source.rows * stride_));
  StageRows copy = source;
  copy.target = staged_.data();
  copy.target_stride = stride_;
  stage_rows_u8(copy, threads);
  data_ = staged_.data();
}

}  // namespace q8

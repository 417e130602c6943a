#include "kernels/int8/lookup_u8.h"

#include "kernels/isa_rows.h"

namespace q8 {

void lookup_u8(Isa max_isa, const std::uint8_t* table, const std::uint8_t* x, std::int64_t count,
               std::uint8_t* out, Threads& threads) {
  constexpr std::int64_t kGrain = 32 << 10;
  const LookupU8Row& row = select(lookup_u8_rows(), max_isa);
  threads.parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    row.lookup(table, x + begin, end - begin, out + begin);
  });
}

}  // namespace q8

#pragma once

#include <cstdint>
#include <span>

#include "base/isa.h"
#include "base/threads.h"
#include "kernels/int8/lookup_u8_kernels.h"

namespace q8 {

// One way to look bytes up. All rows give the same bits.
struct LookupU8Row {
  const char* name;
  Isa isa;
  LookupU8Function lookup;
};

std::span<const LookupU8Row> lookup_u8_rows();  // best first; the last one is scalar

// out[i] = table[x[i]]: any function of one byte. The table has 256 entries, indexed by the byte as
// u8. In place (out = x) is allowed. max_isa: of the session's kernels.
void lookup_u8(Isa max_isa, const std::uint8_t* table, const std::uint8_t* x, std::int64_t count,
               std::uint8_t* out, Threads& threads);

}  // namespace q8

#pragma once

#include <cstdint>

#include "base/isa.h"

namespace q8 {

// Runs `loops` rounds of multiply-adds of bytes on registers alone, with the best instruction that
// `isa` has for exact u8·s8 sums, and returns the number of operations (2 · multiply-adds). What
// benchmarks compare with.
std::int64_t spin_u8s8(Isa isa, std::int64_t loops);

}  // namespace q8

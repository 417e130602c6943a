#pragma once

#include <cstdint>

#include "base/isa.h"

namespace q8 {

// Runs `loops` rounds of fused multiply-adds on registers alone, with the widest vectors that `isa`
// has (at least AVX2), and returns the number of operations (2 · multiply-adds). What benchmarks
// compare with.
std::int64_t spin_f32(Isa isa, std::int64_t loops);

}  // namespace q8

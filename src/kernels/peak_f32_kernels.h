#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

std::int64_t spin_f32_avx2(std::int64_t loops);
std::int64_t spin_f32_avx512(std::int64_t loops);

}  // namespace q8

#pragma once

#include <cstdint>

namespace q8 {

std::int64_t spin_u8s8_avx2(std::int64_t loops);
std::int64_t spin_u8s8_avx512vnni(std::int64_t loops);

}  // namespace q8

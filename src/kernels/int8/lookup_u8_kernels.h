#pragma once

#include <cstddef>
#include <cstdint>

namespace q8 {

// out[i] = table[x[i]] for 256 entries; out may be x.
using LookupU8Function = void (*)(const std::uint8_t* table, const std::uint8_t* x,
                                  std::int64_t count, std::uint8_t* out);

void lookup_u8_scalar(const std::uint8_t* table, const std::uint8_t* x, std::int64_t count,
                      std::uint8_t* out);
void lookup_u8_avx2(const std::uint8_t* table, const std::uint8_t* x, std::int64_t count,
                    std::uint8_t* out);
void lookup_u8_avx512(const std::uint8_t* table, const std::uint8_t* x, std::int64_t count,
                      std::uint8_t* out);

}  // namespace q8

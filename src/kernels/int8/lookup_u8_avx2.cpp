#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/lookup_u8_kernels.h"

// Sixteen shuffles, one for each stretch of 16 entries. A byte less the stretch's first index, plus
// 0x70 with saturation, keeps its top bit clear only inside of the stretch; shuffles give 0 for
// others.

namespace q8 {
namespace {

class Table {
 public:
  explicit Table(const std::uint8_t* table) : table_(table) {}

  __m256i operator()(__m256i bytes) const {
    __m256i result = _mm256_setzero_si256();
    const __m256i seventy = _mm256_set1_epi8(0x70), sixteen = _mm256_set1_epi8(16);
#pragma GCC unroll 16
    for (int stretch = 0; stretch < 16; ++stretch) {
      const __m256i entries = _mm256_broadcastsi128_si256(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(table_ + 16 * stretch)));
      result =
          _mm256_or_si256(result, _mm256_shuffle_epi8(entries, _mm256_adds_epu8(bytes, seventy)));
      bytes = _mm256_sub_epi8(bytes, sixteen);
    }
    return result;
  }

 private:
  const std::uint8_t* table_;
};

}  // namespace

void lookup_u8_avx2(const std::uint8_t* table, const std::uint8_t* x, std::int64_t count,
                    std::uint8_t* out) {
  std::uint8_t copy[256];  // out may hold the table, for all that the compiler knows
  __builtin_memcpy(copy, table, sizeof copy);
  const Table entries(copy);
  std::int64_t i = 0;
  for (; i + 32 <= count; i += 32)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        entries(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i))));
  for (; i < count; ++i) out[i] = copy[x[i]];
}

}  // namespace q8

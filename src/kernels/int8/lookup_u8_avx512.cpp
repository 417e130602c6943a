#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/int8/lookup_u8_kernels.h"

// The table as 128 words in four registers: the upper seven bits of a byte choose the word, the
// lowest one its half. Even and odd bytes apart. (A permutation of bytes would need VBMI, which
// processors with AVX512-VNNI may lack.)

namespace q8 {
namespace {

class Table {
 public:
  explicit Table(const std::uint8_t* table) {
    for (int i = 0; i < 4; ++i) words_[i] = _mm512_loadu_si512(table + 64 * i);
  }

  __m512i operator()(__m512i bytes) const {
    const __m512i even = half(_mm512_and_si512(bytes, _mm512_set1_epi16(0xff)));
    const __m512i odd = half(_mm512_srli_epi16(bytes, 8));
    return _mm512_mask_blend_epi8(0xaaaaaaaaaaaaaaaa, even, _mm512_slli_epi16(odd, 8));
  }

 private:
  // Entries for bytes in the lower halves of words; the upper halves of the result are undefined.
  __m512i half(__m512i byte) const {
    const __m512i index = _mm512_srli_epi16(byte, 1);
    const __m512i lower = _mm512_permutex2var_epi16(words_[0], index, words_[1]);
    const __m512i upper = _mm512_permutex2var_epi16(words_[2], index, words_[3]);
    const __mmask32 is_upper = _mm512_test_epi16_mask(byte, _mm512_set1_epi16(0x80));
    const __m512i word = _mm512_mask_blend_epi16(is_upper, lower, upper);
    const __mmask32 is_odd = _mm512_test_epi16_mask(byte, _mm512_set1_epi16(1));
    return _mm512_mask_srli_epi16(word, is_odd, word, 8);
  }

  __m512i words_[4];
};

}  // namespace

void lookup_u8_avx512(const std::uint8_t* table, const std::uint8_t* x, std::int64_t count,
                      std::uint8_t* out) {
  const Table entries(table);
  std::int64_t i = 0;
  for (; i + 64 <= count; i += 64) _mm512_storeu_si512(out + i, entries(_mm512_loadu_si512(x + i)));
  if (i == count) return;
  const __mmask64 mask = (__mmask64{1} << (count - i)) - 1;
  _mm512_mask_storeu_epi8(out + i, mask, entries(_mm512_maskz_loadu_epi8(mask, x + i)));
}

}  // namespace q8

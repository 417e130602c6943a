#include <cstddef>
#include <cstdint>

#include "kernels/f32/depthwise_kernels.h"
#include "kernels/f32/vector_avx512.h"

namespace q8 {
namespace {

#include "kernels/f32/depthwise_loops.h"

}  // namespace

void depthwise_f32_line_avx512(const DepthwiseLineF32& t) {
  line<8>(t);  // 8 sums, 9 weights and a few more of 32 registers
}

}  // namespace q8

#include <cstddef>
#include <cstdint>

#include "kernels/f32/depthwise_kernels.h"
#include "kernels/f32/vector_avx2.h"

namespace q8 {
namespace {

#include "kernels/f32/depthwise_loops.h"

}  // namespace

void depthwise_f32_line_avx2(const DepthwiseLineF32& t) {
  line<4>(t);  // 4 sums and 9 weights of 16 registers
}

}  // namespace q8

#include <cstddef>
#include <cstdint>

#include "kernels/f32/vector_avx2.h"
#include "kernels/f32/winograd_kernels.h"

namespace q8 {
namespace {

#include "kernels/f32/winograd_loops.h"

}  // namespace

void winograd_f32_weights_avx2(const WinogradWeightsF32& t) {
  weights(t);
}

void winograd_f32_input_avx2(const WinogradInputF32& t) {
  input(t);
}

void winograd_f32_output_avx2(const WinogradOutputF32& t) {
  output(t);
}

}  // namespace q8

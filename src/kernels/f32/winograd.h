#pragma once

#include "base/threads.h"
#include "kernels/conv_geometry.h"
#include "kernels/f32/indirect_gemm.h"
#include "kernels/f32/packed.h"
#include "kernels/kernel_set.h"

namespace q8 {

// 3×3 convolutions by Winograd's F(2×2, 3×3), which has 16 products where the definition has 36
// (winograd_f32_kernels.h has the formula). Results differ from the definition's by rounding; they
// have the same bits for every kernel set and number of threads. An infinite or NaN input makes NaN
// of the up to 16 outputs that its tiles have a part in, not only of those that read it.
//
// F(4×4, 3×3), with 36 products where 144 are defined, is refused: its factors of up to 8 cost some
// three bits of every output.

// Whether a convolution can be done so, and is faster so. Only what weights are packed by counts:
// channels, groups, kernel, stride and dilation.
bool winograd_f32_pays(const ConvGeometry& geometry);

// G g Gᵀ of weights [out_channels, in_channels, 3, 3], the 16 planes as taps.
PackedF32 pack_winograd_f32(const KernelSet& kernels, const ConvGeometry& geometry,
                            const float* weights);

// As ConvF32::run.
struct WinogradF32 {
  const PackedF32& weights;
  ConvGeometry geometry = {};
  const float* in = nullptr;
  float* out = nullptr;
  EpilogueF32 epilogue = {};  // with a bias
};
void run_winograd_f32(const KernelSet& kernels, const WinogradF32& conv, Threads& threads);

}  // namespace q8

#include <cmath>

#include "kernels/f32/gemm_kernels.h"

namespace q8 {

void gemm_f32_tile_scalar(const GemmTileF32& t) {
  constexpr std::int64_t kMr = 4, kNr = 8;
  for (std::int64_t i = 0; i < t.m; ++i) {
    for (std::int64_t j = 0; j < t.n; ++j) {
      float acc = t.first ? 0.0f : t.c[i * t.ldc + j];
      const float* panel = t.packed + j / kNr * t.packed_panel_stride + j % kNr;
      for (std::int64_t tap = 0; tap < t.taps; ++tap) {
        const float* a = t.rows[tap * kMr + i] + t.row_offset;
        const float* b = panel + tap * t.packed_tap_stride;
        for (std::int64_t k = 0; k < t.channels; ++k) acc = std::fma(a[k], b[k * kNr], acc);
      }
      if (t.last) {
        if (t.bias != nullptr) acc += t.bias[j];
        if (t.residual != nullptr) acc += t.residual[i * t.ld_residual + j];
        acc = t.lo > acc ? t.lo : acc;
        acc = t.hi < acc ? t.hi : acc;
      }
      t.c[i * t.ldc + j] = acc;
    }
  }
}

}  // namespace q8

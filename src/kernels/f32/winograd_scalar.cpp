#include "kernels/f32/winograd_kernels.h"

namespace q8 {

void winograd_f32_weights_scalar(const WinogradWeightsF32& t) {
  for (std::int64_t c = 0; c < t.channels; ++c)
    for (std::int64_t j = 0; j < t.columns; ++j) {
      const auto g = [&](int row, int column) {
        return t.taps[(c * 9 + row * 3 + column) * t.columns + j];
      };
      float s[4][3];
      for (int v = 0; v < 3; ++v) {
        s[0][v] = g(0, v);
        s[1][v] = (g(0, v) + g(2, v) + g(1, v)) * 0.5f;
        s[2][v] = (g(0, v) + g(2, v) - g(1, v)) * 0.5f;
        s[3][v] = g(2, v);
      }
      for (int u = 0; u < 4; ++u) {
        float* out = t.out + 4 * u * t.plane_stride + c * t.columns + j;
        out[0] = s[u][0];
        out[t.plane_stride] = (s[u][0] + s[u][2] + s[u][1]) * 0.5f;
        out[2 * t.plane_stride] = (s[u][0] + s[u][2] - s[u][1]) * 0.5f;
        out[3 * t.plane_stride] = s[u][2];
      }
    }
}

void winograd_f32_input_scalar(const WinogradInputF32& t) {
  for (std::int64_t tile = 0; tile < t.tiles; ++tile)
    for (std::int64_t c = 0; c < t.channels; ++c) {
      const auto d = [&](int row, int column) { return t.pixels[tile * 16 + row * 4 + column][c]; };
      float s[4][4];
      for (int v = 0; v < 4; ++v) {
        s[0][v] = d(0, v) - d(2, v);
        s[1][v] = d(1, v) + d(2, v);
        s[2][v] = d(2, v) - d(1, v);
        s[3][v] = d(1, v) - d(3, v);
      }
      for (int u = 0; u < 4; ++u) {
        float* out = t.out + 4 * u * t.plane_stride + tile * t.tile_stride + c;
        out[0] = s[u][0] - s[u][2];
        out[t.plane_stride] = s[u][1] + s[u][2];
        out[2 * t.plane_stride] = s[u][2] - s[u][1];
        out[3 * t.plane_stride] = s[u][1] - s[u][3];
      }
    }
}

void winograd_f32_output_scalar(const WinogradOutputF32& t) {
  for (std::int64_t tile = 0; tile < t.tiles; ++tile)
    for (std::int64_t c = 0; c < t.columns; ++c) {
      const auto m = [&](int u, int v) {
        return t.sums[(4 * u + v) * t.plane_stride + tile * t.tile_stride + c];
      };
      float s[2][4];
      for (int v = 0; v < 4; ++v) {
        s[0][v] = m(0, v) + m(1, v) + m(2, v);
        s[1][v] = m(1, v) - m(2, v) - m(3, v);
      }
      for (int y = 0; y < 2; ++y) {
        const float sums[2] = {s[y][0] + s[y][1] + s[y][2], s[y][1] - s[y][2] - s[y][3]};
        for (int x = 0; x < 2; ++x) {
          const std::int64_t at = t.at[tile * 4 + 2 * y + x];
          if (at < 0) continue;
          float acc = sums[x] + t.bias[c];
          if (t.residual != nullptr) acc += t.residual[at + c];
          acc = t.lo > acc ? t.lo : acc;
          t.out[at + c] = t.hi < acc ? t.hi : acc;
        }
      }
    }
}

}  // namespace q8

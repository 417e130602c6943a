#include "kernels/conv_transpose_f32.h"

#include <algorithm>
#include <cstddef>

#include "kernels/indirect_gemm_f32.h"

namespace q8 {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// The outputs of one phase: o = first + i · stride for i < count, reading inputs input0 + i + tap.
struct PhaseSpan {
  std::int64_t first, count, input0;
};

PhaseSpan phase_span(std::int64_t residue, std::int64_t pad, std::int64_t stride,
                     std::int64_t output) {
  // The least o >= 0 with (o + pad) mod stride = residue.
  const std::int64_t first = residue - pad - floor_div(residue - pad, stride) * stride;
  const std::int64_t count = first >= output ? 0 : (output - 1 - first) / stride + 1;
  return {first, count, (first + pad - residue) / stride};
}

}  // namespace

Spatial conv_transpose_output(const ConvGeometry& g, const Spatial& output_padding) {
  Spatial out;
  for (std::size_t d = 0; d < 3; ++d)
    out[d] = std::max<std::int64_t>(0, g.stride[d] * (g.input[d] - 1) + output_padding[d] +
                                           g.dilation[d] * (g.kernel[d] - 1) + 1 - g.pad_begin[d] -
                                           g.pad_end[d]);
  return out;
}

ConvTransposeF32::ConvTransposeF32(const KernelSet& kernels, const ConvGeometry& g,
                                   const float* weights, const float* bias, float lo, float hi)
    : shape_(g), bias_(static_cast<std::size_t>(g.out_channels), 0.0f), lo_(lo), hi_(hi) {
  validate(g);
  if (bias != nullptr) std::copy_n(bias, g.out_channels, bias_.data());
  const std::int64_t channels = g.in_channels_per_group(), columns = g.out_channels_per_group();
  const std::int64_t taps = g.taps();
  for (std::int64_t p = 0; p < product(g.stride); ++p) {
    Phase phase;
    phase.residue = {p / g.stride[2] / g.stride[1], p / g.stride[2] % g.stride[1], p % g.stride[2]};
    std::vector<std::int64_t> chosen;  // taps of the kernel that this phase reads
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const Spatial k = {tap / g.kernel[2] / g.kernel[1], tap / g.kernel[2] % g.kernel[1],
                         tap % g.kernel[2]};
      Spatial step;
      bool is_read = true;
      for (std::size_t d = 0; d < 3; ++d) {
        const std::int64_t reach = phase.residue[d] - k[d] * g.dilation[d];
        is_read = is_read && reach % g.stride[d] == 0;
        step[d] = reach / g.stride[d];
      }
      if (!is_read) continue;
      chosen.push_back(tap);
      phase.taps.push_back(step);
    }
    // Gathered as [tap][channel][column], which the panels are then packed from.
    std::vector<float> gathered(chosen.size() * static_cast<std::size_t>(channels * columns));
    for (std::int64_t group = 0; group < g.groups; ++group) {
      float* to = gathered.data();
      for (const std::int64_t tap : chosen)
        for (std::int64_t c = 0; c < channels; ++c)
          for (std::int64_t j = 0; j < columns; ++j)
            *to++ = weights[((group * channels + c) * columns + j) * taps + tap];
      phase.groups.emplace_back(*kernels.gemm_f32,
                                MatrixF32{.data = gathered.data(),
                                          .taps = static_cast<std::int64_t>(chosen.size()),
                                          .channels = channels,
                                          .columns = columns,
                                          .tap_stride = channels * columns,
                                          .channel_stride = columns,
                                          .column_stride = 1});
    }
    phases_.push_back(std::move(phase));
  }
}

void ConvTransposeF32::run(const ConvGeometry& g, const Spatial& output, const float* in,
                           float* out, Threads& threads) const {
  const std::int64_t columns = shape_.out_channels_per_group();
  const std::int64_t in_pixels = product(g.input), out_pixels = product(output);
  if (g.batch == 0 || out_pixels == 0) return;
  const std::vector<float> padding(static_cast<std::size_t>(shape_.in_channels), 0.0f);
  // One task is one row of outputs, with all its phases.
  const std::int64_t lines = output[0] * output[1];
  threads.parallel_for(g.batch * lines, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t n = i / lines, z = i % lines / output[1], y = i % output[1];
      for (const Phase& phase : phases_) {
        const std::int64_t z0 = z + g.pad_begin[0] - phase.residue[0];
        const std::int64_t y0 = y + g.pad_begin[1] - phase.residue[1];
        if (z0 % shape_.stride[0] != 0 || y0 % shape_.stride[1] != 0) continue;
        const PhaseSpan x =
            phase_span(phase.residue[2], g.pad_begin[2], shape_.stride[2], output[2]);
        if (x.count == 0) continue;
        const auto fill = [&](std::int64_t first, std::int64_t count, std::int64_t leading,
                              const float** rows) {
          for (const Spatial& tap : phase.taps) {
            const std::int64_t iz = z0 / shape_.stride[0] + tap[0];
            const std::int64_t iy = y0 / shape_.stride[1] + tap[1];
            const bool is_inside = iz >= 0 && iz < g.input[0] && iy >= 0 && iy < g.input[1];
            for (std::int64_t r = 0; r < count; ++r) {
              const std::int64_t ix = x.input0 + first + r + tap[2];
              const std::int64_t pixel = (iz * g.input[1] + iy) * g.input[2] + ix;
              rows[r] = is_inside && ix >= 0 && ix < g.input[2]
                            ? in + (n * in_pixels + pixel) * shape_.in_channels
                            : padding.data();
            }
            rows += leading;
          }
        };
        for (std::int64_t group = 0; group < shape_.groups; ++group) {
          const PackedF32& b = phase.groups[static_cast<std::size_t>(group)];
          float* line = out + (n * out_pixels + (z * output[1] + y) * output[2] + x.first) *
                                  shape_.out_channels;
          const IndirectGemmF32 gemm{
              .b = &b,
              .row_offset = group * b.channels(),
              .c = line + group * columns,
              .ldc = shape_.stride[2] * shape_.out_channels,
              .epilogue = {.bias = bias_.data() + group * columns, .lo = lo_, .hi = hi_}};
          indirect_gemm_block(gemm, {0, x.count, 0, b.panels()}, fill);
        }
      }
    }
  });
}

}  // namespace q8

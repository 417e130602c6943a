#include "kernels/f32/conv_transpose.h"

#include <algorithm>
#include <cstddef>

#include "kernels/f32/indirect_gemm.h"

namespace q8 {
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
  for (ConvTransposePhase& where : conv_transpose_phases(g)) {
    Phase phase{std::move(where), {}};
    const std::vector<std::int64_t>& chosen = phase.where.taps;
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
        const PhaseLine line(g, output, phase.where, z, y);
        if (line.count() == 0) continue;
        const auto fill = [&](std::int64_t first, std::int64_t count, std::int64_t leading,
                              const float** rows) {
          for (const Spatial& step : phase.where.steps) {
            for (std::int64_t r = 0; r < count; ++r) {
              const std::int64_t pixel = line.pixel(first + r, step);
              rows[r] =
                  pixel >= 0 ? in + (n * in_pixels + pixel) * shape_.in_channels : padding.data();
            }
            rows += leading;
          }
        };
        for (std::int64_t group = 0; group < shape_.groups; ++group) {
          const PackedF32& b = phase.groups[static_cast<std::size_t>(group)];
          float* first = out + (n * out_pixels + (z * output[1] + y) * output[2] + line.first()) *
                                   shape_.out_channels;
          const IndirectGemmF32 gemm{
              .b = &b,
              .row_offset = group * b.channels(),
              .c = first + group * columns,
              .ldc = shape_.stride[2] * shape_.out_channels,
              .epilogue = {.bias = bias_.data() + group * columns, .lo = lo_, .hi = hi_}};
          indirect_gemm_block(gemm, {0, line.count(), 0, b.panels()}, fill);
        }
      }
    }
  });
}

}  // namespace q8

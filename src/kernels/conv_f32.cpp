#include "kernels/conv_f32.h"

#include <algorithm>
#include <cstddef>

#include "kernels/depthwise_f32.h"
#include "kernels/gemm_f32.h"
#include "kernels/indirection.h"
#include "kernels/winograd_f32.h"

namespace q8 {
namespace {

// Kernel rows become taps (kernel width · channels long) where a pixel alone is too short a run for
// the inner loop; the price is a padded copy of the input.
constexpr std::int64_t kShortPixel = 8;

const std::byte* as_bytes(const float* p) {
  return reinterpret_cast<const std::byte*>(p);
}

void fill_rows(const Indirection& indirection, const float* image, const float* padding,
               std::int64_t first, std::int64_t count, std::int64_t leading, const float** rows) {
  indirection.fill(as_bytes(image), as_bytes(padding), first, count, leading,
                   reinterpret_cast<const std::byte**>(rows));
}

// The input with its padding, as an image of its own.
AlignedBuffer<float> padded_input(const ConvGeometry& g, const Spatial& size, const float* in,
                                  Threads& threads) {
  const std::int64_t channels = g.in_channels, row = size[2] * channels;
  AlignedBuffer<float> padded(static_cast<std::size_t>(g.batch * product(size) * channels));
  threads.parallel_for(g.batch * size[0] * size[1], 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      float* out = padded.data() + i * row;
      const std::int64_t y = i % size[1] - g.pad_begin[1];
      const std::int64_t z = i / size[1] % size[0] - g.pad_begin[0];
      const std::int64_t image = i / size[1] / size[0];
      if (y < 0 || y >= g.input[1] || z < 0 || z >= g.input[0]) {
        std::fill_n(out, row, 0.0f);
        continue;
      }
      const float* from = in + ((image * g.input[0] + z) * g.input[1] + y) * g.input[2] * channels;
      out = std::fill_n(out, g.pad_begin[2] * channels, 0.0f);
      out = std::copy_n(from, g.input[2] * channels, out);
      std::fill_n(out, g.pad_end[2] * channels, 0.0f);
    }
  });
  return padded;
}

}  // namespace

ConvF32::ConvF32(const KernelSet& kernels, const ConvGeometry& g, const float* weights,
                 const float* bias, const ConvFinishF32& finish)
    : kernels_(kernels),
      path_(Path::kTaps),
      bias_(static_cast<std::size_t>(g.out_channels), 0.0f),
      finish_(finish) {
  validate(g);
  if (bias != nullptr) std::copy_n(bias, g.out_channels, bias_.data());
  const std::int64_t taps = g.taps(), channels = g.in_channels_per_group();
  if (g.is_depthwise() && g.out_channels == g.in_channels) {
    path_ = Path::kDepthwise;
    depthwise_ = pack_depthwise_f32(g, weights);
    return;
  }
  if (winograd_f32_pays(g)) {
    path_ = Path::kWinograd;
    groups_.push_back(pack_winograd_f32(kernels, g, weights));
    return;
  }
  if (g.groups == 1 && channels <= kShortPixel && g.kernel[2] > 1 && g.dilation[2] == 1)
    path_ = Path::kKernelRows;
  const std::int64_t columns = g.out_channels_per_group();
  for (std::int64_t group = 0; group < g.groups; ++group) {
    MatrixF32 matrix{.data = weights + group * columns * channels * taps,
                     .taps = taps,
                     .channels = channels,
                     .columns = columns,
                     .tap_stride = 1,
                     .channel_stride = taps,
                     .column_stride = channels * taps};
    groups_.emplace_back(*kernels.gemm_f32, matrix);
  }
  if (path_ == Path::kKernelRows) groups_[0].merge_taps(g.kernel[2]);
}

void ConvF32::run_path(const ConvGeometry& g, const Operands& operands, Threads& threads) const {
  validate(g);
  if (g.batch == 0 || product(g.output()) == 0) return;
  if (path_ == Path::kDepthwise)
    run_depthwise(g, operands, threads);
  else if (path_ == Path::kWinograd)
    run_winograd_f32(kernels_,
                     {.weights = groups_[0],
                      .geometry = g,
                      .in = operands.in,
                      .out = operands.out,
                      .epilogue = epilogue(operands, 0)},
                     threads);
  else if (path_ == Path::kKernelRows)
    run_kernel_rows(g, operands, threads);
  else if (g.is_pointwise() && g.groups == 1)
    run_pointwise(g, operands, threads);
  else
    run_indirect(g, operands, threads);
}

EpilogueF32 ConvF32::epilogue(const Operands& o, std::int64_t first_column) const {
  return {.bias = bias_.data() + first_column,
          .residual = o.residual,
          .ld_residual = static_cast<std::int64_t>(bias_.size()),
          .lo = o.finish.lo,
          .hi = o.finish.hi,
          .then = o.finish.then};
}

void ConvF32::run_pointwise(const ConvGeometry& g, const Operands& o, Threads& threads) const {
  gemm_f32(g.batch * product(g.input), o.in, g.in_channels, groups_[0], o.out, g.out_channels,
           epilogue(o, 0), threads);
}

void ConvF32::run_kernel_rows(const ConvGeometry& g, const Operands& o, Threads& threads) const {
  ConvGeometry rows = g;
  for (std::size_t d = 0; d < 3; ++d) rows.input[d] += g.pad_begin[d] + g.pad_end[d];
  rows.pad_begin = rows.pad_end = {0, 0, 0};
  const AlignedBuffer<float> padded = padded_input(g, rows.input, o.in, threads);
  rows.kernel[2] = 1;
  rows.pad_end[2] = 1 - g.kernel[2];  // the same output width as before
  run_indirect(rows, {padded.data(), o.out, o.residual, o.finish}, threads);
}

void ConvF32::run_indirect(const ConvGeometry& g, const Operands& o, Threads& threads) const {
  const std::int64_t pixels = product(g.output()), columns = g.out_channels_per_group();
  const std::int64_t image = product(g.input) * g.in_channels;
  const Indirection indirection(g, g.in_channels * std::int64_t{sizeof(float)});
  // Where no tap along a line is padding, a kernel row is one run of memory: fewer pointers.
  ConvGeometry joined = g;
  joined.kernel[2] = 1;
  joined.pad_end[2] -= g.kernel[2] - 1;  // the same output width as before
  const Indirection kernel_rows(joined, g.in_channels * std::int64_t{sizeof(float)});
  const bool joins = g.kernel[2] > 1 && g.dilation[2] == 1 && g.groups == 1 &&
                     groups_[0].channels() == g.in_channels &&
                     depth_blocks(groups_[0].taps(), groups_[0].channels()).size() == 1;
  const std::vector<float> padding(
      static_cast<std::size_t>(g.kernel[2] * std::max(g.in_channels, groups_[0].channels())), 0.0f);
  const GemmTasks tasks(pixels, groups_[0], threads.count());
  const std::int64_t per_image = tasks.count() * g.groups;
  threads.parallel_for(g.batch * per_image, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t n = i / per_image, group = i % per_image / tasks.count();
      const PackedF32& b = groups_[static_cast<std::size_t>(group)];
      const std::int64_t first_out = n * pixels * g.out_channels + group * columns;
      IndirectGemmF32 gemm{.b = &b,
                           .row_offset = group * b.channels(),
                           .c = o.out + first_out,
                           .ldc = g.out_channels,
                           .epilogue = epilogue(o, group * columns)};
      if (o.residual != nullptr) gemm.epilogue.residual += first_out;
      indirect_gemm_block(
          gemm, tasks.task(i % tasks.count()),
          [&](std::int64_t first, std::int64_t count, std::int64_t leading, const float** rows) {
            const bool is_joined = joins && indirection.lines_inside(first, count);
            fill_rows(is_joined ? kernel_rows : indirection, o.in + n * image, padding.data(),
                      first, count, leading, rows);
            return is_joined ? g.kernel[2] : 1;
          });
    }
  });
}

void ConvF32::run_depthwise(const ConvGeometry& g, const Operands& o, Threads& threads) const {
  run_depthwise_f32(*kernels_.depthwise_f32,
                    {.geometry = g,
                     .weights = depthwise_.data(),
                     .weight_stride = g.out_channels,
                     .bias = bias_.data(),
                     .in = o.in,
                     .residual = o.residual,
                     .out = o.out,
                     .out_stride = g.out_channels,
                     .lo = o.finish.lo,
                     .hi = o.finish.hi,
                     .then = o.finish.then},
                    threads);
}

}  // namespace q8

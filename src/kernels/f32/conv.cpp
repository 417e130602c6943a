#include "kernels/f32/conv.h"

#include <algorithm>
#include <cstddef>

#include "kernels/f32/conv_rows.h"
#include "kernels/f32/depthwise.h"
#include "kernels/f32/gemm.h"
#include "kernels/f32/winograd.h"

namespace q8 {
namespace {

// Depthwise with several outputs a channel is worth a copy of the input that has each channel as
// often: with eight it is still twice as fast as products of groups. More would make the copy
// large.
bool runs_depthwise(const ConvGeometry& g) {
  constexpr std::int64_t kMostOutputs = 8;
  return g.is_depthwise() && g.out_channels_per_group() <= kMostOutputs;
}

// Each value `times` times in a row.
AlignedBuffer<float> repeated(const float* values, std::int64_t count, std::int64_t times,
                              Threads& threads) {
  AlignedBuffer<float> copies(static_cast<std::size_t>(count * times));
  constexpr std::int64_t kGrain = 16384;
  threads.parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    float* to = copies.data() + begin * times;
    if (times == 2)  // a vector at a time
      for (std::int64_t i = begin; i < end; ++i, to += 2) to[0] = to[1] = values[i];
    else
      for (std::int64_t i = begin; i < end; ++i) to = std::fill_n(to, times, values[i]);
  });
  return copies;
}

}  // namespace

ConvF32::ConvF32(const KernelSet& kernels, const ConvGeometry& g, const float* weights,
                 const float* bias, const ConvFinishF32& finish)
    : kernels_(kernels),
      path_(Path::kProduct),
      bias_(static_cast<std::size_t>(g.out_channels), 0.0f),
      finish_(finish) {
  validate(g);
  if (bias != nullptr) std::copy_n(bias, g.out_channels, bias_.data());
  if (runs_depthwise(g)) {
    path_ = Path::kDepthwise;
    depthwise_ = pack_depthwise_f32(g, weights);
    return;
  }
  if (winograd_f32_pays(g)) {
    path_ = Path::kWinograd;
    groups_.push_back(pack_winograd_f32(kernels, g, weights));
    return;
  }
  const std::int64_t group_weights =
      g.out_channels_per_group() * g.in_channels_per_group() * g.taps();
  for (std::int64_t group = 0; group < g.groups; ++group)
    groups_.push_back(pack_conv_f32(*kernels.gemm_f32, g, weights + group * group_weights));
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

void ConvF32::run_indirect(const ConvGeometry& g, const Operands& o, Threads& threads) const {
  const std::int64_t pixels = product(g.output()), columns = g.out_channels_per_group();
  const ConvRowsF32 source(g, groups_[0], o.in, threads);
  const GemmTasks tasks(pixels, groups_[0], threads.count());
  const std::int64_t per_image = tasks.count() * g.groups;
  threads.parallel_for(g.batch * per_image, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t n = i / per_image, group = i % per_image / tasks.count();
      const PackedF32& b = groups_[static_cast<std::size_t>(group)];
      const std::int64_t first_out = n * pixels * g.out_channels + group * columns;
      IndirectGemmF32 gemm{.b = &b,
                           .row_offset = group * g.in_channels_per_group(),
                           .c = o.out + first_out,
                           .ldc = g.out_channels,
                           .epilogue = epilogue(o, group * columns)};
      if (o.residual != nullptr) gemm.epilogue.residual += first_out;
      indirect_gemm_block(
          gemm, tasks.task(i % tasks.count()),
          [&](std::int64_t first, std::int64_t count, std::int64_t leading, const float** rows) {
            return source.fill(n, first, count, leading, rows);
          });
    }
  });
}

void ConvF32::run_depthwise(const ConvGeometry& g, const Operands& o, Threads& threads) const {
  ConvGeometry one_output = g;
  one_output.in_channels = one_output.groups = g.out_channels;
  AlignedBuffer<float> copies;
  const bool is_copied = g.out_channels > g.in_channels;
  if (is_copied)
    copies = repeated(o.in, g.batch * product(g.input) * g.in_channels, g.out_channels_per_group(),
                      threads);
  run_depthwise_f32(*kernels_.depthwise_f32,
                    {.geometry = one_output,
                     .weights = depthwise_.data(),
                     .weight_stride = g.out_channels,
                     .bias = bias_.data(),
                     .in = is_copied ? copies.data() : o.in,
                     .residual = o.residual,
                     .out = o.out,
                     .out_stride = g.out_channels,
                     .lo = o.finish.lo,
                     .hi = o.finish.hi,
                     .then = o.finish.then},
                    threads);
}

}  // namespace q8

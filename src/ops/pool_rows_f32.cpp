#include "ops/pool_rows_f32.h"

#include <algorithm>
#include <vector>

#include "ops/pool_loops.h"

namespace q8 {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements read that are worth another thread

void divide(const ElementwiseF32Functions& functions, float* row, std::int64_t n,
            std::int64_t count) {
  if (count == 0) return;  // nothing was read: 0
  const auto divisor = static_cast<float>(count);
  functions.binary_scalar_right[static_cast<int>(BinaryF32::kDivide)](row, &divisor, row, n);
}

}  // namespace

void pool_rows_f32(RunContext& run, const Window& w, std::int64_t outer, std::int64_t channels,
                   PoolKindF32 kind, const float* x, float* y) {
  const ElementwiseF32Functions& functions = *run.kernels.elementwise_f32->functions;
  const auto taps = window_taps(w);
  const std::int64_t lines = outer * w.output[0] * w.output[1];
  const std::int64_t work = std::max<std::int64_t>(1, w.output[2] * channels * product(w.kernel));
  const auto pool_line = [&](std::int64_t line, std::vector<const float*>& rows) {
    const std::int64_t image = line / w.output[1] / w.output[0];
    const AxisTaps& depth = taps[0][static_cast<std::size_t>(line / w.output[1] % w.output[0])];
    const AxisTaps& height = taps[1][static_cast<std::size_t>(line % w.output[1])];
    float* out = y + line * w.output[2] * channels;
    for (const AxisTaps& width : taps[2]) {
      rows.clear();
      for (std::int64_t d = 0; d < depth.count; ++d)
        for (std::int64_t h = 0; h < height.count; ++h) {
          const std::int64_t in_line =
              (image * w.input[0] + depth.first + d * w.dilation[0]) * w.input[1] + height.first +
              h * w.dilation[1];
          const float* row = x + (in_line * w.input[2] + width.first) * channels;
          for (std::int64_t k = 0; k < width.count; ++k)
            rows.push_back(row + k * w.dilation[2] * channels);
        }
      const auto count = static_cast<std::int64_t>(rows.size());
      if (kind == PoolKindF32::kLargest) {
        functions.largest_of_rows(rows.data(), count, out, channels);
      } else {
        functions.sum_of_rows(rows.data(), count, out, channels);
        divide(functions, out, channels,
               kind == PoolKindF32::kMean
                   ? count
                   : depth.padded_count * height.padded_count * width.padded_count);
      }
      out += channels;
    }
  };
  run.threads.parallel_for(lines, std::max<std::int64_t>(1, kGrain / work),
                           [&](std::int64_t begin, std::int64_t end) {
                             std::vector<const float*> rows;
                             for (std::int64_t line = begin; line < end; ++line)
                               pool_line(line, rows);
                           });
}

void global_average_rows_f32(RunContext& run, std::int64_t images, std::int64_t pixels,
                             std::int64_t channels, const float* x, float* y) {
  const ElementwiseF32Functions& functions = *run.kernels.elementwise_f32->functions;
  constexpr std::int64_t kChannels = 64;  // a task's
  const std::int64_t parts = (channels + kChannels - 1) / kChannels;
  const std::int64_t work = std::max<std::int64_t>(1, pixels * kChannels);
  run.threads.parallel_for(
      images * parts, std::max<std::int64_t>(1, kGrain / work),
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<const float*> rows(static_cast<std::size_t>(pixels));
        for (std::int64_t task = begin; task < end; ++task) {
          const std::int64_t image = task / parts, first = task % parts * kChannels;
          for (std::int64_t pixel = 0; pixel < pixels; ++pixel)
            rows[static_cast<std::size_t>(pixel)] = x + (image * pixels + pixel) * channels + first;
          float* out = y + image * channels + first;
          const std::int64_t n = std::min(kChannels, channels - first);
          functions.sum_of_rows(rows.data(), pixels, out, n);
          divide(functions, out, n, pixels);
        }
      });
}

}  // namespace q8

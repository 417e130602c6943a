#include "kernels/int8/conv_u8s8.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "kernels/indirection.h"
#include "kernels/int8/indirect_gemm_u8s8.h"
#include "kernels/int8/stage_u8.h"

namespace q8 {
namespace {

std::int64_t padded_to_four(std::int64_t n) {
  return (n + 3) / 4 * 4;
}

// Few channels (a stem): the pixels under one row of the kernel lie side by side in memory, so a
// whole kernel row is one tap: fewer of them, with no more filling up to four than pixel by pixel.
bool suits_kernel_rows(const ConvGeometry& g) {
  constexpr std::int64_t kFewChannels = 16;
  const std::int64_t row = g.kernel[2] * g.in_channels;
  return g.groups == 1 && g.dilation[2] == 1 && g.kernel[2] > 1 && g.in_channels <= kFewChannels &&
         padded_to_four(row) <= g.kernel[2] * padded_to_four(g.in_channels);
}

PackedS8 pack_kernel_rows(const GemmU8S8Row& row, const ConvGeometry& g, const ConvWeightsU8S8& w) {
  // [n][c][z][y][x] → [n][z][y][x][c]
  const auto* source = static_cast<const std::uint8_t*>(w.data);
  const std::int64_t taps = g.taps();
  std::vector<std::uint8_t> turned(static_cast<std::size_t>(g.out_channels * taps * g.in_channels));
  for (std::int64_t n = 0; n < g.out_channels; ++n)
    for (std::int64_t c = 0; c < g.in_channels; ++c)
      for (std::int64_t t = 0; t < taps; ++t)
        turned[static_cast<std::size_t>((n * taps + t) * g.in_channels + c)] =
            source[(n * g.in_channels + c) * taps + t];
  const std::int64_t k = g.kernel[2] * g.in_channels;
  return PackedS8(row, {.data = turned.data(),
                        .is_signed = w.is_signed,
                        .taps = taps / g.kernel[2],
                        .k = k,
                        .n = g.out_channels,
                        .stride_tap = k,
                        .stride_k = 1,
                        .stride_n = taps * g.in_channels,
                        .zero_point = w.zero_point});
}

}  // namespace

ConvU8S8::ConvU8S8(const KernelSet& kernels, const ConvGeometry& g, const ConvWeightsU8S8& w)
    : shape_(g) {
  validate(g);
  Q8_ASSERT(w.zero_point.size() <= 1 ||
            w.zero_point.size() == static_cast<std::size_t>(g.out_channels));
  if (g.is_depthwise()) {
    depthwise_ = DepthwiseWeightsU8S8::pack(*kernels.depthwise_u8s8, w.data, w.is_signed,
                                            w.zero_point, g.out_channels, g.taps());
    if (depthwise_) return;
  }
  by_kernel_rows_ = suits_kernel_rows(g);
  if (by_kernel_rows_) {
    groups_.push_back(pack_kernel_rows(*kernels.gemm_u8s8, g, w));
    return;
  }
  const std::int64_t n = g.out_channels_per_group(), k = g.in_channels_per_group();
  for (std::int64_t group = 0; group < g.groups; ++group)
    groups_.push_back(PackedS8(*kernels.gemm_u8s8,
                               {.data = static_cast<const char*>(w.data) + group * n * k * g.taps(),
                                .is_signed = w.is_signed,
                                .taps = g.taps(),
                                .k = k,
                                .n = n,
                                .stride_tap = 1,
                                .stride_k = g.taps(),
                                .stride_n = k * g.taps(),
                                .zero_point = of_columns(w.zero_point, group * n, n)}));
}

std::int64_t ConvU8S8::largest_sum() const {
  if (depthwise_) return depthwise_->largest_sum();
  std::int64_t largest = 0;
  for (const PackedS8& group : groups_) largest = std::max(largest, group.largest_sum());
  return largest;
}

ConvU8S8::Epilogue ConvU8S8::make_epilogue(bool input_signed, std::int32_t input_zero_point,
                                           const OutputU8S8& output) const {
  Epilogue e;
  const std::int32_t zero = input_signed ? input_zero_point + 128 : input_zero_point;
  Q8_ASSERT(zero >= 0 && zero <= 255);
  e.kind_ = output.kind;
  e.input_signed_ = input_signed;
  e.padding_ = static_cast<std::uint8_t>(zero);
  if (depthwise_) {
    e.groups_.push_back(depthwise_->make_epilogue(zero, output));
    return e;
  }
  const std::int64_t n = shape_.out_channels_per_group();
  for (std::int64_t group = 0; group < shape_.groups; ++group)
    e.groups_.push_back(EpilogueU8S8(groups_[static_cast<std::size_t>(group)], zero,
                                     of_columns(output, group * n, n)));
  return e;
}

void ConvU8S8::run(const ConvGeometry& g, const void* input, const Epilogue& epilogue, void* out,
                   Threads& threads) const {
  Q8_ASSERT(g.in_channels == shape_.in_channels && g.out_channels == shape_.out_channels &&
            g.groups == shape_.groups && g.kernel == shape_.kernel &&
            g.dilation == shape_.dilation);
  validate(g);
  const auto* bytes = static_cast<const std::uint8_t*>(input);
  if (depthwise_)
    run_depthwise(g, bytes, epilogue, out, threads);
  else if (by_kernel_rows_)
    run_kernel_rows(g, bytes, epilogue, out, threads);
  else
    run_taps(g, bytes, epilogue, out, threads);
}

void ConvU8S8::run_taps(const ConvGeometry& g, const std::uint8_t* input, const Epilogue& e,
                        void* out, Threads& threads) const {
  const std::int64_t channels = g.in_channels_per_group();
  const RowsU8 staged({.source = input,
                       .source_stride = channels,
                       .rows = g.batch * product(g.input) * g.groups,
                       .bytes = channels,
                       .flip = e.input_signed_},
                      threads);
  const std::int64_t group_bytes = staged.stride();
  const std::int64_t pixel_bytes = group_bytes * g.groups;
  const std::int64_t image_bytes = pixel_bytes * product(g.input);
  const std::int64_t pixels = product(g.output());
  const bool pointwise = g.is_pointwise();
  const Indirection indirection(g, pixel_bytes);
  const std::vector<std::uint8_t> padding(static_cast<std::size_t>(group_bytes), e.padding_);
  const std::int64_t n = g.out_channels_per_group(), all = g.batch * pixels;
  const auto run_rows = [&](std::int64_t group, std::int64_t begin, std::int64_t end,
                            Threads& inner) {
    const std::uint8_t* from = staged.data() + group * group_bytes;
    indirect_gemm_u8s8(
        {.m = end - begin,
         .b = &groups_[static_cast<std::size_t>(group)],
         .epilogue = &e.groups_[static_cast<std::size_t>(group)],
         .c = static_cast<char*>(out) +
              (begin * g.out_channels + group * n) * element_bytes(e.kind_),
         .c_stride = g.out_channels},
        [&](std::int64_t first, std::int64_t count, const std::uint8_t** rows) {
          first += begin;
          if (pointwise) {
            for (std::int64_t i = 0; i < count; ++i) rows[i] = from + (first + i) * pixel_bytes;
            return;
          }
          for (std::int64_t done = 0; done < count;) {
            const std::int64_t image = (first + done) / pixels;
            const std::int64_t pixel = (first + done) % pixels;
            const std::int64_t some = std::min(count - done, pixels - pixel);
            indirection.fill(reinterpret_cast<const std::byte*>(from + image * image_bytes),
                             reinterpret_cast<const std::byte*>(padding.data()), pixel, some, count,
                             reinterpret_cast<const std::byte**>(rows + done));
            done += some;
          }
        },
        inner);
  };
  if (g.groups == 1) return run_rows(0, 0, all, threads);
  // A group alone is too little for several threads: each takes some rows of all groups.
  constexpr std::int64_t kRowsAPart = 32;
  const std::int64_t parts = std::min<std::int64_t>(threads.count() > 1 ? 2 * threads.count() : 1,
                                                    (all + kRowsAPart - 1) / kRowsAPart);
  threads.parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    Threads one(1);
    for (std::int64_t group = 0; group < g.groups; ++group)
      run_rows(group, all * begin / parts, all * end / parts, one);
  });
}

// The input is copied once into an image with its padding around it, so that no tap needs to know
// of borders.
void ConvU8S8::run_kernel_rows(const ConvGeometry& g, const std::uint8_t* input, const Epilogue& e,
                               void* out, Threads& threads) const {
  const std::int64_t channels = g.in_channels;
  Spatial padded;
  for (std::size_t d = 0; d < 3; ++d) padded[d] = g.input[d] + g.pad_begin[d] + g.pad_end[d];
  const std::int64_t row_bytes = padded[2] * channels;
  const std::int64_t image_bytes = padded[0] * padded[1] * row_bytes;
  // The last row too is read in fours; what is behind it meets weights that are 0.
  AlignedBuffer<std::uint8_t> image(static_cast<std::size_t>(g.batch * image_bytes + 3));
  std::memset(image.data(), e.padding_, image.size());
  for (std::int64_t b = 0; b < g.batch; ++b)
    for (std::int64_t z = 0; z < g.input[0]; ++z)
      stage_rows_u8({.source = input + (b * g.input[0] + z) * g.input[1] * g.input[2] * channels,
                     .source_stride = g.input[2] * channels,
                     .target = image.data() + b * image_bytes +
                               ((z + g.pad_begin[0]) * padded[1] + g.pad_begin[1]) * row_bytes +
                               g.pad_begin[2] * channels,
                     .target_stride = row_bytes,
                     .rows = g.input[1],
                     .bytes = g.input[2] * channels,
                     .flip = e.input_signed_,
                     .fill_up = false},
                    threads);
  std::vector<std::int64_t> tap_offsets;
  for (std::int64_t z = 0; z < g.kernel[0]; ++z)
    for (std::int64_t y = 0; y < g.kernel[1]; ++y)
      tap_offsets.push_back((z * g.dilation[0] * padded[1] + y * g.dilation[1]) * row_bytes);
  const Spatial output = g.output();
  const std::int64_t lines = output[0] * output[1];
  const std::int64_t step = g.stride[2] * channels;
  indirect_gemm_u8s8(
      {.m = g.batch * product(output),
       .b = &groups_[0],
       .epilogue = &e.groups_[0],
       .c = out,
       .c_stride = g.out_channels},
      [&](std::int64_t first, std::int64_t count, const std::uint8_t** rows) {
        // Line by line of the output: within one, neighbours lie a step apart.
        for (std::int64_t done = 0; done < count;) {
          const std::int64_t line = (first + done) / output[2], x = (first + done) % output[2];
          const std::int64_t some = std::min(count - done, output[2] - x);
          const std::uint8_t* corner = image.data() + line / lines * image_bytes +
                                       (line % lines / output[1] * g.stride[0] * padded[1] +
                                        line % output[1] * g.stride[1]) *
                                           row_bytes +
                                       x * step;
          const std::uint8_t** row = rows + done;
          for (const std::int64_t offset : tap_offsets) {
            for (std::int64_t i = 0; i < some; ++i) row[i] = corner + offset + i * step;
            row += count;
          }
          done += some;
        }
      },
      threads);
}

void ConvU8S8::run_depthwise(const ConvGeometry& g, const std::uint8_t* input, const Epilogue& e,
                             void* out, Threads& threads) const {
  const std::int64_t pixels = g.batch * product(g.input);
  const std::int64_t multiplier = g.out_channels_per_group();
  AlignedBuffer<std::uint8_t> staged;
  if (e.input_signed_) {
    staged = AlignedBuffer<std::uint8_t>(static_cast<std::size_t>(pixels * g.in_channels));
    stage_rows_u8({.source = input,
                   .source_stride = g.in_channels,
                   .target = staged.data(),
                   .target_stride = g.in_channels,
                   .rows = pixels,
                   .bytes = g.in_channels,
                   .flip = true},
                  threads);
    input = staged.data();
  }
  // Several filters per channel: each channel is repeated, so that there is one filter for each.
  AlignedBuffer<std::uint8_t> repeated;
  if (multiplier > 1) {
    repeated = AlignedBuffer<std::uint8_t>(static_cast<std::size_t>(pixels * g.out_channels));
    for (std::int64_t i = 0; i < pixels * g.in_channels; ++i)
      std::memset(repeated.data() + i * multiplier, input[i], static_cast<std::size_t>(multiplier));
    input = repeated.data();
  }
  ConvGeometry own = g;
  own.in_channels = own.groups = g.out_channels;
  depthwise_->run(own, input, e.padding_, e.groups_[0], out, threads);
}

}  // namespace q8

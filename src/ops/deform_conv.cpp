#include <cmath>

#include "kernels/f32/gemm.h"
#include "kernels/kernel_set.h"
#include "ops/families.h"

namespace q8 {
namespace {

// ONNX DeformConv: every tap of a convolution reads where its offset says, between pixels by
// bilinear interpolation, and may be weighted by a mask. Two spatial axes.
struct DeformConv {
  std::vector<std::int64_t> strides, dilations, pads;
  std::int64_t groups, offset_groups;
};

// Sizes of one run.
struct Sizes {
  std::int64_t batch, channels, height, width;  // of X
  std::int64_t kernels, rows, columns;          // output channels, kernel's height and width
  std::int64_t out_height, out_width;

  std::int64_t taps() const { return rows * columns; }
  std::int64_t places() const { return out_height * out_width; }
};

// A pixel between pixels; those outside the image are 0.
float sample(const float* image, const Sizes& s, float y, float x) {
  if (!(y > -1 && x > -1 && y < static_cast<float>(s.height) && x < static_cast<float>(s.width)))
    return 0;
  const float top = std::floor(y), left = std::floor(x);
  const auto y0 = static_cast<std::int64_t>(top), x0 = static_cast<std::int64_t>(left);
  const float down = y - top, right = x - left;
  const auto pixel = [&](std::int64_t row, std::int64_t column) {
    const bool is_inside = row >= 0 && row < s.height && column >= 0 && column < s.width;
    return is_inside ? image[row * s.width + column] : 0.0f;
  };
  return (1 - down) * ((1 - right) * pixel(y0, x0) + right * pixel(y0, x0 + 1)) +
         down * ((1 - right) * pixel(y0 + 1, x0) + right * pixel(y0 + 1, x0 + 1));
}

std::int64_t output_size(std::int64_t size, std::int64_t kernel, std::int64_t stride,
                         std::int64_t dilation, std::int64_t begin, std::int64_t end) {
  const std::int64_t reach = dilation * (kernel - 1) + 1;
  if (size + begin + end < reach) throw bad_input("the kernel is larger than the padded input");
  return (size + begin + end - reach) / stride + 1;
}

Sizes sizes_of(const RunContext& run, const DeformConv& conv) {
  const Tensor &x = run.input(0), &w = run.input(1);
  if (x.rank() != 4 || w.rank() != 4 || x.dtype() != DType::kF32 || w.dtype() != DType::kF32)
    throw unsupported("DeformConv of " + x.str() + " with " + w.str() +
                      " is not supported; two spatial axes of floats are");
  Sizes s{.batch = x.shape()[0],
          .channels = x.shape()[1],
          .height = x.shape()[2],
          .width = x.shape()[3],
          .kernels = w.shape()[0],
          .rows = w.shape()[2],
          .columns = w.shape()[3],
          .out_height = 0,
          .out_width = 0};
  s.out_height =
      output_size(s.height, s.rows, conv.strides[0], conv.dilations[0], conv.pads[0], conv.pads[2]);
  s.out_width = output_size(s.width, s.columns, conv.strides[1], conv.dilations[1], conv.pads[1],
                            conv.pads[3]);
  if (conv.groups < 1 || conv.offset_groups < 1 || s.channels % conv.groups != 0 ||
      s.kernels % conv.groups != 0 || s.channels % conv.offset_groups != 0 ||
      w.shape()[1] * conv.groups != s.channels)
    throw bad_input("weights " + w.str() + " in " + std::to_string(conv.groups) + " groups and " +
                    std::to_string(conv.offset_groups) + " offset groups do not fit " + x.str());
  const auto need = [&](std::size_t i, std::int64_t per_tap) {
    const Shape expected{s.batch, conv.offset_groups * s.taps() * per_tap, s.out_height,
                         s.out_width};
    if (run.input(i).shape() != expected || run.input(i).dtype() != DType::kF32)
      throw bad_input("input " + std::to_string(i) + " is " + run.input(i).str() + ", not float" +
                      expected.str());
  };
  need(2, 2);
  if (run.has_input(4)) need(4, 1);
  return s;
}

// What every tap of every channel reads, [channels, taps, places].
void gather(const RunContext& run, const DeformConv& conv, const Sizes& s, std::int64_t batch,
            float* taps) {
  const float* image = run.input(0).data<float>() + batch * s.channels * s.height * s.width;
  const std::int64_t per_batch = conv.offset_groups * s.taps() * s.places();
  const float* offsets = run.input(2).data<float>() + batch * per_batch * 2;
  const float* mask = run.has_input(4) ? run.input(4).data<float>() + batch * per_batch : nullptr;
  const std::int64_t channels_each = s.channels / conv.offset_groups;
  run.threads.parallel_for(
      s.channels * s.taps(), 1 + 4096 / std::max<std::int64_t>(s.places(), 1),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t channel = i / s.taps(), tap = i % s.taps();
          const std::int64_t at = (channel / channels_each * s.taps() + tap) * s.places();
          const float *dy = offsets + 2 * at, *dx = dy + s.places();
          for (std::int64_t place = 0; place < s.places(); ++place) {
            const std::int64_t y = place / s.out_width * conv.strides[0] - conv.pads[0] +
                                   tap / s.columns * conv.dilations[0];
            const std::int64_t x = place % s.out_width * conv.strides[1] - conv.pads[1] +
                                   tap % s.columns * conv.dilations[1];
            const float value =
                sample(image + channel * s.height * s.width, s, static_cast<float>(y) + dy[place],
                       static_cast<float>(x) + dx[place]);
            taps[i * s.places() + place] = mask == nullptr ? value : value * mask[at + place];
          }
        }
      });
}

void run_deform_conv(RunContext& run, const DeformConv& conv) {
  const Sizes s = sizes_of(run, conv);
  Tensor& y = run.output(0, DType::kF32, Shape{s.batch, s.kernels, s.out_height, s.out_width});
  const std::int64_t k = s.channels / conv.groups * s.taps(), m = s.kernels / conv.groups,
                     n = s.places();
  Tensor taps(DType::kF32, Shape{s.channels, s.taps(), n}, run.allocator);
  std::vector<std::int64_t> a_steps, b_steps;
  for (std::int64_t g = 0; g < conv.groups; ++g) {
    a_steps.push_back(g * m * k);
    b_steps.push_back(g * k * n);
  }
  for (std::int64_t batch = 0; batch < s.batch; ++batch) {
    gather(run, conv, s, batch, taps.mutable_data<float>());
    batched_gemm_f32(run.kernels,
                     {.batch = conv.groups,
                      .m = m,
                      .a = run.input(1).data<float>(),
                      .lda = k,
                      .b = matrix_f32(taps.data<float>(), k, n, n),
                      .a_steps = a_steps.data(),
                      .b_steps = b_steps.data(),
                      .c = y.mutable_data<float>() + batch * s.kernels * n},
                     run.threads);
  }
  if (!run.has_input(3)) return;
  const Tensor& bias = run.input(3);
  if (bias.size() != s.kernels || bias.dtype() != DType::kF32)
    throw bad_input("the bias is " + bias.str() + " for " + std::to_string(s.kernels) +
                    " output channels");
  float* to = y.mutable_data<float>();
  for (std::int64_t i = 0; i < y.size(); ++i) to[i] += bias.data<float>()[i / n % s.kernels];
}

OpFunction make_deform_conv(const NodeContext& node) {
  const Attributes& a = node.attributes();
  const DeformConv conv{.strides = a.get_ints("strides", {1, 1}),
                        .dilations = a.get_ints("dilations", {1, 1}),
                        .pads = a.get_ints("pads", {0, 0, 0, 0}),
                        .groups = a.get_int("group", 1),
                        .offset_groups = a.get_int("offset_group", 1)};
  if (conv.strides.size() != 2 || conv.dilations.size() != 2 || conv.pads.size() != 4)
    throw unsupported("DeformConv with other than two spatial axes is not supported");
  if (conv.strides[0] < 1 || conv.strides[1] < 1 || conv.dilations[0] < 1 || conv.dilations[1] < 1)
    throw bad_input("strides and dilations must be above 0");
  return [conv](RunContext& run) { run_deform_conv(run, conv); };
}

constexpr OpRow kRows[] = {
    {"", "DeformConv", make_deform_conv},
};

}  // namespace

std::span<const OpRow> deform_conv_operators() {
  return kRows;
}

}  // namespace q8

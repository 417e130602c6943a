#include "kernels/f32/conv_pair.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"
#include "kernels/f32/conv_rows.h"
#include "kernels/f32/depthwise.h"
#include "kernels/f32/indirect_gemm.h"
#include "kernels/f32/winograd.h"
#include "kernels/interval.h"
#include "kernels/lines_read.h"

namespace q8 {
namespace {

// How the work on the images is shared out: by lines, of which some are then made by two threads,
// or by panels of channels, and then the next convolution finds what it reads in other threads'
// caches.
struct Parts {
  Parts(const ConvGeometry& g, std::int64_t panels, int threads) {
    if (threads == 1 || g.batch >= threads) return;
    const LinesRead read(g);
    const std::int64_t lines_twice = (threads - 1) * (read.count - read.stride);
    // Measured with two threads: lines of 14² and 3×3 (1/7 twice), panels of 14² and 5×5 (2/7).
    constexpr std::int64_t kPart = 6;
    if (panels >= threads && lines_twice * kPart > g.input[1])
      of_panels = threads;
    else if (!read.may_be_none)
      of_lines = std::min<std::int64_t>(threads, g.output()[1]);
  }
  std::int64_t of_lines = 1, of_panels = 1;
};

}  // namespace

// The work of one thread: bands of lines, and in each band blocks of panels.
class ConvPairF32::Worker {
 public:
  // Of at most `panels` panels. `source`: of the first convolution; `g`: of the second.
  Worker(const ConvPairF32& pair, const ConvRowsF32& source, const ConvGeometry& g,
         std::int64_t panels, float* out)
      : pair_(pair), source_(source), geometry_(g), size_(g.output()), read_(g), out_(out) {
    // What a block makes and reads at once stays near L1, and what a band keeps for the next one in
    // half of a small L2, which the input and the output of a band want a part of too.
    constexpr std::int64_t kBlockBytes = 64 * 1024, kBandBytes = 384 * 1024;
    const std::int64_t line =
        std::int64_t{sizeof(float)} * pair.first_.row().nr * std::max<std::int64_t>(1, g.input[2]);
    const std::int64_t lines = kBandBytes / (line * panels);
    step_ = std::clamp<std::int64_t>((lines - read_.count) / read_.stride + 1, 1, size_[1]);
    // All lines at once where they are not much, and where a band might read none: their place
    // would lie outside it.
    if (read_.may_be_none || line * g.input[1] <= 2 * kBlockBytes) step_ = size_[1];
    lines_ = std::min(g.input[1], read_.span_of(step_));
    panels_ = std::clamp<std::int64_t>(kBlockBytes / (line * std::max<std::int64_t>(1, lines_)), 1,
                                       panels);
    const std::int64_t blocks = step_ == size_[1] ? 1 : (panels + panels_ - 1) / panels_;
    between_ = AlignedBuffer<float>(static_cast<std::size_t>(blocks * block_floats()));
  }

  void run(std::int64_t image, Interval lines, Interval panels) {
    image_ = image;
    Interval made{0, 0};
    for (std::int64_t y = lines.begin; y < lines.end; y += step_) {
      const Interval band{y, std::min(lines.end, y + step_)};
      const Interval wanted = read_.of(band);
      float* between = between_.data();
      for (std::int64_t panel = panels.begin; panel < panels.end; panel += panels_) {
        const Block block = block_of({panel, std::min(panels.end, panel + panels_)}, between);
        make_between(wanted, made, block);
        finish(band, block);
        if (step_ < size_[1]) between += block_floats();
      }
      made = wanted;
    }
  }

 private:
  // Some channels of the lines between the two convolutions.
  struct Block {
    Interval panels, channels;
    float* between;
  };
  Block block_of(Interval panels, float* between) const {
    const std::int64_t nr = pair_.first_.row().nr;
    return {panels, {panels.begin * nr, std::min(panels.end * nr, geometry_.in_channels)}, between};
  }
  std::int64_t block_floats() const {
    return lines_ * geometry_.input[2] * panels_ * pair_.first_.row().nr;
  }

  // Lines that the last band made too are moved to the front.
  void make_between(Interval wanted, Interval made, const Block& block) {
    const std::int64_t line = geometry_.input[2] * block.channels.count();
    const std::int64_t kept = std::clamp<std::int64_t>(made.end - wanted.begin, 0, wanted.count());
    if (kept > 0)
      std::copy_n(block.between + (wanted.begin - made.begin) * line, kept * line, block.between);
    const std::int64_t pixels = (wanted.count() - kept) * geometry_.input[2];
    if (pixels == 0) return;
    const std::int64_t begin = (wanted.begin + kept) * geometry_.input[2];
    const ConvFinishF32& f = pair_.first_finish_;
    const IndirectGemmF32 gemm{
        .b = &pair_.first_,
        .c = block.between + kept * line,
        .ldc = block.channels.count(),
        .first_column = block.channels.begin,
        .epilogue = {.bias = pair_.first_bias_.data(), .lo = f.lo, .hi = f.hi, .then = f.then}};
    indirect_gemm_block(
        gemm, {0, pixels, block.panels.begin, block.panels.end},
        [&](std::int64_t first, std::int64_t count, std::int64_t leading, const float** rows) {
          return source_.fill(image_, begin + first, count, leading, rows);
        });
  }

  void finish(Interval band, const Block& block) {
    const Interval channels = block.channels;
    ConvGeometry g = geometry_of_lines(geometry_, band);
    g.in_channels = g.out_channels = g.groups = channels.count();
    const std::int64_t all = geometry_.in_channels;
    const ConvFinishF32& f = pair_.depthwise_finish_;
    run_depthwise_f32(
        *pair_.kernels_.depthwise_f32,
        {.geometry = g,
         .weights = pair_.depthwise_.data() + channels.begin,
         .weight_stride = all,
         .bias = pair_.depthwise_bias_.data() + channels.begin,
         .in = block.between,
         .out = out_ + (image_ * size_[1] + band.begin) * size_[2] * all + channels.begin,
         .out_stride = all,
         .lo = f.lo,
         .hi = f.hi,
         .then = f.then},
        one_);
  }

  const ConvPairF32& pair_;
  const ConvRowsF32& source_;
  const ConvGeometry& geometry_;
  const Spatial size_;
  const LinesRead read_;
  float* out_;
  std::int64_t image_ = 0;
  std::int64_t step_, lines_, panels_;  // output lines and lines read of a band, panels of a block
  AlignedBuffer<float> between_;
  Threads one_{1};
};

bool ConvPairF32::can(const ConvGeometry& first, const ConvGeometry& depthwise) {
  // Winograd's products have other bits, and sums of several blocks of k go through memory.
  const bool is_one_product =
      first.groups == 1 && first.kernel[0] == 1 && !winograd_f32_pays(first);
  const bool is_short =
      first.taps() == 1 || depth_blocks(first.taps(), first.in_channels).size() == 1;
  return is_one_product && is_short && depthwise.kernel[0] == 1 && depthwise.is_depthwise() &&
         depthwise.out_channels == depthwise.in_channels &&
         first.out_channels == depthwise.in_channels;
}

ConvPairF32::ConvPairF32(const KernelSet& kernels, const ConvGeometry& first,
                         const Half& first_half, const ConvGeometry& depthwise,
                         const Half& second_half)
    : kernels_(kernels),
      first_(pack_conv_f32(*kernels.gemm_f32, first, first_half.weights)),
      depthwise_(pack_depthwise_f32(depthwise, second_half.weights)),
      first_bias_(static_cast<std::size_t>(depthwise.in_channels), 0.0f),
      depthwise_bias_(first_bias_),
      first_finish_(first_half.finish),
      depthwise_finish_(second_half.finish) {
  validate(first);
  validate(depthwise);
  Q8_ASSERT(can(first, depthwise));
  const auto copy = [&](const float* bias, std::vector<float>& to) {
    if (bias != nullptr) std::copy_n(bias, depthwise.in_channels, to.data());
  };
  copy(first_half.bias, first_bias_);
  copy(second_half.bias, depthwise_bias_);
}

void ConvPairF32::run(const ConvGeometry& first, const ConvGeometry& g, const float* in, float* out,
                      Threads& threads) const {
  validate(first);
  validate(g);
  Q8_ASSERT(first.output() == g.input && g.input[0] == 1);
  const Spatial size = g.output();
  if (g.batch == 0 || product(size) == 0) return;
  const ConvRowsF32 source(first, first_, in, threads);
  const std::int64_t panels = first_.panels();
  const Parts parts(g, panels, threads.count());
  const std::int64_t per_image = parts.of_lines * parts.of_panels;
  threads.parallel_for(g.batch * per_image, 1, [&](std::int64_t begin, std::int64_t end) {
    Worker worker(*this, source, g, (panels + parts.of_panels - 1) / parts.of_panels, out);
    for (std::int64_t i = begin; i < end; ++i)
      worker.run(i / per_image, part(size[1], i % per_image / parts.of_panels, parts.of_lines),
                 part(panels, i % parts.of_panels, parts.of_panels));
  });
}

}  // namespace q8

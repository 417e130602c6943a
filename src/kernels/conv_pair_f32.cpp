#include "kernels/conv_pair_f32.h"

#include <algorithm>

#include "base/error.h"

namespace q8 {
namespace {

// Lines [begin, end) of one image.
struct Lines {
  std::int64_t begin, end;
  std::int64_t count() const { return end - begin; }
};

// By one output line.
std::int64_t lines_read(const ConvGeometry& g) {
  return g.dilation[1] * (g.kernel[1] - 1) + 1;
}

// The work of one thread on one image. Every output line reads a line of the image.
class Bands {
 public:
  Bands(const ConvPairF32& pair, const float* in, float* out)
      : pair_(pair),
        first_(pair.first_geometry),
        second_(pair.second_geometry),
        in_(in),
        out_(out),
        in_line_(first_.input[2] * first_.in_channels),
        middle_line_(second_.input[2] * second_.in_channels),
        out_line_(second_.output()[2] * second_.out_channels) {
    // Half of a small L2, which the input and the output of a band want a part of too.
    constexpr std::int64_t kBandBytes = 384 * 1024;
    const std::int64_t lines = kBandBytes / (std::int64_t{sizeof(float)} * middle_line_);
    const std::int64_t reach = lines_read(second_);
    step_ = std::max<std::int64_t>(1, (lines - reach) / second_.stride[1] + 1);
    middle_ = AlignedBuffer<float>(static_cast<std::size_t>(
        std::min(second_.input[1], (step_ - 1) * second_.stride[1] + reach) * middle_line_));
  }

  void run(Lines outputs) {
    Lines made{0, 0};
    for (std::int64_t y = outputs.begin; y < outputs.end; y += step_) {
      const Lines band{y, std::min(outputs.end, y + step_)};
      const Lines wanted = read_by(band);
      made = make_middle(wanted, made);
      finish(band, wanted);
    }
  }

 private:
  std::int64_t first_line_read(std::int64_t output) const {
    return output * second_.stride[1] - second_.pad_begin[1];
  }
  std::int64_t last_line_read(std::int64_t output) const {
    return first_line_read(output) + lines_read(second_) - 1;
  }
  // Those inside the image.
  Lines read_by(Lines band) const {
    const std::int64_t begin =
        std::clamp<std::int64_t>(first_line_read(band.begin), 0, second_.input[1]);
    return {begin,
            std::clamp<std::int64_t>(last_line_read(band.end - 1) + 1, begin, second_.input[1])};
  }

  // Lines that the last band made too are moved to the front.
  Lines make_middle(Lines wanted, Lines made) {
    const std::int64_t kept = std::clamp<std::int64_t>(made.end - wanted.begin, 0, wanted.count());
    if (kept > 0)
      std::copy_n(middle_.data() + (wanted.begin - made.begin) * middle_line_, kept * middle_line_,
                  middle_.data());
    ConvGeometry g = first_;
    g.batch = 1;
    g.input[1] = wanted.count() - kept;
    if (g.input[1] > 0)
      pair_.first.run(g, in_ + (wanted.begin + kept) * in_line_,
                      middle_.data() + kept * middle_line_, nullptr, one_);
    return wanted;
  }

  void finish(Lines band, Lines wanted) {
    ConvGeometry g = second_;
    g.batch = 1;
    g.input[1] = wanted.count();
    g.pad_begin[1] = wanted.begin - first_line_read(band.begin);
    g.pad_end[1] = last_line_read(band.end - 1) + 1 - wanted.end;
    pair_.second.run(g, middle_.data(), out_ + band.begin * out_line_, nullptr, one_);
  }

  const ConvPairF32& pair_;
  const ConvGeometry &first_, &second_;
  const float* in_;
  float* out_;
  std::int64_t in_line_, middle_line_, out_line_;
  std::int64_t step_;  // output lines of a band
  AlignedBuffer<float> middle_;
  Threads one_{1};
};

}  // namespace

void run_conv_pair_f32(const ConvPairF32& pair, const float* in, float* out, Threads& threads) {
  const ConvGeometry &first = pair.first_geometry, &second = pair.second_geometry;
  Q8_ASSERT(first.is_pointwise() && second.is_depthwise() && first.input == second.input &&
            first.out_channels == second.in_channels && first.input[0] == 1 &&
            second.kernel[0] == 1);
  const Spatial size = second.output();
  if (second.batch == 0 || product(size) == 0) return;
  if (std::max(second.pad_begin[1], second.pad_end[1]) >= lines_read(second)) {
    AlignedBuffer<float> middle(
        static_cast<std::size_t>(first.batch * product(first.input) * first.out_channels));
    pair.first.run(first, in, middle.data(), nullptr, threads);
    pair.second.run(second, middle.data(), out, nullptr, threads);
    return;
  }
  // Parts make the lines between them twice, so there are no more than threads.
  const std::int64_t parts =
      second.batch >= threads.count() ? 1 : std::min<std::int64_t>(threads.count(), size[1]);
  threads.parallel_for(second.batch * parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t image = i / parts, part = i % parts;
      Bands(pair, in + image * product(first.input) * first.in_channels,
            out + image * product(size) * second.out_channels)
          .run({size[1] * part / parts, size[1] * (part + 1) / parts});
    }
  });
}

}  // namespace q8

#include <algorithm>
#include <limits>

#include "ops/families.h"

namespace q8 {
namespace {

// "q8" ScaleShift: y = clamp(x · factor + shift, clamp_lo, clamp_hi) with one factor and shift for
// each index of the last axis; a BatchNormalization on channels-last data.
OpFunction make_scale_shift(const NodeContext& node) {
  const float low =
      node.attributes().get_float("clamp_lo", -std::numeric_limits<float>::infinity());
  const float high =
      node.attributes().get_float("clamp_hi", std::numeric_limits<float>::infinity());
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::int64_t channels = run.input(1).size();
    if (x.rank() < 1 || x.shape().back() != channels || run.input(2).size() != channels)
      throw bad_input("the last axis of " + x.str() + " must have " + std::to_string(channels));
    const float* factor = run.input(1).data<float>();
    const float* shift = run.input(2).data<float>();
    const float* from = x.data<float>();
    float* to = run.output(0, DType::kF32, x.shape()).mutable_data<float>();
    constexpr std::int64_t kGrain = 16384;
    const std::int64_t pixels = channels == 0 ? 0 : x.size() / channels;
    run.threads.parallel_for(
        pixels, std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, channels)),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t p = begin; p < end; ++p)
            for (std::int64_t c = 0; c < channels; ++c) {
              const float y = from[p * channels + c] * factor[c] + shift[c];
              to[p * channels + c] = std::min(std::max(y, low), high);
            }
        });
  };
}

constexpr OpRow kRows[] = {
    {"q8", "ScaleShift", make_scale_shift},
};

}  // namespace

std::span<const OpRow> scale_shift_operators() {
  return kRows;
}

}  // namespace q8

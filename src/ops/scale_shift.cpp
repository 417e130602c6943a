#include <limits>

#include "kernels/f32/elementwise.h"
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
    Tensor& y = run.output(0, DType::kF32, x.shape());
    scale_shift_f32(run.kernels, channels == 0 ? 0 : x.size() / channels, channels,
                    {.scale = run.input(1).data<float>(),
                     .shift = run.input(2).data<float>(),
                     .lo = low,
                     .hi = high},
                    x.data<float>(), y.mutable_data<float>(), run.threads);
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

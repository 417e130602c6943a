#include "kernels/conv_geometry.h"

#include <cstddef>
#include <string>

#include "base/error.h"

namespace q8 {
namespace {

void at_least(const char* what, std::int64_t value, std::int64_t least) {
  if (value < least)
    throw bad_input(std::string("convolution: ") + what + " must be at least " +
                    std::to_string(least) + ", found " + std::to_string(value));
}

void at_least(const char* what, const Spatial& values, std::int64_t least) {
  for (const std::int64_t value : values) at_least(what, value, least);
}

void must_divide(const char* what, std::int64_t groups, std::int64_t channels) {
  if (channels % groups != 0)
    throw bad_input("convolution: group=" + std::to_string(groups) + " does not divide " +
                    std::to_string(channels) + " " + what + " channels");
}

}  // namespace

Spatial ConvGeometry::output() const {
  Spatial out;
  for (std::size_t d = 0; d < 3; ++d) {
    const std::int64_t room =
        input[d] + pad_begin[d] + pad_end[d] - dilation[d] * (kernel[d] - 1) - 1;
    out[d] = room < 0 ? 0 : room / stride[d] + 1;
  }
  return out;
}

bool ConvGeometry::is_pointwise() const {
  constexpr Spatial kOnes = {1, 1, 1}, kZeros = {0, 0, 0};
  return kernel == kOnes && stride == kOnes && pad_begin == kZeros && pad_end == kZeros;
}

void validate(const ConvGeometry& g) {
  at_least("batch", g.batch, 0);
  at_least("input channels", g.in_channels, 1);
  at_least("output channels", g.out_channels, 1);
  at_least("group", g.groups, 1);
  at_least("an input dimension", g.input, 0);
  at_least("kernel", g.kernel, 1);
  at_least("stride", g.stride, 1);
  at_least("dilation", g.dilation, 1);
  at_least("a pad", g.pad_begin, 0);
  at_least("a pad", g.pad_end, 0);
  must_divide("input", g.groups, g.in_channels);
  must_divide("output", g.groups, g.out_channels);
}

}  // namespace q8

#pragma once

#include <cstdint>
#include <span>

#include "calib/observed_values.h"
#include "tensor/tensor.h"

namespace q8 {

// Float values in memory as [outer, channels, inner]; channels = 0: no channel axis, outer = 1 and
// inner all of them.
struct ValueBlock {
  const float* data = nullptr;
  std::int64_t outer = 1, channels = 0, inner = 0;
  std::int64_t channel_axis = 0;  // in the logical tensor

  std::int64_t size() const { return outer * (channels == 0 ? 1 : channels) * inner; }
};

// The values of a tensor, with the channels that are to be counted.
//   floats  in FP32, its axes in the order that `axes` gives (Produced::axes)
ValueBlock block_of(const Tensor& floats, std::span<const int> axes,
                    ObservedValue::Channels channels);

}  // namespace q8

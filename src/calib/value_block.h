#pragma once

#include <span>

#include "calib/collector.h"
#include "calib/observed_values.h"
#include "tensor/tensor.h"

namespace q8 {

// The values of a tensor, with the channels that are to be counted.
//   floats  in FP32, its axes in the order that `axes` gives (Produced::axes)
ValueBlock block_of(const Tensor& floats, std::span<const int> axes,
                    ObservedValue::Channels channels);

}  // namespace q8

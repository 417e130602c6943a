#pragma once

#include "kernels/conv_f32.h"

namespace q8 {

// y = second(first(x)) for a pointwise convolution and a depthwise one that alone reads it, both in
// two dimensions. What is between them is made some lines at a time, so that it stays in the cache:
// a mobile network's first blocks make several MB there, and storing and reading them takes longer
// than computing them. The same bits as one after the other.
struct ConvPairF32 {
  const ConvF32& first;
  const ConvF32& second;
  ConvGeometry first_geometry, second_geometry;  // the second reads what the first writes
};
void run_conv_pair_f32(const ConvPairF32& pair, const float* in, float* out, Threads& threads);

}  // namespace q8

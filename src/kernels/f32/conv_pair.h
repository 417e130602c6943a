#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"
#include "kernels/conv_geometry.h"
#include "kernels/f32/conv.h"
#include "kernels/f32/packed.h"
#include "kernels/kernel_set.h"

namespace q8 {

// y = second(first(x)) for a convolution and a depthwise one that alone reads it, both in two
// dimensions. What is between them is made for some channels and some lines at a time, so that it
// stays in the cache: a mobile network's first blocks make several MB there, and storing and
// reading them takes longer than computing them. The same bits as one after the other.
class ConvPairF32 {
 public:
  struct Half {
    const float* weights;  // as ONNX holds them
    const float* bias;     // or null
    ConvFinishF32 finish = {};
  };

  // Of the geometries only channels, groups, kernel, stride and dilation count here and in the
  // constructor.
  static bool can(const ConvGeometry& first, const ConvGeometry& depthwise);

  // Weights and biases are copied.
  ConvPairF32(const KernelSet& kernels, const ConvGeometry& first, const Half& first_half,
              const ConvGeometry& depthwise, const Half& second_half);

  // The geometries: as given to the constructor, with the batch, input size and padding of this
  // run. in: batch × input pixels × channels of the first.
  void run(const ConvGeometry& first, const ConvGeometry& depthwise, const float* in, float* out,
           Threads& threads) const;

 private:
  class Worker;

  KernelSet kernels_;
  PackedF32 first_;
  AlignedBuffer<float> depthwise_;  // [taps][channels]
  std::vector<float> first_bias_, depthwise_bias_;
  ConvFinishF32 first_finish_, depthwise_finish_;
};

}  // namespace q8

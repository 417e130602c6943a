#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"
#include "kernels/conv_f32.h"
#include "kernels/conv_geometry.h"
#include "kernels/kernel_set.h"
#include "kernels/packed_f32.h"

namespace q8 {

// y = second(first(x)) for a pointwise convolution and a depthwise one that alone reads it, both in
// two dimensions. What is between them is made for some channels and some lines at a time, so that
// it stays in the cache: a mobile network's first blocks make several MB there, and storing and
// reading them takes longer than computing them. The same bits as one after the other.
class ConvPairF32 {
 public:
  struct Half {
    const float* weights;  // as ONNX holds them
    const float* bias;     // or null
    ConvFinishF32 finish = {};
  };

  // Weights and biases are copied. Of the depthwise geometry only channels, groups, kernel, stride
  // and dilation count here.
  ConvPairF32(const KernelSet& kernels, std::int64_t in_channels, const Half& first,
              const ConvGeometry& depthwise, const Half& second);

  std::int64_t in_channels() const { return expand_.k(); }

  // depthwise: as given to the constructor, with the batch, input size and padding of this run.
  // in: batch × its input pixels × in_channels.
  void run(const ConvGeometry& depthwise, const float* in, float* out, Threads& threads) const;

 private:
  class Worker;

  KernelSet kernels_;
  PackedF32 expand_;
  AlignedBuffer<float> depthwise_;  // [taps][channels]
  std::vector<float> expand_bias_, depthwise_bias_;
  ConvFinishF32 expand_finish_, depthwise_finish_;
};

}  // namespace q8

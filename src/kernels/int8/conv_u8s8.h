#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/threads.h"
#include "kernels/conv_geometry.h"
#include "kernels/int8/depthwise_u8s8.h"
#include "kernels/int8/epilogue_u8s8.h"
#include "kernels/int8/packed_s8.h"
#include "kernels/kernel_set.h"

namespace q8 {

// Weights as ONNX holds them: [out_channels, in_channels / groups, kernel…], bytes.
struct ConvWeightsU8S8 {
  const void* data = nullptr;
  bool is_signed = true;                          // s8, else u8
  std::span<const std::int32_t> zero_point = {};  // empty: 0; else one, or one per output channel
};

// A convolution on bytes: NHWC in, NHWC out (u8 or s8 requantized, s32, or f32), any kernel,
// stride, dilation and group, in one to three dimensions. ONNX QLinearConv, ConvInteger and fused
// QDQ groups. The result does not depend on the kernel set nor on the number of threads.
class ConvU8S8 {
 public:
  // Of the geometry only channels, groups, kernel and dilation count. Throws as validate() does.
  ConvU8S8(const KernelSet& kernels, const ConvGeometry& geometry, const ConvWeightsU8S8& weights);

  // An output made ready for inputs of that signedness and zero point. output.bias, multiplier and
  // float_bias: one per output channel, or one multiplier for all.
  class Epilogue {
   private:
    friend class ConvU8S8;
    std::vector<EpilogueU8S8> groups_;
    OutputKind kind_ = OutputKind::kS32;
    bool input_signed_ = false;
    std::uint8_t padding_ = 0;  // the input's zero point as a u8
  };
  Epilogue make_epilogue(bool input_signed, std::int32_t input_zero_point,
                         const OutputU8S8& output) const;

  // As PackedS8::largest_sum().
  std::int64_t largest_sum() const;

  // geometry: as given to the constructor, with the batch, input size, stride and padding of this
  // run. out: geometry.output() pixels × out_channels elements.
  void run(const ConvGeometry& geometry, const void* input, const Epilogue& epilogue, void* out,
           Threads& threads) const;

 private:
  void run_taps(const ConvGeometry& geometry, const std::uint8_t* input, const Epilogue& epilogue,
                void* out, Threads& threads) const;
  void run_kernel_rows(const ConvGeometry& geometry, const std::uint8_t* input,
                       const Epilogue& epilogue, void* out, Threads& threads) const;
  void run_depthwise(const ConvGeometry& geometry, const std::uint8_t* input,
                     const Epilogue& epilogue, void* out, Threads& threads) const;

  ConvGeometry shape_;
  bool by_kernel_rows_ = false;
  std::optional<DepthwiseWeightsU8S8> depthwise_;
  std::vector<PackedS8> groups_;  // none where depthwise_
};

}  // namespace q8

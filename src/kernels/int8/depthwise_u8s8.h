#pragma once

#include <cstdint>
#include <optional>

#include "base/threads.h"
#include "kernels/conv_geometry.h"
#include "kernels/int8/depthwise_u8s8_rows.h"
#include "kernels/int8/epilogue_u8s8.h"

namespace q8 {

// The weights of a depthwise convolution, [taps][channels padded to 64], zero points subtracted.
class DepthwiseWeightsU8S8 {
 public:
  // data: bytes [channels][taps], channels = out_channels. Nothing where a weight minus its zero
  // point does not fit s8.
  static std::optional<DepthwiseWeightsU8S8> pack(const DepthwiseU8S8Row& row, const void* data,
                                                  bool is_signed,
                                                  std::span<const std::int32_t> zero_point,
                                                  std::int64_t channels, std::int64_t taps);

  EpilogueU8S8 make_epilogue(std::int32_t input_zero_point, const OutputU8S8& output) const;

  // As PackedS8::largest_sum().
  std::int64_t largest_sum() const;

  // geometry: in_channels = out_channels = groups. input: u8. channel_stride of a pixel: channels.
  void run(const ConvGeometry& geometry, const std::uint8_t* input, std::int32_t input_zero_point,
           const EpilogueU8S8& epilogue, void* out, Threads& threads) const;

 private:
  const DepthwiseU8S8Row* row_ = nullptr;
  std::int64_t channels_ = 0, taps_ = 0, stride_ = 0;
  AlignedBuffer<std::int8_t> data_;
  AlignedBuffer<std::int32_t> sums_;  // per channel
};

}  // namespace q8

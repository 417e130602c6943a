#pragma once

#include <cstdint>
#include <span>

#include "base/isa.h"
#include "kernels/int8/depthwise_u8s8_tile.h"

namespace q8 {

class OverflowCounter;

// One way to compute depthwise convolutions. All rows give the same bits.
struct DepthwiseU8S8Row {
  const char* name;
  Isa isa;
  DepthwiseU8S8Function tile;
  OverflowCounter* overflow = nullptr;  // counts every tile, where given: overflow.h
};

std::span<const DepthwiseU8S8Row> depthwise_u8s8_rows();  // best first; the last one is scalar

// For the weights of 64 channels in groups of four taps, or of 16 channels as pairs of 16 bits.
inline std::int64_t depthwise_scratch_bytes(std::int64_t taps) {
  return (taps + 3) / 4 * 4 * 64;
}

}  // namespace q8

#pragma once

#include <span>

#include "base/threads.h"
#include "kernels/conv_geometry.h"
#include "kernels/int8/conv_u8s8.h"

namespace q8 {

// One of several convolutions on bytes, two-dimensional, of which each is read by the next alone.
struct ConvLinkU8S8 {
  const ConvU8S8* conv;
  const ConvU8S8::Epilogue* epilogue;  // to bytes
  ConvGeometry geometry;               // the output of one is the input of the next
};

// The last link's output, the same bytes as one convolution after the other. What is between two of
// them is made for some lines at a time, by the thread that reads it, so that it stays in its cache
// and no thread waits for another between two links: lines at the border of two threads' parts are
// made by both. Where these would be too many, the links run one after the other.
void run_conv_chain_u8s8(std::span<const ConvLinkU8S8> links, const void* input, void* out,
                         Threads& threads);

}  // namespace q8

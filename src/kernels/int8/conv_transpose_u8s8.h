#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "kernels/conv_transpose_phases.h"
#include "kernels/int8/conv_u8s8.h"
#include "kernels/int8/epilogue_u8s8.h"
#include "kernels/int8/packed_s8.h"
#include "kernels/kernel_set.h"

namespace q8 {

// ConvTranspose on bytes with exact s32 sums, on NHWC (NDHWC): any kernel, stride, dilation, group
// and output padding, phase by phase as in FP32 (conv_transpose_f32.h).
class ConvTransposeU8S8 {
 public:
  // Of the geometry channels, groups, kernel, stride and dilation count here.
  //   weights.data        [in_channels, out_channels / groups, kernel…], as ONNX holds them
  //   weights.zero_point  empty: 0; else one, or one per output channel
  //   output              as for ConvU8S8; copied
  // Throws as validate() does.
  ConvTransposeU8S8(const KernelSet& kernels, const ConvGeometry& geometry,
                    const ConvWeightsU8S8& weights, bool input_signed,
                    std::int32_t input_zero_point, const OutputU8S8& output);

  // geometry.input and batch: of this run; pad_begin: cut from the output's beginning. output: the
  // output size, which holds pad_end and output_padding.
  void run(const ConvGeometry& geometry, const Spatial& output, const void* input, void* out,
           Threads& threads) const;

 private:
  struct Group {
    PackedS8 weights;
    EpilogueU8S8 epilogue;
  };
  struct Phase {
    ConvTransposePhase where;
    std::vector<Group> groups;
  };
  struct Line;
  void run_line(const Line& line) const;

  ConvGeometry shape_;
  bool input_signed_;
  std::uint8_t padding_;
  std::vector<Phase> phases_;
};

}  // namespace q8

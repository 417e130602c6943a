#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/conv_geometry.h"
#include "kernels/conv_transpose_phases.h"
#include "kernels/f32/packed.h"
#include "kernels/kernel_set.h"

namespace q8 {

// ONNX ConvTranspose in FP32 on NHWC (NDHWC), any kernel, stride, dilation, group and output
// padding, with a clamp. Computed output by output, phase by phase: no column buffer, no scattered
// additions, one chain of multiply-adds an output.
class ConvTransposeF32 {
 public:
  // Of the geometry channels, groups, kernel, stride and dilation count here.
  //   weights  [in_channels, out_channels / groups, kernel…], as ONNX holds them
  //   bias     [out_channels] or null; copied
  // Throws as validate() does.
  ConvTransposeF32(const KernelSet& kernels, const ConvGeometry& geometry, const float* weights,
                   const float* bias, float lo = -std::numeric_limits<float>::infinity(),
                   float hi = std::numeric_limits<float>::infinity());

  // geometry.input and batch: of this run; pad_begin: cut from the output's beginning (may be
  // negative: zeros before it). output: the output size, which holds pad_end and output_padding.
  void run(const ConvGeometry& geometry, const Spatial& output, const float* in, float* out,
           Threads& threads) const;

 private:
  struct Phase {
    ConvTransposePhase where;
    std::vector<PackedF32> groups;
  };

  ConvGeometry shape_;
  std::vector<Phase> phases_;
  std::vector<float> bias_;
  float lo_, hi_;
};

// Output size of ONNX ConvTranspose with explicit pads: stride·(input − 1) + output_padding +
// dilation·(kernel − 1) + 1 − pad_begin − pad_end.
Spatial conv_transpose_output(const ConvGeometry& geometry, const Spatial& output_padding);

}  // namespace q8

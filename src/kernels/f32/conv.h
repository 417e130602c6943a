#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/aligned_buffer.h"
#include "kernels/conv_geometry.h"
#include "kernels/f32/elementwise_kernels.h"
#include "kernels/f32/indirect_gemm.h"
#include "kernels/f32/packed.h"
#include "kernels/kernel_set.h"

namespace q8 {

// What happens to an output before it is stored: a clamp, then a function.
struct ConvFinishF32 {
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();
  UnaryCallF32 then = {};
};

// y = then(clamp(conv(x, W) + bias [+ residual], lo, hi)) in FP32 on NHWC (NDHWC), as ONNX Conv:
// any kernel, stride, dilation and group in one to three dimensions. Weights are packed once, here.
// Each output is one chain of fused multiply-adds over (tap, channel), or where winograd_f32_pays()
// what winograd_f32.h does, so it has the same bits for every kernel set and number of threads.
class ConvF32 {
 public:
  // Of the geometry only channels, groups, kernel, stride and dilation count here.
  //   weights  [out_channels, in_channels / groups, kernel…], as ONNX holds them
  //   bias     [out_channels] or null; copied
  // Throws as validate() does.
  ConvF32(const KernelSet& kernels, const ConvGeometry& geometry, const float* weights,
          const float* bias, const ConvFinishF32& finish = {});

  // geometry: as given to the constructor, with the batch, input size and padding of this run. in:
  // batch × input pixels × in_channels. out, residual (or null): batch × output pixels ×
  // out_channels; they may be the same.
  void run(const ConvGeometry& geometry, const float* in, float* out, const float* residual,
           Threads& threads) const {
    run_path(geometry, {in, out, residual, finish_}, threads);
  }
  // conv(x, W) + bias alone.
  void run_unfinished(const ConvGeometry& geometry, const float* in, float* out,
                      Threads& threads) const {
    run_path(geometry, {in, out, nullptr, {}}, threads);
  }

 private:
  enum class Path { kProduct, kDepthwise, kWinograd };

  struct Operands {
    const float* in;
    float* out;
    const float* residual;
    ConvFinishF32 finish;
  };

  EpilogueF32 epilogue(const Operands& operands, std::int64_t first_column) const;
  void run_path(const ConvGeometry& g, const Operands& operands, Threads& threads) const;
  void run_pointwise(const ConvGeometry& g, const Operands& operands, Threads& threads) const;
  void run_indirect(const ConvGeometry& g, const Operands& operands, Threads& threads) const;
  void run_depthwise(const ConvGeometry& g, const Operands& operands, Threads& threads) const;

  KernelSet kernels_;
  Path path_;
  std::vector<PackedF32> groups_;   // empty for kDepthwise
  AlignedBuffer<float> depthwise_;  // [taps][out_channels]
  std::vector<float> bias_;         // [out_channels]
  ConvFinishF32 finish_;
};

}  // namespace q8

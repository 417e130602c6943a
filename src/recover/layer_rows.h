#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "exec/session.h"
#include "kernels/conv_geometry.h"
#include "recover/weighted_layer.h"

namespace q8 {

// The rows that a layer multiplies its weights with, read from a tensor as a session shows it: for
// Conv the window of an output pixel ([channel, tap], zero outside the image), else the last axis.
class LayerRows {
 public:
  // `floats` is produced.tensor in FP32; it must outlive this.
  LayerRows(const Graph& graph, const WeightedLayer& layer, const Tensor& floats,
            std::span<const int> axes);

  std::int64_t count() const { return count_; }
  // Writes layer.depth values.
  void read(std::int64_t row, std::int64_t group, float* to) const;

 private:
  void read_window(std::int64_t row, std::int64_t group, float* to) const;

  const float* data_;
  std::int64_t depth_;
  bool is_conv_;
  std::int64_t count_ = 0;
  std::vector<std::int64_t> dims_, strides_;  // of the logical axes
  ConvGeometry geometry_;
  Spatial output_ = {1, 1, 1}, spatial_strides_ = {0, 0, 0};
};

}  // namespace q8

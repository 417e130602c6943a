#include "recover/layer_rows.h"

#include "kernels/kernel_set.h"
#include "ops/conv_attributes.h"

namespace q8 {
namespace {

ConvGeometry geometry_of(const Graph& graph, const WeightedLayer& layer, const Tensor& logical) {
  const KernelSet kernels = make_kernel_set(Isa::kScalar);
  const NodeContext context{.node = graph.node(layer.node),
                            .graph = graph,
                            .constants = {},
                            .opset = graph.opset(),
                            .kernels = kernels};
  return ConvAttributes(context).geometry(logical, *layer.weights);
}

}  // namespace

LayerRows::LayerRows(const Graph& graph, const WeightedLayer& layer, const Tensor& floats,
                     std::span<const int> axes)
    : data_(floats.data<float>()),
      depth_(layer.depth),
      is_conv_(graph.node(layer.node).is("Conv")) {
  const std::int64_t rank = floats.rank();
  dims_.resize(static_cast<std::size_t>(rank));
  strides_.resize(dims_.size());
  for (std::int64_t i = 0; i < rank; ++i) {
    const auto position = static_cast<std::size_t>(i);
    const auto axis = axes.empty() ? position : static_cast<std::size_t>(axes[position]);
    dims_[axis] = floats.shape()[i];
    strides_[axis] = floats.shape().count(i + 1, rank);
  }
  if (!is_conv_) {
    count_ = floats.size() / depth_;
    return;
  }
  geometry_ = geometry_of(graph, layer, floats.reshaped(Shape(dims_)));
  output_ = geometry_.output();
  count_ = geometry_.batch * product(output_);
  for (std::size_t axis = 2; axis < dims_.size(); ++axis)
    spatial_strides_[3 - dims_.size() + axis] = strides_[axis];
}

void LayerRows::read(std::int64_t row, std::int64_t group, float* to) const {
  if (is_conv_) return read_window(row, group, to);
  const float* from = data_;
  for (std::size_t axis = dims_.size() - 1; axis-- > 0;) {
    from += row % dims_[axis] * strides_[axis];
    row /= dims_[axis];
  }
  for (std::int64_t k = 0; k < depth_; ++k) to[k] = from[k * strides_.back()];
}

void LayerRows::read_window(std::int64_t row, std::int64_t group, float* to) const {
  const ConvGeometry& g = geometry_;
  Spatial begin;
  for (std::size_t d = 3; d-- > 0;) {
    begin[d] = row % output_[d] * g.stride[d] - g.pad_begin[d];
    row /= output_[d];
  }
  const std::int64_t channels = g.in_channels_per_group(), taps = g.taps();
  const float* image = data_ + row * strides_[0] + group * channels * strides_[1];
  std::int64_t tap = 0;
  for (std::int64_t i = 0; i < g.kernel[0]; ++i)
    for (std::int64_t j = 0; j < g.kernel[1]; ++j)
      for (std::int64_t k = 0; k < g.kernel[2]; ++k, ++tap) {
        const std::int64_t z = begin[0] + i * g.dilation[0], y = begin[1] + j * g.dilation[1],
                           x = begin[2] + k * g.dilation[2];
        const bool inside =
            z >= 0 && z < g.input[0] && y >= 0 && y < g.input[1] && x >= 0 && x < g.input[2];
        const float* from = image + (inside ? z * spatial_strides_[0] + y * spatial_strides_[1] +
                                                  x * spatial_strides_[2]
                                            : 0);
        for (std::int64_t c = 0; c < channels; ++c)
          to[c * taps + tap] = inside ? from[c * strides_[1]] : 0.0f;
      }
}

}  // namespace q8

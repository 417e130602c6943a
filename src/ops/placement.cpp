#include <algorithm>
#include <numeric>

#include "ops/families.h"
#include "ops/window.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Operators that put elements to computed places in an output of zeros.

// The offset in a tensor of shape `outer` of every element of a tensor of shape `inner` whose
// element 0 stands at `origin`; called as function(index in inner, offset in outer).
template <typename Function>
void for_region(const Shape& inner, const Shape& outer, std::span<const std::int64_t> origin,
                const Function& function) {
  const std::int64_t count = inner.count();
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i, offset = 0, stride = 1;
    for (std::int64_t axis = inner.rank() - 1; axis >= 0; --axis) {
      offset += (rest % inner[axis] + origin[static_cast<std::size_t>(axis)]) * stride;
      rest /= inner[axis];
      stride *= outer[axis];
    }
    function(i, offset);
  }
}

// The inverse of MaxPool with its Indices. With output_shape the indices still count in the shape
// that the attributes give, which is then the first corner of the output.
OpFunction make_max_unpool(const NodeContext& node) {
  const WindowAttributes window(node.attributes());
  const std::vector<std::int64_t> kernel = window.kernel();
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& indices = run.input(1);
    const ImageDims in = image_dims(x.shape(), Layout::kChannelsFirst);
    if (indices.shape() != x.shape() || indices.dtype() != DType::kS64 ||
        static_cast<std::int64_t>(kernel.size()) != in.spatial_rank)
      throw bad_input("MaxUnpool: indices " + indices.str() + " do not fit " + x.str());
    const Window w = window.fixed(kernel);
    ImageDims out = in;
    for (std::size_t i = 0; i < 3; ++i)
      out.size[i] = (in.size[i] - 1) * w.stride[i] - w.pad_begin[i] - w.pad_end[i] + w.kernel[i];
    const Shape inferred = image_shape(out, Layout::kChannelsFirst);
    const Shape wanted = run.has_input(2) ? Shape(run.input(2).to_int64s()) : inferred;
    if (wanted.rank() != inferred.rank() ||
        !std::equal(inferred.begin(), inferred.end(), wanted.begin(), std::less_equal<>()))
      throw bad_input("MaxUnpool: output_shape " + wanted.str() + " does not hold " +
                      inferred.str());
    Tensor y = Tensor::zeros(x.dtype(), inferred, run.allocator);
    with_size_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = reinterpret_cast<const T*>(x.bytes());
      T* target = reinterpret_cast<T*>(y.mutable_bytes());
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const std::int64_t at = indices.data<std::int64_t>()[i];
        if (at < 0 || at >= y.size())
          throw bad_input("MaxUnpool: index " + std::to_string(at) + " is outside " +
                          inferred.str());
        target[at] = source[i];
      }
      if (wanted == inferred) return;
      Tensor placed = Tensor::zeros(x.dtype(), wanted, run.allocator);
      T* to = reinterpret_cast<T*>(placed.mutable_bytes());
      const std::vector<std::int64_t> origin(static_cast<std::size_t>(wanted.rank()), 0);
      for_region(inferred, wanted, origin,
                 [&](std::int64_t i, std::int64_t offset) { to[offset] = target[i]; });
      y = std::move(placed);
    });
    run.set_output(0, std::move(y));
  };
}

// Centred: axes that are too long lose elements at both ends, short ones gain zeros.
OpFunction make_center_crop_pad(const NodeContext& node) {
  const std::vector<std::int64_t> axes_attribute = node.attributes().get_ints("axes");
  return [axes_attribute](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::vector<std::int64_t> sizes = run.input(1).to_int64s();
    std::vector<std::int64_t> axes = axes_attribute;
    if (axes.empty()) {
      axes.resize(static_cast<std::size_t>(x.rank()));
      std::iota(axes.begin(), axes.end(), 0);
    }
    if (axes.size() != sizes.size())
      throw bad_input("CenterCropPad: " + std::to_string(sizes.size()) + " sizes for " +
                      std::to_string(axes.size()) + " axes");
    Shape wanted = x.shape(), common = x.shape();
    const std::vector<std::int64_t> none(static_cast<std::size_t>(x.rank()), 0);
    std::vector<std::int64_t> crop = none, pad = none;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const std::int64_t axis = x.shape().normalize_axis(axes[i]);
      if (sizes[i] < 0) throw bad_input("CenterCropPad to a negative size");
      const std::int64_t more = sizes[i] - x.shape()[axis];
      wanted[axis] = sizes[i];
      common[axis] = std::min(sizes[i], x.shape()[axis]);
      (more < 0 ? crop : pad)[static_cast<std::size_t>(axis)] = std::abs(more) / 2;
    }
    Tensor y = Tensor::zeros(x.dtype(), wanted, run.allocator);
    with_size_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = reinterpret_cast<const T*>(x.bytes());
      T* target = reinterpret_cast<T*>(y.mutable_bytes());
      std::vector<std::int64_t> offsets(static_cast<std::size_t>(common.count()));
      for_region(common, x.shape(), crop, [&](std::int64_t i, std::int64_t offset) {
        offsets[static_cast<std::size_t>(i)] = offset;
      });
      for_region(common, wanted, pad, [&](std::int64_t i, std::int64_t offset) {
        target[offset] = source[offsets[static_cast<std::size_t>(i)]];
      });
    });
    run.set_output(0, std::move(y));
  };
}

// Columns [N, C · taps, blocks] are added up to an image [N, C, image_shape], any number of axes.
OpFunction make_col2im(const NodeContext& node) {
  const std::vector<std::int64_t> dilations = node.attributes().get_ints("dilations");
  const std::vector<std::int64_t> strides = node.attributes().get_ints("strides");
  const std::vector<std::int64_t> pads = node.attributes().get_ints("pads");
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::vector<std::int64_t> image = run.input(1).to_int64s();
    const std::vector<std::int64_t> block = run.input(2).to_int64s();
    const std::size_t rank = image.size();
    const auto fits = [&](const std::vector<std::int64_t>& list, std::size_t count) {
      return list.empty() || list.size() == count;
    };
    if (x.rank() != 3 || rank == 0 || block.size() != rank || !fits(dilations, rank) ||
        !fits(strides, rank) || !fits(pads, 2 * rank))
      throw bad_input("Col2Im: attributes and inputs do not fit " + x.str());
    const auto value = [](const std::vector<std::int64_t>& list, std::size_t i,
                          std::int64_t fallback) { return list.empty() ? fallback : list[i]; };
    std::vector<std::int64_t> steps(rank);  // positions of the block along each axis
    for (std::size_t i = 0; i < rank; ++i) {
      const std::int64_t room = image[i] + value(pads, i, 0) + value(pads, i + rank, 0) -
                                value(dilations, i, 1) * (block[i] - 1) - 1;
      if (block[i] < 1 || value(strides, i, 1) < 1 || room < 0)
        throw bad_input("Col2Im: the block does not fit the image");
      steps[i] = room / value(strides, i, 1) + 1;
    }
    const std::int64_t taps = Shape(block).count(), blocks = Shape(steps).count();
    if (x.shape()[1] % taps != 0 || x.shape()[2] != blocks)
      throw bad_input("Col2Im: " + x.str() + " is not [N, C·" + std::to_string(taps) + ", " +
                      std::to_string(blocks) + "]");
    const std::int64_t planes = x.shape()[0] * (x.shape()[1] / taps), pixels = Shape(image).count();
    std::vector<std::int64_t> dims = {x.shape()[0], x.shape()[1] / taps};
    dims.insert(dims.end(), image.begin(), image.end());
    Tensor y = Tensor::zeros(x.dtype(), Shape(std::move(dims)), run.allocator);
    with_number_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t column = 0; column < taps * blocks; ++column) {
        std::int64_t tap = column / blocks, at = column % blocks, offset = 0, stride = 1;
        bool inside = true;
        for (std::size_t i = rank; i-- > 0;) {
          const std::int64_t position = at % steps[i] * value(strides, i, 1) - value(pads, i, 0) +
                                        tap % block[i] * value(dilations, i, 1);
          inside = inside && position >= 0 && position < image[i];
          offset += position * stride;
          stride *= image[i];
          at /= steps[i];
          tap /= block[i];
        }
        if (!inside) continue;
        for (std::int64_t plane = 0; plane < planes; ++plane) {
          T& to = y.mutable_data<T>()[plane * pixels + offset];
          to = static_cast<T>(to + x.data<T>()[plane * taps * blocks + column]);
        }
      }
    });
    run.set_output(0, std::move(y));
  };
}

constexpr OpRow kRows[] = {
    {"", "MaxUnpool", make_max_unpool, QuantRole::kFloat},
    {"", "CenterCropPad", make_center_crop_pad, QuantRole::kFloat, false},
    {"", "Col2Im", make_col2im, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> placement_operators() {
  return kRows;
}

}  // namespace q8

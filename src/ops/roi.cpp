#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/families.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Operators that pool regions of interest of images to one size. Formulas: ONNX operator
// specification, Girshick, "Fast R-CNN" (2015), and He et al., "Mask R-CNN" (2017).

struct RoiAlign {
  std::int64_t height, width, sampling_ratio;
  double spatial_scale, offset;
  bool is_max;
};

// The four neighbours of a point and their weights; weights of zero far outside.
struct Bilinear {
  std::array<std::int64_t, 4> index{};
  std::array<double, 4> weight{};
};

Bilinear bilinear(double y, double x, std::int64_t height, std::int64_t width) {
  Bilinear result;
  if (!(y >= -1 && y <= static_cast<double>(height) && x >= -1 && x <= static_cast<double>(width)))
    return result;
  const auto split = [](double v, std::int64_t size, std::int64_t& low, std::int64_t& high) {
    v = std::max(v, 0.0);
    low = std::min(static_cast<std::int64_t>(v), size - 1);
    high = std::min(low + 1, size - 1);
    return high == low ? 0.0 : v - static_cast<double>(low);
  };
  std::int64_t top, bottom, left, right;
  const double v = split(y, height, top, bottom), u = split(x, width, left, right);
  result.index = {top * width + left, top * width + right, bottom * width + left,
                  bottom * width + right};
  result.weight = {(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u};
  return result;
}

template <typename T>
void roi_align(RunContext& run, const RoiAlign& node) {
  const Tensor& x = run.input(0);
  const Tensor& rois = run.input(1);
  const std::vector<std::int64_t> batches = run.input(2).to_int64s();
  const std::int64_t count = rois.rank() == 2 ? rois.shape()[0] : -1;
  if (x.rank() != 4 || count < 0 || rois.shape()[1] != 4 || rois.dtype() != x.dtype() ||
      static_cast<std::int64_t>(batches.size()) != count)
    throw bad_input("RoiAlign: rois " + rois.str() + " and batch_indices " + run.input(2).str() +
                    " do not fit " + x.str());
  for (const std::int64_t batch : batches)
    if (batch < 0 || batch >= x.shape()[0])
      throw bad_input("RoiAlign: batch index " + std::to_string(batch) + " is outside " + x.str());
  const std::int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  Tensor& y = run.output(0, x.dtype(), Shape{count, channels, node.height, node.width});
  if (y.size() == 0) return;
  run.threads.parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Bilinear> points;
    for (std::int64_t r = begin; r < end; ++r) {
      const T* roi = rois.data<T>() + r * 4;
      const auto edge = [&](std::size_t i) {
        return static_cast<double>(roi[i]) * node.spatial_scale - node.offset;
      };
      double roi_width = edge(2) - edge(0), roi_height = edge(3) - edge(1);
      if (node.offset == 0) {
        roi_width = std::max(roi_width, 1.0);
        roi_height = std::max(roi_height, 1.0);
      }
      const double bin_height = roi_height / static_cast<double>(node.height);
      const double bin_width = roi_width / static_cast<double>(node.width);
      const auto samples = [&](double bin) {
        return node.sampling_ratio > 0 ? node.sampling_ratio
                                       : static_cast<std::int64_t>(std::ceil(bin));
      };
      const std::int64_t rows = samples(bin_height), columns = samples(bin_width);
      for (std::int64_t bin = 0; bin < node.height * node.width; ++bin) {
        points.clear();
        for (std::int64_t i = 0; i < rows; ++i)
          for (std::int64_t j = 0; j < columns; ++j)
            points.push_back(bilinear(
                edge(1) + bin_height * (static_cast<double>(bin / node.width) +
                                        (static_cast<double>(i) + 0.5) / static_cast<double>(rows)),
                edge(0) +
                    bin_width * (static_cast<double>(bin % node.width) +
                                 (static_cast<double>(j) + 0.5) / static_cast<double>(columns)),
                height, width));
        for (std::int64_t c = 0; c < channels; ++c) {
          const T* plane =
              x.data<T>() + (batches[static_cast<std::size_t>(r)] * channels + c) * height * width;
          double sum = 0, largest = points.empty() ? 0 : -std::numeric_limits<double>::infinity();
          for (const Bilinear& point : points)
            for (std::size_t i = 0; i < 4; ++i) {
              const double part = point.weight[i] * static_cast<double>(plane[point.index[i]]);
              sum += part;
              // The largest weighted neighbour, as the operator is defined, not the largest sample.
              largest = std::max(largest, part);
            }
          const auto n = static_cast<double>(std::max<std::size_t>(points.size(), 1));
          y.mutable_data<T>()[(r * channels + c) * node.height * node.width + bin] =
              static_cast<T>(node.is_max ? largest : sum / n);
        }
      }
    }
  });
}

OpFunction make_roi_align(const NodeContext& context) {
  const Attributes& attributes = context.attributes();
  const std::string mode = attributes.get_string("mode", "avg");
  const std::string coordinates = attributes.get_string(
      "coordinate_transformation_mode", context.opset < 16 ? "output_half_pixel" : "half_pixel");
  if (mode != "avg" && mode != "max")
    throw bad_input("attribute mode of RoiAlign must be avg or max, found '" + mode + "'");
  const RoiAlign node{
      .height = attributes.get_int("output_height", 1),
      .width = attributes.get_int("output_width", 1),
      .sampling_ratio = attributes.get_int("sampling_ratio", 0),
      .spatial_scale = static_cast<double>(attributes.get_float("spatial_scale", 1)),
      .offset = coordinates == "half_pixel" ? 0.5 : 0.0,
      .is_max = mode == "max"};
  return [node](RunContext& run) {
    with_float_type(run.input(0).dtype(), [&](auto zero) { roi_align<decltype(zero)>(run, node); });
  };
}

struct MaxRoiPool {
  std::int64_t height, width;
  float spatial_scale;
};

// The pixels of bin i of `count` of a region that begins at `start` and is `length` long, within
// an axis of `size`.
struct BinSpan {
  std::int64_t begin, end;
};

BinSpan bin_span(std::int64_t i, std::int64_t count, std::int64_t start, std::int64_t length,
                 std::int64_t size) {
  const float bin = static_cast<float>(length) / static_cast<float>(count);
  const auto at = [&](float edge) {
    return std::clamp<std::int64_t>(static_cast<std::int64_t>(edge) + start, 0, size);
  };
  return {at(std::floor(static_cast<float>(i) * bin)),
          at(std::ceil(static_cast<float>(i + 1) * bin))};
}

// rois [n, 5]: sample, x1, y1, x2, y2; both corners belong to the region.
template <typename T>
void max_roi_pool(RunContext& run, const MaxRoiPool& node) {
  const Tensor& x = run.input(0);
  const Tensor& rois = run.input(1);
  if (x.rank() != 4 || rois.rank() != 2 || rois.shape()[1] != 5 || rois.dtype() != x.dtype())
    throw bad_input("MaxRoiPool: rois " + rois.str() + " do not fit " + x.str());
  const std::int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  Tensor& y = run.output(0, x.dtype(), Shape{rois.shape()[0], channels, node.height, node.width});
  for (std::int64_t r = 0; r < rois.shape()[0]; ++r) {
    const T* roi = rois.data<T>() + r * 5;
    for (int i = 0; i < 5; ++i)
      if (!(std::abs(static_cast<double>(roi[i])) < 1e9))
        throw bad_input("MaxRoiPool: region " + std::to_string(r) + " has the number " +
                        std::to_string(static_cast<double>(roi[i])));
    const auto batch = static_cast<std::int64_t>(roi[0]);
    if (batch < 0 || batch >= x.shape()[0])
      throw bad_input("MaxRoiPool: sample " + std::to_string(batch) + " is outside " + x.str());
    const auto edge = [&](int i) {
      return static_cast<std::int64_t>(std::round(static_cast<float>(roi[i]) * node.spatial_scale));
    };
    const std::int64_t left = edge(1), top = edge(2);
    const std::int64_t columns = std::max<std::int64_t>(edge(3) - left + 1, 1);
    const std::int64_t rows = std::max<std::int64_t>(edge(4) - top + 1, 1);
    run.threads.parallel_for(channels, 16, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t c = first; c < last; ++c) {
        const T* plane = x.data<T>() + (batch * channels + c) * height * width;
        T* to = y.mutable_data<T>() + (r * channels + c) * node.height * node.width;
        for (std::int64_t bin = 0; bin < node.height * node.width; ++bin) {
          const BinSpan v = bin_span(bin / node.width, node.height, top, rows, height);
          const BinSpan u = bin_span(bin % node.width, node.width, left, columns, width);
          T largest = v.begin < v.end && u.begin < u.end ? std::numeric_limits<T>::lowest() : T{0};
          for (std::int64_t i = v.begin; i < v.end; ++i)
            for (std::int64_t j = u.begin; j < u.end; ++j)
              largest = std::max(largest, plane[i * width + j]);
          to[bin] = largest;
        }
      }
    });
  }
}

OpFunction make_max_roi_pool(const NodeContext& context) {
  const auto size = context.attributes().get_ints("pooled_shape");
  if (size.size() != 2 || size[0] < 1 || size[1] < 1)
    throw bad_input("pooled_shape of MaxRoiPool must be two numbers above 0");
  const MaxRoiPool node{.height = size[0],
                        .width = size[1],
                        .spatial_scale = context.attributes().get_float("spatial_scale", 1)};
  return [node](RunContext& run) {
    with_float_type(run.input(0).dtype(),
                    [&](auto zero) { max_roi_pool<decltype(zero)>(run, node); });
  };
}

constexpr OpRow kRows[] = {
    {"", "RoiAlign", make_roi_align},
    {"", "MaxRoiPool", make_max_roi_pool},
};

}  // namespace

std::span<const OpRow> roi_operators() {
  return kRows;
}

}  // namespace q8

#include <array>
#include <cmath>
#include <limits>

#include "ops/families.h"
#include "ops/window.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Operators that read an image at computed places. Formulas: ONNX operator specification.

enum class Padding { kZeros, kBorder, kReflection };
enum class Sampling { kNearest, kLinear, kCubic };

struct GridSample {
  Sampling sampling;
  Padding padding;
  bool align_corners;
};

// Reflects x at the borders until it lies between them.
double reflect(double x, double low, double high) {
  const double range = high - low;
  if (range <= 0) return low;
  const double distance = x < low ? low - x : x > high ? x - high : 0;
  if (distance == 0) return x;
  const double turns = std::floor(distance / range);
  const double rest = distance - turns * range;
  const bool is_even = std::fmod(turns, 2) == 0;
  return (x < low) == is_even ? low + rest : high - rest;
}

// The elements along one axis that a coordinate in −1 … 1 reads, with their weights; those in the
// zero padding are left out.
struct AxisSample {
  std::array<std::int64_t, 4> index;
  std::array<double, 4> weight;
  std::size_t count = 0;
};

AxisSample sample_axis(double coordinate, std::int64_t size, const GridSample& node) {
  const auto length = static_cast<double>(size);
  const double low = node.align_corners ? 0 : -0.5;
  const double high = node.align_corners ? length - 1 : length - 0.5;
  double x = node.align_corners ? (coordinate + 1) / 2 * (length - 1)
                                : ((coordinate + 1) * length - 1) / 2;
  // Through float, as the coordinates of the grid are: ties of nearest are decided there.
  x = static_cast<double>(static_cast<float>(x));
  AxisSample sample;
  if (!std::isfinite(x)) return sample;
  if (node.sampling == Sampling::kNearest) x = std::nearbyint(x);
  if (x < low || x > high) {
    // Every element of a cubic is held within the border on its own, as PyTorch has it; far outside
    // all of them are the same one.
    const double margin = node.sampling == Sampling::kCubic ? 4 : 0;
    if (node.padding == Padding::kBorder) x = std::clamp(x, -margin, length - 1 + margin);
    if (node.padding == Padding::kReflection) x = reflect(x, low, high);
  }
  // Far outside everything is padding; so that the index below does not overflow.
  if (x < -8 || x > length + 8) return sample;
  const auto add = [&](double position, double weight) {
    auto index = static_cast<std::int64_t>(position);
    if (node.padding == Padding::kBorder) index = std::clamp<std::int64_t>(index, 0, size - 1);
    if (node.padding == Padding::kReflection)
      index = std::clamp<std::int64_t>(static_cast<std::int64_t>(reflect(position, low, high)), 0,
                                       size - 1);
    if (index < 0 || index >= size) return;
    sample.index[sample.count] = index;
    sample.weight[sample.count++] = weight;
  };
  if (node.sampling == Sampling::kNearest) {
    add(x, 1);
    return sample;
  }
  const double first = std::floor(x), t = x - first;
  if (node.sampling == Sampling::kLinear) {
    add(first, 1 - t);
    add(first + 1, t);
    return sample;
  }
  constexpr double a = -0.75;  // Keys' coefficient that ONNX fixes for this operator
  const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  add(first - 1, far(t + 1));
  add(first, near(t));
  add(first + 1, near(1 - t));
  add(first + 2, far(2 - t));
  return sample;
}

template <typename T, typename G>
void grid_sample(RunContext& run, const GridSample& node, const Tensor& x, const Tensor& grid) {
  const ImageDims in = image_dims(x.shape(), Layout::kChannelsFirst);
  const std::int64_t spatial = in.spatial_rank;
  if (grid.rank() != x.rank() || grid.shape().back() != spatial || grid.shape()[0] != in.batch)
    throw bad_input("grid " + grid.str() + " does not fit " + x.str());
  std::vector<std::int64_t> dims = {in.batch, in.channels};
  dims.insert(dims.end(), grid.shape().begin() + 1, grid.shape().end() - 1);
  Tensor& y = run.output(0, x.dtype(), Shape(std::move(dims)));
  if (y.size() == 0) return;
  const std::int64_t pixels = y.size() / (in.batch * in.channels), plane = product(in.size);
  run.threads.parallel_for(in.batch * pixels, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const std::int64_t n = p / pixels;
      const G* at = grid.data<G>() + p * spatial;  // x, y, z: the last axis first
      std::array<AxisSample, 3> axes;
      for (std::size_t i = 0; i < 3; ++i) {
        if (static_cast<std::int64_t>(i) < 3 - spatial) {
          axes[i].index[0] = 0;
          axes[i].weight[0] = 1;
          axes[i].count = 1;
        } else {
          axes[i] = sample_axis(static_cast<double>(at[2 - i]), in.size[i], node);
        }
      }
      for (std::int64_t c = 0; c < in.channels; ++c) {
        const T* source = x.data<T>() + (n * in.channels + c) * plane;
        double sum = 0;
        for (std::size_t d = 0; d < axes[0].count; ++d)
          for (std::size_t h = 0; h < axes[1].count; ++h)
            for (std::size_t w = 0; w < axes[2].count; ++w)
              sum += axes[0].weight[d] * axes[1].weight[h] * axes[2].weight[w] *
                     static_cast<double>(
                         source[(axes[0].index[d] * in.size[1] + axes[1].index[h]) * in.size[2] +
                                axes[2].index[w]]);
        y.mutable_data<T>()[(n * in.channels + c) * pixels + p % pixels] = static_cast<T>(sum);
      }
    }
  });
}

OpFunction make_grid_sample(const NodeContext& context) {
  const std::string mode = context.attributes().get_string("mode", "linear");
  const std::string padding = context.attributes().get_string("padding_mode", "zeros");
  GridSample node{Sampling::kNearest, Padding::kZeros,
                  context.attributes().get_int("align_corners", 0) != 0};
  if (mode == "linear" || mode == "bilinear")
    node.sampling = Sampling::kLinear;
  else if (mode == "cubic" || mode == "bicubic")
    node.sampling = Sampling::kCubic;
  else if (mode != "nearest")
    throw bad_input("attribute mode of GridSample has the unknown value '" + mode + "'");
  if (padding == "border")
    node.padding = Padding::kBorder;
  else if (padding == "reflection")
    node.padding = Padding::kReflection;
  else if (padding != "zeros")
    throw bad_input("attribute padding_mode of GridSample has the unknown value '" + padding + "'");
  return [node](RunContext& run) {
    const Tensor& x = run.input(0);
    const Tensor& grid = run.input(1);
    with_number_type(x.dtype(), [&](auto zero) {
      with_float_type(grid.dtype(), [&](auto grid_zero) {
        grid_sample<decltype(zero), decltype(grid_zero)>(run, node, x, grid);
      });
    });
  };
}

// AffineGrid: for every output pixel theta · (x, y[, z], 1), with coordinates in −1 … 1.
OpFunction make_affine_grid(const NodeContext& node) {
  const bool align_corners = node.attributes().get_int("align_corners", 0) != 0;
  return [align_corners](RunContext& run) {
    const Tensor& theta = run.input(0);
    const std::vector<std::int64_t> size = run.input(1).to_int64s();
    const auto spatial = static_cast<std::int64_t>(size.size()) - 2;
    if ((spatial != 2 && spatial != 3) || theta.shape() != Shape{size[0], spatial, spatial + 1})
      throw bad_input("AffineGrid: theta " + theta.str() + " does not fit size " +
                      Shape(size).str());
    std::vector<std::int64_t> dims(size.begin() + 2, size.end());
    const std::int64_t pixels = Shape(dims).count();
    dims.insert(dims.begin(), size[0]);
    dims.push_back(spatial);
    Tensor& grid = run.output(0, theta.dtype(), Shape(std::move(dims)));
    with_float_type(theta.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t p = 0; p < size[0] * pixels; ++p) {
        double point[4] = {1, 1, 1, 1};  // x, y[, z], 1
        std::int64_t rest = p % pixels;
        for (std::int64_t i = 0; i < spatial; ++i) {
          const std::int64_t count = size[static_cast<std::size_t>(spatial + 1 - i)];
          const auto at = static_cast<double>(rest % count), n = static_cast<double>(count);
          rest /= count;
          point[i] = align_corners ? (count > 1 ? 2 * at / (n - 1) - 1 : -1) : (2 * at + 1) / n - 1;
        }
        point[spatial] = 1;
        for (std::int64_t row = 0; row < spatial; ++row) {
          const T* factors = theta.data<T>() + ((p / pixels) * spatial + row) * (spatial + 1);
          double sum = 0;
          for (std::int64_t i = 0; i <= spatial; ++i)
            sum += static_cast<double>(factors[i]) * point[i];
          grid.mutable_data<T>()[p * spatial + row] = static_cast<T>(sum);
        }
      }
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "GridSample", make_grid_sample, QuantRole::kFloat},
    {"", "AffineGrid", make_affine_grid, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> sampling_operators() {
  return kRows;
}

}  // namespace q8

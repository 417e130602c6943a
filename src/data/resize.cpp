#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "data/image_decoders.h"

namespace q8 {
namespace {

// Filter functions of the distance x in source pixels (destination pixels where the image shrinks).
double box(double x) {
  return x > -0.5 && x <= 0.5 ? 1 : 0;
}
double triangle(double x) {
  return std::max(0.0, 1 - std::abs(x));
}
// The window's two numbers are floats in Pillow, which shows in single pixels.
double hamming(double x) {
  x = std::abs(x);
  if (x == 0) return 1;
  if (x >= 1) return 0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54F + 0.46F * std::cos(x));
}
// Keys' cubic convolution with a = −1/2.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}
double lanczos(double x) {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

struct Filter {
  Resample code;
  std::string_view name;
  double support;  // the function is zero outside ±support
  double (*function)(double);
};
constexpr Filter kFilters[] = {
    {Resample::kNearest, "nearest", 0, nullptr},
    {Resample::kLanczos, "lanczos", 3, lanczos},
    {Resample::kBilinear, "bilinear", 1, triangle},
    {Resample::kBicubic, "bicubic", 2, cubic},
    {Resample::kBox, "box", 0.5, box},
    {Resample::kHamming, "hamming", 1, hamming},
};

// 8 bits for the pixel and 2 for sums beyond its range (negative lobes) leave 22 of 32.
constexpr int kWeightBits = 32 - 8 - 2;

// For every destination index the source indices it is made of and their fixed-point weights.
struct Taps {
  struct Run {
    std::int64_t first, count;
  };
  std::vector<Run> runs;
  std::vector<std::int32_t> weights;  // `stride` of them for each destination
  std::int64_t stride = 0;
  const std::int32_t* of(std::int64_t i) const { return weights.data() + i * stride; }
};

Taps make_taps(std::int64_t from, std::int64_t to, const Filter& filter) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double widening = std::max(scale, 1.0);
  const double support = filter.support * widening;
  Taps taps;
  taps.stride = std::min(2 * static_cast<std::int64_t>(std::ceil(support)) + 1, from);
  taps.weights.resize(static_cast<std::size_t>(to * taps.stride));
  taps.runs.reserve(static_cast<std::size_t>(to));
  std::vector<double> exact;
  for (std::int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const double inverse = 1.0 / widening;
    const auto first = std::max<std::int64_t>(static_cast<std::int64_t>(center - support + 0.5), 0);
    const auto last =
        std::min<std::int64_t>(static_cast<std::int64_t>(center + support + 0.5), from);
    exact.assign(static_cast<std::size_t>(last - first), 0);
    double sum = 0;
    for (std::int64_t k = first; k < last; ++k) {
      const double w = filter.function((static_cast<double>(k) - center + 0.5) * inverse);
      exact[static_cast<std::size_t>(k - first)] = w;
      sum += w;
    }
    std::int32_t* weights = taps.weights.data() + i * taps.stride;
    for (std::size_t k = 0; k < exact.size(); ++k) {
      const double w = (sum != 0 ? exact[k] / sum : exact[k]) * (1 << kWeightBits);
      weights[k] = static_cast<std::int32_t>(w < 0 ? w - 0.5 : w + 0.5);
    }
    taps.runs.push_back({first, last - first});
  }
  return taps;
}

std::uint8_t to_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
}

template <std::int64_t kChannels>
void resize_row(const std::uint8_t* in, const Taps& taps, std::uint8_t* out) {
  for (std::size_t x = 0; x < taps.runs.size(); ++x) {
    const auto [first, count] = taps.runs[x];
    const std::int32_t* weights = taps.of(static_cast<std::int64_t>(x));
    const std::uint8_t* pixel = in + first * kChannels;
    std::int32_t sums[kChannels];
    std::fill_n(sums, kChannels, 1 << (kWeightBits - 1));
    for (std::int64_t k = 0; k < count; ++k, pixel += kChannels)
      for (std::int64_t c = 0; c < kChannels; ++c) sums[c] += pixel[c] * weights[k];
    for (std::int64_t c = 0; c < kChannels; ++c) *out++ = to_pixel(sums[c]);
  }
}

Image resize_width(const Image& image, std::int64_t width, const Filter& filter) {
  const Taps taps = make_taps(image.width, width, filter);
  Image out = make_image(image.height, width, image.channels);
  for (std::int64_t y = 0; y < image.height; ++y) {
    const std::uint8_t* from = image.pixels.data() + y * image.width * image.channels;
    std::uint8_t* to = out.pixels.data() + y * width * image.channels;
    if (image.channels == 3)
      resize_row<3>(from, taps, to);
    else
      resize_row<1>(from, taps, to);
  }
  return out;
}

Image resize_height(const Image& image, std::int64_t height, const Filter& filter) {
  const Taps taps = make_taps(image.height, height, filter);
  Image out = make_image(height, image.width, image.channels);
  const std::int64_t row = image.width * image.channels;
  std::vector<std::int32_t> sums(static_cast<std::size_t>(row));
  for (std::int64_t y = 0; y < height; ++y) {
    std::ranges::fill(sums, 1 << (kWeightBits - 1));
    const auto [first, count] = taps.runs[static_cast<std::size_t>(y)];
    for (std::int64_t k = 0; k < count; ++k) {
      const std::uint8_t* from = image.pixels.data() + (first + k) * row;
      const std::int32_t weight = taps.of(y)[k];
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += from[i] * weight;
    }
    std::ranges::transform(sums, out.pixels.data() + y * row, to_pixel);
  }
  return out;
}

// The step is added up, not multiplied: Pillow's rounding decides which pixel a tie takes.
std::vector<std::int64_t> nearest_indices(std::int64_t from, std::int64_t to) {
  const double step = static_cast<double>(from) / static_cast<double>(to);
  std::vector<std::int64_t> indices;
  double position = step * 0.5;
  for (std::int64_t i = 0; i < to; ++i, position += step)
    indices.push_back(std::min(static_cast<std::int64_t>(position), from - 1));
  return indices;
}

Image resize_nearest(const Image& image, std::int64_t height, std::int64_t width) {
  Image out = make_image(height, width, image.channels);
  const auto columns = nearest_indices(image.width, width);
  std::uint8_t* to = out.pixels.data();
  for (const std::int64_t y : nearest_indices(image.height, height)) {
    for (const std::int64_t x : columns) {
      const std::uint8_t* from = image.pixels.data() + (y * image.width + x) * image.channels;
      to = std::copy_n(from, image.channels, to);
    }
  }
  return out;
}

}  // namespace

std::optional<Resample> resample_of_code(std::int64_t code) {
  if (code < 0 || code >= std::ssize(kFilters)) return {};
  return kFilters[code].code;
}

std::string_view resample_name(Resample filter) {
  return kFilters[static_cast<std::size_t>(filter)].name;
}

Image resize(const Image& image, std::int64_t height, std::int64_t width, Resample filter) {
  Q8_ASSERT(image.channels == 1 || image.channels == 3);
  if (filter == Resample::kNearest) return resize_nearest(image, height, width);
  const Filter& row = kFilters[static_cast<std::size_t>(filter)];
  const bool changes_width = width != image.width, changes_height = height != image.height;
  const bool rows_first =
      height < image.height && image.height - height > 2 * (image.width - width);
  if (changes_width && changes_height)
    return rows_first ? resize_width(resize_height(image, height, row), width, row)
                      : resize_height(resize_width(image, width, row), height, row);
  if (changes_width) return resize_width(image, width, row);
  if (changes_height) return resize_height(image, height, row);
  return image;
}

}  // namespace q8

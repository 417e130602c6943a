#include "ops/resize_node.h"

#include <algorithm>
#include <cmath>

namespace q8 {
namespace {

bool is_given(const RunContext& run, std::size_t input) {
  return run.has_input(input) && run.input(input).size() > 0;
}

}  // namespace

// What each of the resized axes becomes.
std::vector<AxisResize> Resize::plan(const RunContext& run, const Shape& shape,
                                     std::span<const std::int64_t> resized) const {
  const std::size_t count = resized.size();
  std::vector<AxisResize> plan(count);
  for (std::size_t i = 0; i < count; ++i) plan[i].input = shape[resized[i]];
  const auto check = [&](std::size_t found, std::size_t expected, std::string_view what) {
    if (found != expected)
      throw bad_input(std::string(what) + " of Resize has " + std::to_string(found) +
                      " values, expected " + std::to_string(expected));
  };
  if (crops()) {
    const std::vector<float> regions = run.input(roi).to_floats();
    check(regions.size(), 2 * count, "roi");
    for (std::size_t i = 0; i < count; ++i) {
      plan[i].roi_begin = static_cast<double>(regions[i]);
      plan[i].roi_end = static_cast<double>(regions[count + i]);
    }
  }
  if (is_given(run, sizes)) {
    const std::vector<std::int64_t> wanted = run.input(sizes).to_int64s();
    check(wanted.size(), count, "sizes");
    for (std::size_t i = 0; i < count; ++i) {
      plan[i].output = wanted[i];
      plan[i].scale = static_cast<double>(wanted[i]) / static_cast<double>(plan[i].input);
      plan[i].step = static_cast<double>(plan[i].input) / static_cast<double>(wanted[i]);
    }
    if (aspect_ratio_policy == "stretch") return plan;
    double common = plan.empty() ? 1 : plan[0].scale;
    for (const AxisResize& axis : plan)
      common = aspect_ratio_policy == "not_larger" ? std::min(common, axis.scale)
                                                   : std::max(common, axis.scale);
    for (AxisResize& axis : plan) {
      axis.scale = common;
      axis.step = 1 / common;
      axis.output =
          static_cast<std::int64_t>(std::floor(common * static_cast<double>(axis.input) + 0.5));
    }
    return plan;
  }
  const std::vector<float> factors = scales.empty() ? run.input(scale_input).to_floats() : scales;
  check(factors.size(), count, "scales");
  for (std::size_t i = 0; i < count; ++i) {
    if (!(factors[i] > 0)) throw bad_input("a scale of Resize is not positive");
    plan[i].scale = static_cast<double>(factors[i]);
    plan[i].step = 1 / plan[i].scale;
    // In float, as ONNX shape inference and ONNX Runtime compute it.
    const float part = crops() ? static_cast<float>(plan[i].roi_end - plan[i].roi_begin) : 1.0f;
    const double size =
        std::floor(static_cast<double>(static_cast<float>(plan[i].input) * part * factors[i]));
    if (!(size < 1e9))
      throw bad_input("Resize to " + std::to_string(size) + " elements on an axis");
    plan[i].output = static_cast<std::int64_t>(size);
  }
  return plan;
}

Resizing Resize::of(const RunContext& run, const Shape& x) const {
  std::vector<std::int64_t> resized = axes;
  if (resized.empty())
    for (std::int64_t axis = 0; axis < x.rank(); ++axis) resized.push_back(axis);
  for (std::int64_t& axis : resized) axis = x.normalize_axis(axis);
  const std::vector<AxisResize> planned = plan(run, x, resized);
  std::vector<std::int64_t> dims(x.begin(), x.end());
  std::vector<AxisTable> tables;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    if (planned[i].output < 0) throw bad_input("Resize to a negative size");
    if (planned[i].input == 0 && planned[i].output > 0) throw bad_input("Resize of an empty axis");
    dims[static_cast<std::size_t>(resized[i])] = planned[i].output;
    if (planned[i].input == planned[i].output && planned[i].scale == 1 && !crops()) continue;
    tables.push_back({resized[i], axis_taps(planned[i], mode)});
  }
  std::sort(tables.begin(), tables.end(),
            [](const AxisTable& a, const AxisTable& b) { return a.axis > b.axis; });
  return {Shape(std::move(dims)), std::move(tables)};
}

Resize read_resize(const NodeContext& context, std::size_t first) {
  const Attributes& attributes = context.attributes();
  Resize node;
  node.mode.mode = attributes.get_string("mode", "nearest");
  if (context.node.domain.empty() && context.opset < 11) {
    node.mode.coordinates = "asymmetric";
    node.mode.nearest = "simple";
    node.scale_input = 1;
  } else {
    node.mode.coordinates = attributes.get_string("coordinate_transformation_mode", "half_pixel");
    node.mode.nearest = attributes.get_string("nearest_mode", "round_prefer_floor");
    node.mode.cubic_coefficient =
        static_cast<double>(attributes.get_float("cubic_coeff_a", -0.75f));
    node.mode.antialias = attributes.get_int("antialias", 0) != 0 && node.mode.mode != "nearest";
    node.mode.exclude_outside = attributes.get_int("exclude_outside", 0) != 0;
    node.extrapolation_value = attributes.get_float("extrapolation_value", 0);
    node.axes = attributes.get_ints("axes");
    node.aspect_ratio_policy = attributes.get_string("keep_aspect_ratio_policy", "stretch");
    node.roi = first;
    node.scale_input = first + 1;
    node.sizes = first + 2;
  }
  return node;
}

}  // namespace q8

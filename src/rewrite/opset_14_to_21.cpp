#include <algorithm>

#include "rewrite/opset_step.h"

namespace q8 {
namespace {

// Training mode was a matter of the number of outputs, and is an attribute since.
void refuse_training(const Step& step) {
  for (std::size_t i = 1; i < step.node().outputs.size(); ++i)
    if (step.node().outputs[i] != kNoValue) refuse(step, "it is in training mode");
  step.node().outputs.resize(1);
}

// Coordinates are shifted by half a pixel by default since.
void keep_roi_coordinates(const Step& step) {
  step.attributes().set("coordinate_transformation_mode", std::string("output_half_pixel"));
}

// Reductions, as ReduceSum did in opset 13.
void reduce_axes_to_input(const Step& step) {
  move_ints(step, "axes", 1);
}

// Equal parts were what a missing list of sizes meant; now their number has to be said.
void say_number_of_parts(const Step& step) {
  if (step.node().input(1) != kNoValue) return;
  step.node().inputs.resize(1);
  step.attributes().set("num_outputs", static_cast<std::int64_t>(step.node().outputs.size()));
}

// Of `scales` and `sizes` only one may stand there; an empty list of scales is one too many.
void drop_empty_scales(const Step& step) {
  const Tensor* scales = step.graph.constant(step.node().input(2));
  if (scales == nullptr || scales->size() > 0 || step.node().input(3) == kNoValue) return;
  step.node().inputs[2] = kNoValue;
}

void dft_axis_to_input(const Step& step) {
  const std::int64_t axis = step.attributes().get_int("axis", 1);
  step.attributes().erase("axis");
  step.set_input(2, Tensor::scalar(axis));
}

void rename_sampling_modes(const Step& step) {
  const std::string mode = step.attributes().get_string("mode", "bilinear");
  if (mode == "bilinear") step.attributes().set("mode", std::string("linear"));
  if (mode == "bicubic") step.attributes().set("mode", std::string("cubic"));
}

// Scale and bias are one value a channel since, not one a group.
void spread_groups(const Step& step) {
  const auto& dims = step.graph.value(step.node().inputs[0]).type.dims;
  const std::int64_t groups = step.attributes().need_int("num_groups");
  if (!dims || dims->size() < 2 || (*dims)[1] < 1 || groups < 1 || (*dims)[1] % groups != 0)
    refuse(step, "the number of its channels is not known");
  const std::int64_t each = (*dims)[1] / groups;
  for (const std::size_t input : {std::size_t{1}, std::size_t{2}}) {
    const Tensor* given = step.graph.constant(step.node().input(input));
    if (given == nullptr || given->size() != groups)
      refuse(step, "its scale and bias are not constants of one value a group");
    std::vector<float> values;
    for (const float value : given->to_floats())
      values.insert(values.end(), static_cast<std::size_t>(each), value);
    const DType dtype = given->dtype();
    step.set_input(input, cast(Tensor::of<float>(Shape{groups * each}, values), dtype));
  }
}

// Only changes of meaning or form; versions that merely take more types are not listed.
constexpr Conversion kConversions[] = {
    {"BatchNormalization", 14, refuse_training},
    {"RoiAlign", 16, keep_roi_coordinates},
    {"ReduceMax", 18, reduce_axes_to_input},
    {"ReduceMin", 18, reduce_axes_to_input},
    {"ReduceMean", 18, reduce_axes_to_input},
    {"ReduceProd", 18, reduce_axes_to_input},
    {"ReduceL1", 18, reduce_axes_to_input},
    {"ReduceL2", 18, reduce_axes_to_input},
    {"ReduceLogSum", 18, reduce_axes_to_input},
    {"ReduceLogSumExp", 18, reduce_axes_to_input},
    {"ReduceSumSquare", 18, reduce_axes_to_input},
    {"Split", 18, say_number_of_parts},
    {"Resize", 18, drop_empty_scales},
    {"DFT", 20, dft_axis_to_input},
    {"GridSample", 20, rename_sampling_modes},
    {"GroupNormalization", 21, spread_groups},
};

}  // namespace

std::span<const Conversion> newer_conversions() {
  return kConversions;
}

}  // namespace q8

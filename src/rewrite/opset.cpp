#include "rewrite/opset.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include "graph/bodies.h"
#include "rewrite/opset_step.h"

namespace q8 {
namespace {

void axes_to_input(const Step& step) {
  move_ints(step, "axes", 1);
}
void split_to_input(const Step& step) {
  move_ints(step, "split", 1);
}

void clip_bounds_to_inputs(const Step& step) {
  for (const auto& [name, position] : {std::pair("min", 1), std::pair("max", 2)}) {
    if (!step.attributes().has(name)) continue;
    const float bound = step.attributes().get_float(name, 0);
    step.attributes().erase(name);
    step.set_input(static_cast<std::size_t>(position), Tensor::scalar(bound));
  }
}

void pad_to_inputs(const Step& step) {
  move_ints(step, "pads", 1);
  const float value = step.attributes().get_float("value", 0);
  step.attributes().erase("value");
  if (value != 0) step.set_input(2, Tensor::scalar(value));
}

void slice_to_inputs(const Step& step) {
  move_ints(step, "starts", 1);
  move_ints(step, "ends", 2);
  move_ints(step, "axes", 3);
}

void top_k_to_input(const Step& step) {
  if (!step.attributes().has("k")) return;
  const std::int64_t k = step.attributes().need_int("k");
  step.attributes().erase("k");
  step.set_input(1, Tensor::of_int64(std::span(&k, 1)));
}

void drop_dropout_ratio(const Step& step) {
  step.attributes().erase("ratio");
}

void drop_spatial(const Step& step) {
  if (step.attributes().get_int("spatial", 1) != 1) refuse(step, "spatial=0");
  step.attributes().erase("spatial");
}

void scatter_renamed(const Step& step) {
  step.node().op_type = "ScatterElements";
}

void upsample_scales_to_input(const Step& step) {
  if (!step.attributes().has("scales")) return;
  const auto scales = step.attributes().get_floats("scales");
  step.attributes().erase("scales");
  step.set_input(1, Tensor::of<float>(Shape{static_cast<std::int64_t>(scales.size())}, scales));
}

void upsample_to_resize(const Step& step) {
  step.node().op_type = "Resize";
}

// Resize-10 took (x, scales); what it computed is "asymmetric" in the words of Resize-11, with the
// nearest pixel below where it enlarges and above where it shrinks.
void resize_with_roi(const Step& step) {
  Node& node = step.node();
  const std::string mode = step.attributes().get_string("mode", "nearest");
  const Tensor* scales = step.graph.constant(node.input(1));
  if (mode == "nearest") {
    bool grows = false, shrinks = false;
    for (const float scale : scales != nullptr ? scales->to_floats() : std::vector<float>{1.0f}) {
      grows |= scale > 1;
      shrinks |= scale < 1;
    }
    if (grows && shrinks) refuse(step, "it enlarges one axis and shrinks another");
    step.attributes().set("nearest_mode", std::string(shrinks ? "ceil" : "floor"));
  }
  step.attributes().set("coordinate_transformation_mode", std::string("asymmetric"));
  const ValueId scales_id = node.input(1);
  node.inputs.resize(3, kNoValue);
  node.inputs[1] = kNoValue;
  node.inputs[2] = scales_id;
}

// Before opset 13 these worked on the input flattened to two dimensions at `axis` (default 1), now
// on one axis (default −1). The same where at most that axis is longer than 1 from there on.
void unflatten(const Step& step) {
  const std::int64_t axis = step.attributes().get_int("axis", 1);
  const auto& dims = step.graph.value(step.node().inputs[0]).type.dims;
  if (axis == -1) return step.attributes().set("axis", std::int64_t{-1});
  if (dims) {
    const auto rank = static_cast<std::int64_t>(dims->size());
    const std::int64_t from = axis < 0 ? axis + rank : axis;
    if (std::all_of(dims->begin() + std::min(from + 1, rank), dims->end(),
                    [](std::int64_t dim) { return dim == 1; }))
      return step.attributes().set("axis", from);
  }
  // Flatten, compute on the last axis, and take the input's shape again.
  Graph& graph = step.graph;
  const std::string name = step.node().name;
  const ValueId input = step.node().inputs[0], output = step.node().outputs[0];
  const ValueId shape = graph.add_value(name + "_shape"), flat = graph.add_value(name + "_flat"),
                result = graph.add_value(name + "_rows");
  step.attributes().set("axis", std::int64_t{-1});
  step.node().inputs[0] = flat;
  step.node().outputs[0] = result;
  Node flatten{.name = name + "_flatten",
               .domain = "",
               .op_type = "Flatten",
               .inputs = {input},
               .outputs = {flat},
               .attributes = {},
               .doc = ""};
  flatten.attributes.set("axis", axis);
  graph.add_node({.name = name + "_shape",
                  .domain = "",
                  .op_type = "Shape",
                  .inputs = {input},
                  .outputs = {shape},
                  .attributes = {},
                  .doc = ""});
  graph.add_node(std::move(flatten));
  graph.add_node({.name = name + "_unflatten",
                  .domain = "",
                  .op_type = "Reshape",
                  .inputs = {result, shape},
                  .outputs = {output},
                  .attributes = {},
                  .doc = ""});
}

// Loops change their state's shape rules in opset 9.
void refuse_scan(const Step& step) {
  refuse(step, "Scan of opset 8 has another signature");
}

// Only changes of meaning or form; versions that merely take more types are not listed.
constexpr Conversion kConversions[] = {
    {"BatchNormalization", 9, drop_spatial},
    {"Scan", 9, refuse_scan},
    {"Upsample", 9, upsample_scales_to_input},
    {"Upsample", 10, upsample_to_resize},
    {"Slice", 10, slice_to_inputs},
    {"TopK", 10, top_k_to_input},
    {"Clip", 11, clip_bounds_to_inputs},
    {"Pad", 11, pad_to_inputs},
    {"Resize", 11, resize_with_roi},
    {"Scatter", 11, scatter_renamed},
    {"Dropout", 12, drop_dropout_ratio},
    {"Softmax", 13, unflatten},
    {"LogSoftmax", 13, unflatten},
    {"Hardmax", 13, unflatten},
    {"Squeeze", 13, axes_to_input},
    {"Unsqueeze", 13, axes_to_input},
    {"ReduceSum", 13, axes_to_input},
    {"Split", 13, split_to_input},
};

void raise_one(Graph& graph, std::int64_t version) {
  const NodeId count = graph.node_count();  // nodes that conversions add are new already
  const std::span<const Conversion> rows =
      version <= kQdqOpset ? std::span<const Conversion>(kConversions) : newer_conversions();
  for (NodeId id = 0; id < count; ++id)
    for (const Conversion& row : rows)
      if (row.since == version && graph.node(id).is(row.op_type)) row.convert({graph, id});
}

void raise_graph(Graph& graph, std::int64_t from, std::int64_t to) {
  for (std::int64_t version = from + 1; version <= to; ++version) raise_one(graph, version);
  for (NodeId id = 0; id < graph.node_count(); ++id)
    edit_bodies(graph.node(id), [&](Graph& body) { raise_graph(body, from, to); });
  graph.opsets[""] = to;
  graph.tidy();
}

}  // namespace

void raise_opset(Graph& graph, std::int64_t version) {
  Q8_ASSERT(version <= kNewestOpset);
  const std::int64_t from = graph.opset();
  if (from >= version) return;
  if (from < kOldestOpset)
    throw unsupported("models of opset " + std::to_string(from) + " cannot be converted to " +
                      std::to_string(version) + ": the oldest is " + std::to_string(kOldestOpset));
  raise_graph(graph, from, version);
}

}  // namespace q8

#include "exec/token_mask.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "q8/nearest_name.h"

namespace q8 {
namespace {

std::vector<std::int64_t> first_indices(std::int64_t count) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

// The shapes of all values that the session shows, in their physical order.
std::map<ValueId, Shape> shapes_of_run(const Session& session, std::span<const Tensor> inputs) {
  std::map<ValueId, Shape> shapes;
  session.run(inputs, [&](const Produced& produced) {
    shapes.insert_or_assign(produced.value, produced.tensor.shape());
  });
  return shapes;
}

}  // namespace

Tensor take_along(const Tensor& tensor, std::int64_t axis, std::span<const std::int64_t> indices) {
  std::vector<std::int64_t> dims;
  for (std::int64_t i = 0; i < tensor.rank(); ++i)
    dims.push_back(i == axis ? std::ssize(indices) : tensor.shape()[i]);
  Tensor taken(tensor.dtype(), Shape(dims));
  const auto run = static_cast<std::size_t>(tensor.shape().count(axis + 1, tensor.rank())) *
                   dtype_size(tensor.dtype());
  const std::size_t row = run * static_cast<std::size_t>(tensor.shape()[axis]);
  std::byte* to = taken.mutable_bytes();
  for (std::int64_t outer = 0; outer < tensor.shape().count(0, axis); ++outer)
    for (const std::int64_t index : indices) {
      if (run == 0) continue;
      std::memcpy(to,
                  tensor.bytes() + static_cast<std::size_t>(outer) * row +
                      run * static_cast<std::size_t>(index),
                  run);
      to += run;
    }
  return taken;
}

TokenMask::TokenMask(const Graph& graph, std::string_view input) : graph_(graph) {
  if (input.empty()) return;
  std::vector<std::string_view> names;
  for (const ValueId id : graph.inputs()) names.push_back(graph.value(id).name);
  const auto it = std::ranges::find(names, input);
  if (it == names.end())
    throw bad_input("--mask " + std::string(input) +
                    ": the model has no such input; the nearest is '" +
                    std::string(names.empty() ? "" : nearest_name(input, names)) + "'");
  input_ = static_cast<std::size_t>(it - names.begin());
  const TypeInfo& type = graph.value(graph.inputs()[*input_]).type;
  const bool is_flag = !type.dtype || is_integer(*type.dtype) || *type.dtype == DType::kBool;
  const bool fits = !type.dims || type.dims->size() == 1 || type.dims->size() == 2;
  if (!is_flag || !fits)
    throw bad_input("--mask " + std::string(input) +
                    ": a mask is integers or bools, [batch, sequence] or [sequence]");
}

// Every input axis that the model calls by the sequence's name, and the mask's own.
std::vector<Tensor> TokenMask::shortened(std::span<const Tensor> inputs) const {
  const TypeInfo& mask = graph_.value(graph_.inputs()[*input_]).type;
  const std::string name = mask.dim_names.empty() ? "" : mask.dim_names.back();
  const std::vector<std::int64_t> kept = first_indices(length_ - 1);
  std::vector<Tensor> shorter(inputs.begin(), inputs.end());
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    const std::vector<std::string>& names = graph_.value(graph_.inputs()[i]).type.dim_names;
    for (std::int64_t axis = 0; axis < inputs[i].rank(); ++axis) {
      const auto a = static_cast<std::size_t>(axis);
      const bool same_name = !name.empty() && a < names.size() && names[a] == name;
      const bool is_mask = i == *input_ && axis == inputs[i].rank() - 1;
      if ((same_name || is_mask) && shorter[i].shape()[axis] == length_)
        shorter[i] = take_along(shorter[i], axis, kept);
    }
  }
  return shorter;
}

void TokenMask::find_axes_by_size(const Session& session, std::span<const Tensor> inputs) {
  for (const auto& [value, shape] : shapes_of_run(session, inputs))
    for (std::int64_t axis = 1; axis < shape.rank(); ++axis)
      if (shape[axis] == length_) axes_[value].push_back({.position = axis, .holds_batch = false});
}

void TokenMask::find_axes(const Session& session, std::span<const Tensor> inputs) {
  std::map<ValueId, Shape> shorter;
  try {
    shorter = shapes_of_run(session, shortened(inputs));
  } catch (const Error&) {  // the sequence is of a fixed length
    return find_axes_by_size(session, inputs);
  }
  for (const auto& [value, shape] : shapes_of_run(session, inputs)) {
    const auto it = shorter.find(value);
    if (it == shorter.end() || it->second.rank() != shape.rank()) continue;
    for (std::int64_t axis = 0; axis < shape.rank(); ++axis) {
      const std::int64_t before = shape[axis], lost = before - it->second[axis];
      if (before == length_ && lost == 1)
        axes_[value].push_back({.position = axis, .holds_batch = false});
      else if (before == batch_ * length_ && lost == batch_)
        axes_[value].push_back({.position = axis, .holds_batch = true});
    }
  }
}

void TokenMask::begin_sample(const Session& session, std::span<const Tensor> inputs) {
  begin_sample(inputs);
  if (!input_ || axes_known_ || length_ < 2) return;
  find_axes(session, inputs);
  axes_known_ = true;
}

void TokenMask::begin_sample(std::span<const Tensor> inputs) {
  if (!input_) return;
  const Tensor& mask = inputs[*input_];
  if (mask.rank() < 1 || mask.rank() > 2)
    throw bad_input("the mask '" + graph_.value(graph_.inputs()[*input_]).name + "' is " +
                    mask.str() + ", not [batch, sequence] or [sequence]");
  batch_ = mask.rank() == 2 ? mask.shape()[0] : 1;
  length_ = mask.shape()[mask.rank() - 1];
  kept_.clear();
  for (const std::int64_t flag : cast(mask, DType::kS64).to_int64s()) kept_.push_back(flag != 0);
  all_kept_ = std::ranges::find(kept_, false) == kept_.end();
}

bool TokenMask::covers(ValueId value) const {
  return !all_kept_ && axes_.contains(value);
}

std::vector<Tensor> TokenMask::unmasked(ValueId value, const Tensor& tensor) const {
  if (!covers(value)) return {tensor};
  const std::vector<Axis>& axes = axes_.at(value);
  if (axes.back().position >= tensor.rank()) return {tensor};
  const auto indices_from = [&](std::int64_t first, std::int64_t count) {
    std::vector<std::int64_t> indices;
    for (std::int64_t i = 0; i < count; ++i)
      if (kept_[static_cast<std::size_t>(first + i)]) indices.push_back(i);
    return indices;
  };
  const auto reduced = [&](Tensor part, std::int64_t item) {
    for (const Axis& axis : axes) {
      const std::int64_t size = part.shape()[axis.position];
      if (axis.holds_batch && size == batch_ * length_)
        part = take_along(part, axis.position, indices_from(0, size));
      else if (size == length_)
        part = take_along(part, axis.position, indices_from(item * length_, length_));
    }
    return part;
  };
  // Items of a batch stand along the first axis, unless the sequence does.
  const bool has_items =
      batch_ > 1 && tensor.rank() > 0 && tensor.shape()[0] == batch_ && axes.front().position > 0;
  if (!has_items && batch_ > 1 && !axes.front().holds_batch) return {tensor};
  std::vector<Tensor> parts;
  for (std::int64_t item = 0; item < (has_items ? batch_ : 1); ++item) {
    const std::int64_t index[] = {item};
    parts.push_back(reduced(has_items ? take_along(tensor, 0, index) : tensor, item));
  }
  return parts;
}

std::vector<std::vector<Tensor>> TokenMask::unmasked_outputs(
    std::span<const Tensor> outputs) const {
  std::vector<std::vector<Tensor>> parts;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    parts.push_back(unmasked(graph_.outputs()[i], outputs[i]));
  return parts;
}

}  // namespace q8

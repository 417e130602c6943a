#include "exec/lowering/fuse_focus.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>

#include "exec/lowering/lone_readers.h"

namespace q8 {
namespace {

constexpr std::int64_t kStep = 2;

// Every second line and column of an image, from these on.
struct Grid {
  ValueId image;
  std::array<std::int64_t, 2> first;  // line, column
};

class Fuser {
 public:
  Fuser(Graph& graph, const std::vector<ValueId>& keep) : graph_(graph), readers_(graph, keep) {}

  bool fuse(Node& conv) {
    const ValueId joined = conv.input(0);
    const std::size_t w = is_conv_of_bytes(conv) ? 3 : 1;
    if (!fits(conv, w) || readers_.of(joined) == kNoNode) return false;
    const auto grids = grids_joined(joined);
    if (!grids || !has_even_size((*grids)[0].image)) return false;
    const Tensor weights = *graph_.constant(conv.inputs[w]);  // a new value moves the old ones
    if (weights.shape()[1] % 4 != 0) return false;
    conv.inputs[0] = (*grids)[0].image;
    conv.inputs[w] = graph_.add_constant(graph_.value(conv.inputs[w]).name + "_unfocused",
                                         weights_of_image(weights, *grids));
    double_all(conv, "kernel_shape", {weights.shape()[2], weights.shape()[3]});
    double_all(conv, "strides", {1, 1});
    double_all(conv, "pads", {0, 0, 0, 0});
    return true;
  }

 private:
  static bool is_conv_of_bytes(const Node& node) {
    return node.domain == "q8" && node.op_type == "QLinearConv";
  }

  // w: the input that has the weights.
  bool fits(const Node& node, std::size_t w) const {
    const Tensor* weights = graph_.constant(node.input(w));
    const std::vector<std::int64_t> dilations = node.attributes.get_ints("dilations");
    const bool is_known = node.is("Conv") ? weights != nullptr && weights->dtype() == DType::kF32
                                          : weights != nullptr && is_conv_of_bytes(node);
    return is_known && weights->rank() == 4 && node.attributes.get_int("group", 1) == 1 &&
           node.attributes.get_string("auto_pad", "NOTSET") == "NOTSET" &&
           std::ranges::all_of(dilations, [](std::int64_t d) { return d == 1; });
  }

  bool has_even_size(ValueId image) const {
    const NodeId maker = readers_.producer(image);
    const bool is_quantized = maker != kNoNode && graph_.node(maker).is("QuantizeLinear");
    const auto& dims = graph_.value(is_quantized ? graph_.node(maker).inputs[0] : image).type.dims;
    return dims && dims->size() == 4 && (*dims)[2] > 0 && (*dims)[2] % kStep == 0 &&
           (*dims)[3] > 0 && (*dims)[3] % kStep == 0;
  }

  // All four of one image.
  std::optional<std::array<Grid, 4>> grids_joined(ValueId value) const {
    const NodeId id = readers_.producer(value);
    if (id == kNoNode || !graph_.node(id).is("Concat") || graph_.node(id).inputs.size() != 4 ||
        graph_.node(id).attributes.get_int("axis", 0) != 1)
      return std::nullopt;
    std::array<Grid, 4> grids;
    std::array<bool, 4> found{};
    for (std::size_t i = 0; i < 4; ++i) {
      const auto grid = grid_of(graph_.node(id).inputs[i]);
      if (!grid || (i > 0 && grid->image != grids[0].image)) return std::nullopt;
      grids[i] = *grid;
      found[static_cast<std::size_t>(kStep * grid->first[0] + grid->first[1])] = true;
    }
    return std::ranges::all_of(found, [](bool is) { return is; }) ? std::optional(grids)
                                                                  : std::nullopt;
  }

  // By one Slice of both axes or two of one each.
  std::optional<Grid> grid_of(ValueId value) const {
    Grid grid{value, {-1, -1}};
    while (grid.first[0] < 0 || grid.first[1] < 0) {
      const NodeId id = readers_.producer(grid.image);
      if (id == kNoNode || !graph_.node(id).is("Slice") || !take(graph_.node(id), grid))
        return std::nullopt;
    }
    return grid;
  }

  bool take(const Node& slice, Grid& grid) const {
    const auto numbers = [&](std::size_t input) -> std::span<const std::int64_t> {
      const Tensor* tensor = graph_.constant(slice.input(input));
      if (tensor == nullptr || tensor->dtype() != DType::kS64) return {};
      return {tensor->data<std::int64_t>(), static_cast<std::size_t>(tensor->size())};
    };
    const auto starts = numbers(1), ends = numbers(2), axes = numbers(3), steps = numbers(4);
    if (starts.empty() || ends.size() != starts.size() || axes.size() != starts.size() ||
        steps.size() != starts.size())
      return false;
    for (std::size_t i = 0; i < starts.size(); ++i) {
      if (axes[i] < 2 || axes[i] > 3 || steps[i] != kStep || starts[i] < 0 || starts[i] >= kStep ||
          ends[i] < kWhole)
        return false;
      std::int64_t& first = grid.first[static_cast<std::size_t>(axes[i] - 2)];
      if (first >= 0) return false;
      first = starts[i];
    }
    grid.image = slice.inputs[0];
    return true;
  }

  static void double_all(Node& conv, const char* name, std::vector<std::int64_t> values) {
    if (const auto given = conv.attributes.get_ints(name); !given.empty()) values = given;
    for (std::int64_t& value : values) value *= kStep;
    conv.attributes.set(name, values);
  }

  // The four weights of a tap, side by side as their pixels are in the image.
  static Tensor weights_of_image(const Tensor& weights, const std::array<Grid, 4>& grids) {
    const Shape& s = weights.shape();
    const std::int64_t channels = s[1] / 4, wide = kStep * s[3];
    Tensor turned(weights.dtype(), {s[0], channels, kStep * s[2], wide});
    const std::size_t size = dtype_size(weights.dtype());
    const std::byte* in = weights.bytes();
    for (std::int64_t o = 0; o < s[0]; ++o)
      for (std::int64_t c = 0; c < s[1]; ++c) {
        const auto& first = grids[static_cast<std::size_t>(c / channels)].first;
        const std::int64_t plane = (o * channels + c % channels) * kStep * s[2] * wide;
        for (std::int64_t y = 0; y < s[2]; ++y)
          for (std::int64_t x = 0; x < s[3]; ++x, in += size) {
            const std::int64_t to = plane + (kStep * y + first[0]) * wide + kStep * x + first[1];
            std::memcpy(turned.mutable_bytes() + static_cast<std::size_t>(to) * size, in, size);
          }
      }
    return turned;
  }

  // An end that no image reaches: exporters write the largest number.
  static constexpr std::int64_t kWhole = std::int64_t{1} << 30;

  Graph& graph_;
  const LoneReaders readers_;
};

}  // namespace

int fuse_focus(Graph& graph, const std::vector<ValueId>& keep) {
  int changed = 0;
  {
    Fuser fuser(graph, keep);
    for (NodeId id = 0; id < graph.node_count(); ++id)
      changed += fuser.fuse(graph.node(id)) ? 1 : 0;
  }
  if (changed > 0) graph.tidy(keep);
  return changed;
}

}  // namespace q8

#include "ops/families.h"
#include "ops/operator.h"
#include "ops/permute.h"

namespace q8 {
namespace {

// Both operators split [N, C, H, W] into six axes, permute them and join them again.

const Shape& need_image(const Tensor& x) {
  if (x.rank() != 4) throw bad_input("expected [N, C, H, W], found " + x.str());
  return x.shape();
}

void permute_split(RunContext& run, const Shape& split, std::span<const std::int64_t> order,
                   Shape joined) {
  const Tensor x = run.input(0).reshaped(split);
  std::vector<std::int64_t> dims;
  for (const std::int64_t axis : order) dims.push_back(split[axis]);
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  permute(x, order, y, run.threads);
  run.set_output(0, y.reshaped(std::move(joined)));
}

std::int64_t block_size(const NodeContext& node) {
  const std::int64_t size = node.attributes().need_int("blocksize");
  if (size < 1) throw bad_input("attribute blocksize=" + std::to_string(size) + " is below 1");
  return size;
}

OpFunction make_depth_to_space(const NodeContext& node) {
  const std::int64_t b = block_size(node);
  const std::string mode = node.attributes().get_string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    throw bad_input("attribute mode of DepthToSpace must be DCR or CRD, found '" + mode + "'");
  const bool channel_first = mode == "CRD";
  return [=](RunContext& run) {
    const Shape& s = need_image(run.input(0));
    if (s[1] % (b * b) != 0)
      throw bad_input("blocksize " + std::to_string(b) + " does not fit " + run.input(0).str());
    const std::int64_t depth = s[1] / (b * b);
    const Shape joined{s[0], depth, s[2] * b, s[3] * b};
    constexpr std::int64_t kDepthLast[] = {0, 3, 4, 1, 5, 2}, kDepthFirst[] = {0, 1, 4, 2, 5, 3};
    if (channel_first)
      permute_split(run, Shape{s[0], depth, b, b, s[2], s[3]}, kDepthFirst, joined);
    else
      permute_split(run, Shape{s[0], b, b, depth, s[2], s[3]}, kDepthLast, joined);
  };
}

OpFunction make_space_to_depth(const NodeContext& node) {
  const std::int64_t b = block_size(node);
  return [b](RunContext& run) {
    const Shape& s = need_image(run.input(0));
    if (s[2] % b != 0 || s[3] % b != 0)
      throw bad_input("blocksize " + std::to_string(b) + " does not fit " + run.input(0).str());
    constexpr std::int64_t kOrder[] = {0, 3, 5, 1, 2, 4};
    permute_split(run, Shape{s[0], s[1], s[2] / b, b, s[3] / b, b}, kOrder,
                  Shape{s[0], s[1] * b * b, s[2] / b, s[3] / b});
  };
}

constexpr OpRow kRows[] = {
    {"", "DepthToSpace", make_depth_to_space, QuantRole::kMoves, false},
    {"", "SpaceToDepth", make_space_to_depth, QuantRole::kMoves, false},
};

}  // namespace

std::span<const OpRow> space_depth_operators() {
  return kRows;
}

}  // namespace q8

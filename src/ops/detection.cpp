#include <algorithm>
#include <limits>

#include "ops/families.h"

namespace q8 {
namespace {

// A box by its lower and upper corner.
struct Box {
  float y0, x0, y1, x1;
  float area() const { return (y1 - y0) * (x1 - x0); }
};

// [y1, x1, y2, x2] with the corners in any order, or [x_center, y_center, width, height].
Box make_box(const float* v, bool is_center) {
  if (is_center) return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

float intersection_over_union(const Box& a, const Box& b) {
  const float height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  const float width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  if (height <= 0 || width <= 0 || a.area() <= 0 || b.area() <= 0) return 0;
  return height * width / (a.area() + b.area() - height * width);
}

// The boxes of one class that stay, best score first; equal scores in the order of the boxes.
std::vector<std::int64_t> keep_boxes(const std::vector<Box>& boxes, const float* scores,
                                     std::int64_t most, float least_score, float most_overlap) {
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < boxes.size(); ++i)
    if (scores[i] > least_score) order.push_back(static_cast<std::int64_t>(i));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
  std::vector<std::int64_t> kept;
  for (const std::int64_t i : order) {
    if (static_cast<std::int64_t>(kept.size()) >= most) break;
    const Box& box = boxes[static_cast<std::size_t>(i)];
    const bool overlaps = std::any_of(kept.begin(), kept.end(), [&](std::int64_t k) {
      return intersection_over_union(box, boxes[static_cast<std::size_t>(k)]) > most_overlap;
    });
    if (!overlaps) kept.push_back(i);
  }
  return kept;
}

// boxes [batch, n, 4], scores [batch, classes, n] → int64 [m, 3]: batch, class, box.
OpFunction make_non_max_suppression(const NodeContext& node) {
  const bool is_center = node.attributes().get_int("center_point_box", 0) != 0;
  return [is_center](RunContext& run) {
    const Tensor& boxes = run.input(0);
    const Tensor& scores = run.input(1);
    if (boxes.rank() != 3 || scores.rank() != 3 || boxes.shape()[2] != 4 ||
        boxes.shape()[0] != scores.shape()[0] || boxes.shape()[1] != scores.shape()[2])
      throw bad_input("boxes " + boxes.str() + " and scores " + scores.str() +
                      " are not [batch, n, 4] and [batch, classes, n]");
    const std::int64_t batches = scores.shape()[0], classes = scores.shape()[1],
                       count = scores.shape()[2];
    const std::int64_t most = run.has_input(2) ? run.input(2).to_int64s().at(0) : 0;
    const float most_overlap = run.has_input(3) ? run.input(3).to_floats().at(0) : 0;
    const float least_score =
        run.has_input(4) ? run.input(4).to_floats().at(0) : -std::numeric_limits<float>::infinity();
    std::vector<std::int64_t> selected;
    for (std::int64_t b = 0; b < batches; ++b) {
      std::vector<Box> list;
      for (std::int64_t i = 0; i < count; ++i)
        list.push_back(make_box(boxes.data<float>() + (b * count + i) * 4, is_center));
      for (std::int64_t c = 0; c < classes; ++c)
        for (const std::int64_t i :
             keep_boxes(list, scores.data<float>() + (b * classes + c) * count, most, least_score,
                        most_overlap))
          selected.insert(selected.end(), {b, c, i});
    }
    const auto rows = static_cast<std::int64_t>(selected.size() / 3);
    run.set_output(
        0, Tensor::of<std::int64_t>(Shape{rows, 3}, std::span<const std::int64_t>(selected)));
  };
}

constexpr OpRow kRows[] = {
    {"", "NonMaxSuppression", make_non_max_suppression},
};

}  // namespace

std::span<const OpRow> detection_operators() {
  return kRows;
}

}  // namespace q8

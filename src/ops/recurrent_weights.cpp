#include "ops/recurrent_weights.h"

#include "kernels/kernel_set.h"
#include "ops/quantized/quant_inputs.h"

namespace q8 {

void need_shape(const Tensor& t, const Shape& shape, const char* name) {
  if (t.shape() != shape || t.dtype() != DType::kF32)
    throw bad_input(std::string(name) + " is " + t.str() + ", not float" + shape.str());
}

namespace {

// Biases and peepholes of direction d; B and P may be null.
void add_vectors(Direction& direction, const Cell& cell, std::int64_t d, std::int64_t hidden,
                 const Tensor* b, const Tensor* p) {
  const bool is_gru = cell.kind == CellKind::kGru;
  const std::int64_t wide = cell.gates * hidden;
  if (b != nullptr) need_shape(*b, Shape{cell.directions, 2 * wide}, "B");
  if (p != nullptr) need_shape(*p, Shape{cell.directions, 3 * hidden}, "P");
  direction.bias.assign(static_cast<std::size_t>(wide), 0.0f);
  direction.reset_bias.assign(static_cast<std::size_t>(wide), 0.0f);
  if (b != nullptr) {
    const float* wb = b->data<float>() + d * 2 * wide;
    const float* rb = wb + wide;
    for (std::int64_t i = 0; i < wide; ++i) {
      const bool is_reset = is_gru && cell.linear_before_reset && i >= 2 * hidden;
      direction.bias[static_cast<std::size_t>(i)] = is_reset ? wb[i] : wb[i] + rb[i];
      if (is_reset) direction.reset_bias[static_cast<std::size_t>(i)] = rb[i];
    }
  }
  if (p != nullptr)
    direction.peepholes.assign(p->data<float>() + d * 3 * hidden,
                               p->data<float>() + (d + 1) * 3 * hidden);
}

// A packed factor of one direction of com.microsoft DynamicQuantizeLSTM: [directions, k, 4 ·
// hidden] with a scale for each direction or column, and zero points likewise.
DynamicProduct dynamic_factor(const NodeContext& node, std::size_t weights, std::size_t scale,
                              std::int64_t d, std::int64_t directions) {
  const Tensor *w = node.constant(weights), *s = node.constant(scale);
  if (w == nullptr || s == nullptr || (node.has_input(scale + 1) && !node.constant(scale + 1)))
    throw unsupported("weights that are not constant are not supported");
  need_byte(*w, "the weights");
  if (w->rank() != 3 || w->shape()[0] != directions || s->size() % directions != 0)
    throw bad_input("weights " + w->str() + " with scales " + s->str() + " for " +
                    std::to_string(directions) + " direction(s)");
  const QuantInputs params = quant_inputs(*s, node.constant(scale + 1));
  const std::int64_t k = w->shape()[1], n = w->shape()[2], each = s->size() / directions;
  const auto part = [&](const auto& all) {
    return std::vector(all.begin() + d * each, all.begin() + (d + 1) * each);
  };
  const std::vector<std::int32_t> zero_point = part(params.zero_point);
  return DynamicProduct(node.kernels,
                        {.data = w->bytes() + d * k * n,
                         .is_signed = w->dtype() == DType::kS8,
                         .taps = 1,
                         .k = k,
                         .n = n,
                         .stride_tap = 0,
                         .stride_k = n,
                         .stride_n = 1,
                         .zero_point = zero_point},
                        part(params.scale));
}

}  // namespace

std::vector<Direction> pack_directions(const Cell& cell, const GemmF32Row& row, const Tensor& w,
                                       const Tensor& r, const Tensor* b, const Tensor* p) {
  if (w.rank() != 3 || r.rank() != 3) throw bad_input("W is " + w.str() + ", R is " + r.str());
  const std::int64_t hidden = r.shape()[2], input = w.shape()[2], wide = cell.gates * hidden;
  need_shape(w, Shape{cell.directions, wide, input}, "W");
  need_shape(r, Shape{cell.directions, wide, hidden}, "R");
  const bool resets_first = cell.kind == CellKind::kGru && !cell.linear_before_reset;
  std::vector<Direction> directions;
  for (std::int64_t d = 0; d < cell.directions; ++d) {
    const float* recurrent = r.data<float>() + d * wide * hidden;
    Direction direction;
    direction.input =
        PackedF32(row, matrix_f32(w.data<float>() + d * wide * input, input, wide, input, true));
    const std::int64_t columns = resets_first ? 2 * hidden : wide;
    direction.recurrent = PackedF32(row, matrix_f32(recurrent, hidden, columns, hidden, true));
    if (resets_first)
      direction.candidate =
          PackedF32(row, matrix_f32(recurrent + columns * hidden, hidden, hidden, hidden, true));
    add_vectors(direction, cell, d, hidden, b, p);
    directions.push_back(std::move(direction));
  }
  return directions;
}

std::vector<Direction> dynamic_directions(const Cell& cell, const NodeContext& node) {
  std::vector<Direction> directions;
  for (std::int64_t d = 0; d < cell.directions; ++d) {
    Direction direction;
    direction.dynamic_input = dynamic_factor(node, 1, 8, d, cell.directions);
    direction.dynamic_recurrent = dynamic_factor(node, 2, 10, d, cell.directions);
    const std::int64_t hidden = direction.hidden_size(), wide = cell.gates * hidden;
    if (direction.dynamic_input->n() != wide || direction.dynamic_recurrent->n() != wide)
      throw bad_input("W and R have not " + std::to_string(wide) + " columns");
    add_vectors(direction, cell, d, hidden, node.constant(3), node.constant(7));
    directions.push_back(std::move(direction));
  }
  return directions;
}

}  // namespace q8

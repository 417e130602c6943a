#pragma once

#include <optional>
#include <vector>

#include "kernels/f32/packed.h"
#include "ops/operator.h"
#include "ops/quantized/dynamic_product.h"
#include "ops/recurrent_activation.h"

namespace q8 {

// The weights of one direction, packed.
struct Direction {
  PackedF32 input;      // Wᵀ [input, gates · hidden]
  PackedF32 recurrent;  // Rᵀ [hidden, gates · hidden]
  // GRU without linear_before_reset, where H is reset before its product with the gate h: Rᵀ
  // [hidden, hidden] of that, and `recurrent` has the other two.
  PackedF32 candidate;
  // DynamicQuantizeLSTM has these in place of `input` and `recurrent`.
  std::optional<DynamicProduct> dynamic_input = {}, dynamic_recurrent = {};
  std::vector<float> bias;        // [gates · hidden]: what is added once
  std::vector<float> reset_bias;  // as `bias`, 0 but for linear_before_reset: Rb of the gate h
  std::vector<float> peepholes;   // LSTM: [3 · hidden] for i, o, f; or empty

  std::int64_t input_size() const { return dynamic_input ? dynamic_input->k() : input.k(); }
  std::int64_t hidden_size() const {
    return dynamic_recurrent ? dynamic_recurrent->k() : recurrent.k();
  }
};

enum class CellKind { kRnn, kGru, kLstm };

struct Cell {
  CellKind kind;
  std::int64_t gates, directions;
  bool is_reverse, linear_before_reset, input_forget, batch_first;
  float clip;                              // 0: none
  std::vector<UnaryCallF32> activations;   // for each direction
  std::size_t peephole_input, cell_input;  // LSTM's optional inputs
};

// Throws bad_input where a tensor is not float of that shape.
void need_shape(const Tensor& t, const Shape& shape, const char* name);

// W [directions, gates · hidden, input], R [directions, gates · hidden, hidden], B or null, P or
// null.
std::vector<Direction> pack_directions(const Cell& cell, const GemmF32Row& row, const Tensor& w,
                                       const Tensor& r, const Tensor* b, const Tensor* p);

// Of com.microsoft DynamicQuantizeLSTM: inputs 1 and 2 in bytes, [directions, k, 4 · hidden], with
// W_scale, W_zero_point, R_scale, R_zero_point behind input 7; all constant.
std::vector<Direction> dynamic_directions(const Cell& cell, const NodeContext& node);

}  // namespace q8

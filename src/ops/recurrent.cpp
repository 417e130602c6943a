#include <algorithm>
#include <cstring>
#include <memory>

#include "kernels/gemm_f32.h"
#include "ops/families.h"
#include "ops/permute.h"
#include "ops/recurrent_weights.h"

namespace q8 {
namespace {

// RNN, GRU and LSTM. Formulas and the order of gates: ONNX operator specification. All inputs'
// products with W are one GEMM over the whole sequence; each step adds H·Rᵀ to its rows.

// Sizes of one run.
struct Sizes {
  std::int64_t times, batch, input, hidden;
};

// What one direction works on. h and c are [batch, hidden], gates [batch, gates · hidden].
struct State {
  const Cell& cell;
  const Direction& weights;
  const RecurrentActivation* activations;
  std::int64_t batch, hidden;
  float* gates;
  float* h;
  float* c;
  float* scratch;  // [batch, hidden]; with dynamic products [batch, gates · hidden]
  Threads& threads;
  RunContext& run;

  // gates[:, first …] += state · Rᵀ
  void add_product(const float* state, const PackedF32& packed, std::int64_t first) const {
    const std::int64_t wide = cell.gates * hidden;
    gemm_f32(batch, state, hidden, packed, gates + first, wide,
             {.residual = gates + first, .ld_residual = wide}, threads);
  }
};

// H = f(X·Wᵀ + H·Rᵀ + b)
void step_rnn(const State& s, std::int64_t b) {
  for (std::int64_t i = 0; i < s.hidden; ++i)
    s.h[b * s.hidden + i] = s.activations[0](s.cell.clipped(s.gates[b * s.hidden + i]));
}

// Gates in the order i, o, f, c.
void step_lstm(const State& s, std::int64_t b) {
  const std::int64_t n = s.hidden;
  const float* gate = s.gates + b * 4 * n;
  const float* p = s.weights.peepholes.empty() ? nullptr : s.weights.peepholes.data();
  const RecurrentActivation& f = s.activations[0];
  const RecurrentActivation& g = s.activations[1];
  const RecurrentActivation& h = s.activations[2];
  for (std::int64_t i = 0; i < n; ++i) {
    float& c = s.c[b * n + i];
    const auto peep = [&](std::int64_t which, float state) {
      return p == nullptr ? 0.0f : p[which * n + i] * state;
    };
    const float in = f(s.cell.clipped(gate[i] + peep(0, c)));
    const float forget =
        s.cell.input_forget ? 1 - in : f(s.cell.clipped(gate[2 * n + i] + peep(2, c)));
    c = forget * c + in * g(s.cell.clipped(gate[3 * n + i]));
    const float out = f(s.cell.clipped(gate[n + i] + peep(1, c)));
    s.h[b * n + i] = out * h(c);
  }
}

// Gates in the order z, r, h. The products for z and r are in already.
void step_gru(const State& s, const std::vector<bool>& active) {
  const std::int64_t n = s.hidden;
  const RecurrentActivation& f = s.activations[0];
  const RecurrentActivation& g = s.activations[1];
  const auto reset = [&](std::int64_t b, std::int64_t i) {
    return f(s.cell.clipped(s.gates[b * 3 * n + n + i]));
  };
  if (s.cell.linear_before_reset) {  // r ⊙ (H·Rᵀ + Rb)
    gemm_f32(s.batch, s.h, n, s.weights.candidate, s.scratch, n,
             {.bias = s.weights.reset_bias.data()}, s.threads);
    for (std::int64_t b = 0; b < s.batch; ++b)
      for (std::int64_t i = 0; i < n; ++i)
        s.gates[b * 3 * n + 2 * n + i] += reset(b, i) * s.scratch[b * n + i];
  } else {  // (r ⊙ H)·Rᵀ
    for (std::int64_t b = 0; b < s.batch; ++b)
      for (std::int64_t i = 0; i < n; ++i) s.scratch[b * n + i] = reset(b, i) * s.h[b * n + i];
    s.add_product(s.scratch, s.weights.candidate, 2 * n);
  }
  for (std::int64_t b = 0; b < s.batch; ++b) {
    if (!active[static_cast<std::size_t>(b)]) continue;
    for (std::int64_t i = 0; i < n; ++i) {
      const float z = f(s.cell.clipped(s.gates[b * 3 * n + i]));
      const float candidate = g(s.cell.clipped(s.gates[b * 3 * n + 2 * n + i]));
      float& h = s.h[b * n + i];
      h = (1 - z) * candidate + z * h;
    }
  }
}

void add_recurrent(const State& s) {
  if (!s.weights.dynamic_recurrent) return s.add_product(s.h, s.weights.recurrent, 0);
  s.weights.dynamic_recurrent->run(s.batch, s.h, {}, s.scratch, s.run);
  for (std::int64_t i = 0; i < s.batch * s.cell.gates * s.hidden; ++i) s.gates[i] += s.scratch[i];
}

void advance(const State& s, const std::vector<bool>& active) {
  add_recurrent(s);
  if (s.cell.kind == CellKind::kGru) return step_gru(s, active);
  for (std::int64_t b = 0; b < s.batch; ++b) {
    if (!active[static_cast<std::size_t>(b)]) continue;
    if (s.cell.kind == CellKind::kRnn)
      step_rnn(s, b);
    else
      step_lstm(s, b);
  }
}

// Runs direction d: x [times, batch, input] → y [times, directions, batch, hidden]; h and c of the
// direction are the initial states and become the last ones.
void run_direction(const State& s, const Sizes& sizes, std::int64_t d, bool backwards,
                   const Tensor& x, const std::vector<std::int64_t>& lengths, float* y,
                   RunContext& run) {
  const std::int64_t wide = s.cell.gates * s.hidden, batch = sizes.batch, hidden = s.hidden;
  Tensor projected(DType::kF32, Shape{sizes.times * batch, wide}, run.allocator);
  if (s.weights.dynamic_input)
    s.weights.dynamic_input->run(sizes.times * batch, x.data<float>(), s.weights.bias,
                                 projected.mutable_data<float>(), run);
  else
    gemm_f32(sizes.times * batch, x.data<float>(), sizes.input, s.weights.input,
             projected.mutable_data<float>(), wide, {.bias = s.weights.bias.data()}, run.threads);
  std::vector<bool> active(static_cast<std::size_t>(batch));
  for (std::int64_t step = 0; step < sizes.times; ++step) {
    const auto time = [&](std::int64_t b) {  // beyond the item's end: a row to ignore
      const std::int64_t length = lengths[static_cast<std::size_t>(b)];
      return backwards && step < length ? length - 1 - step : step;
    };
    for (std::int64_t b = 0; b < batch; ++b) {
      active[static_cast<std::size_t>(b)] = step < lengths[static_cast<std::size_t>(b)];
      std::copy_n(projected.data<float>() + (time(b) * batch + b) * wide, wide, s.gates + b * wide);
    }
    advance(s, active);
    for (std::int64_t b = 0; b < batch; ++b) {
      float* row = y + ((time(b) * s.cell.directions + d) * batch + b) * hidden;
      if (active[static_cast<std::size_t>(b)])
        std::copy_n(s.h + b * hidden, hidden, row);
      else
        std::fill_n(row, hidden, 0.0f);
    }
  }
}

Tensor reordered(const Tensor& x, std::initializer_list<std::int64_t> order, RunContext& run) {
  std::vector<std::int64_t> dims;
  for (const std::int64_t axis : order) dims.push_back(x.shape()[axis]);
  Tensor y(x.dtype(), Shape(std::move(dims)), run.allocator);
  permute(x, std::span(order.begin(), order.size()), y, run.threads);
  return y;
}

// An initial state [directions, batch, hidden], zeros where the input is left out.
Tensor initial_state(const Cell& cell, RunContext& run, std::size_t input, const Shape& shape) {
  if (input == 0 || !run.has_input(input)) return Tensor::zeros(DType::kF32, shape, run.allocator);
  const Tensor given =
      cell.batch_first ? reordered(run.input(input), {1, 0, 2}, run) : run.input(input);
  need_shape(given, shape, "the initial state");
  Tensor copy(DType::kF32, shape, run.allocator);
  std::memcpy(copy.mutable_bytes(), given.bytes(), given.size_bytes());
  return copy;
}

std::vector<std::int64_t> sequence_lengths(RunContext& run, const Sizes& sizes) {
  if (!run.has_input(4))
    return std::vector<std::int64_t>(static_cast<std::size_t>(sizes.batch), sizes.times);
  std::vector<std::int64_t> lengths = run.input(4).to_int64s();
  for (const std::int64_t length : lengths)
    if (length < 0 || length > sizes.times)
      throw bad_input("sequence length " + std::to_string(length) + " of " +
                      std::to_string(sizes.times) + " steps");
  if (static_cast<std::int64_t>(lengths.size()) != sizes.batch)
    throw bad_input(std::to_string(lengths.size()) + " sequence lengths for a batch of " +
                    std::to_string(sizes.batch));
  return lengths;
}

void run_recurrent(const Cell& cell, const std::vector<Direction>& directions, RunContext& run) {
  const Tensor& given = run.input(0);
  if (given.rank() != 3) throw bad_input("X is " + given.str() + ", not of rank 3");
  const Tensor x = cell.batch_first ? reordered(given, {1, 0, 2}, run) : given;
  const Sizes sizes{.times = x.shape()[0],
                    .batch = x.shape()[1],
                    .input = directions[0].input_size(),
                    .hidden = directions[0].hidden_size()};
  need_shape(x, Shape{sizes.times, sizes.batch, sizes.input}, "X");
  const Shape state_shape{cell.directions, sizes.batch, sizes.hidden};
  Tensor h = initial_state(cell, run, 5, state_shape);
  Tensor c = initial_state(cell, run, cell.cell_input, state_shape);
  Tensor y(DType::kF32, Shape{sizes.times, cell.directions, sizes.batch, sizes.hidden},
           run.allocator);
  Tensor gates(DType::kF32, Shape{sizes.batch, cell.gates * sizes.hidden}, run.allocator);
  const std::int64_t scratch_width = directions[0].dynamic_recurrent ? cell.gates : 1;
  Tensor scratch(DType::kF32, Shape{sizes.batch, scratch_width * sizes.hidden}, run.allocator);
  const auto lengths = sequence_lengths(run, sizes);
  const std::int64_t state_size = sizes.batch * sizes.hidden;
  const std::size_t functions = cell.activations.size() / directions.size();
  for (std::int64_t d = 0; d < cell.directions; ++d) {
    const State state{.cell = cell,
                      .weights = directions[static_cast<std::size_t>(d)],
                      .activations = &cell.activations[static_cast<std::size_t>(d) * functions],
                      .batch = sizes.batch,
                      .hidden = sizes.hidden,
                      .gates = gates.mutable_data<float>(),
                      .h = h.mutable_data<float>() + d * state_size,
                      .c = c.mutable_data<float>() + d * state_size,
                      .scratch = scratch.mutable_data<float>(),
                      .threads = run.threads,
                      .run = run};
    run_direction(state, sizes, d, cell.is_reverse || d == 1, x, lengths, y.mutable_data<float>(),
                  run);
  }
  const Tensor* results[] = {&y, &h, &c};
  for (std::size_t i = 0; i < run.output_count() && i < 3; ++i) {
    if (!cell.batch_first)
      run.set_output(i, *results[i]);
    else if (i == 0)
      run.set_output(i, reordered(y, {2, 0, 1, 3}, run));
    else
      run.set_output(i, reordered(*results[i], {1, 0, 2}, run));
  }
}

template <CellKind kKind>
Cell cell_of(const NodeContext& node) {
  const Attributes& a = node.attributes();
  const std::string direction = a.get_string("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    throw bad_input("direction is '" + direction + "', not forward, reverse or bidirectional");
  const bool is_lstm = kKind == CellKind::kLstm;
  const std::int64_t directions = direction == "bidirectional" ? 2 : 1;
  const std::vector<std::string> defaults =
      is_lstm                   ? std::vector<std::string>{"Sigmoid", "Tanh", "Tanh"}
      : kKind == CellKind::kGru ? std::vector<std::string>{"Sigmoid", "Tanh"}
                                : std::vector<std::string>{"Tanh"};
  return {.kind = kKind,
          .gates = is_lstm                   ? 4
                   : kKind == CellKind::kGru ? 3
                                             : 1,
          .directions = directions,
          .is_reverse = direction == "reverse",
          .linear_before_reset = a.get_int("linear_before_reset", 0) != 0,
          .input_forget = a.get_int("input_forget", 0) != 0,
          .batch_first = a.get_int("layout", 0) != 0,
          .clip = a.get_float("clip", 0),
          .activations = recurrent_activations(node, defaults, directions),
          .peephole_input = is_lstm ? std::size_t{7} : 0,
          .cell_input = is_lstm ? std::size_t{6} : 0};
}

template <CellKind kKind>
OpFunction make_recurrent(const NodeContext& node) {
  const Cell cell = cell_of<kKind>(node);
  const GemmF32Row& row = *node.kernels.gemm_f32;
  const auto optional = [&](std::size_t i) { return i != 0 && node.has_input(i); };
  const bool is_constant =
      node.constant(1) != nullptr && node.constant(2) != nullptr &&
      (!optional(3) || node.constant(3) != nullptr) &&
      (!optional(cell.peephole_input) || node.constant(cell.peephole_input) != nullptr);
  if (is_constant) {
    auto packed = std::make_shared<const std::vector<Direction>>(pack_directions(
        cell, row, *node.constant(1), *node.constant(2), optional(3) ? node.constant(3) : nullptr,
        optional(cell.peephole_input) ? node.constant(cell.peephole_input) : nullptr));
    return [cell, packed](RunContext& run) { run_recurrent(cell, *packed, run); };
  }
  return [cell, &row](RunContext& run) {
    const Tensor* peepholes =
        cell.peephole_input != 0 ? run.optional_input(cell.peephole_input) : nullptr;
    run_recurrent(
        cell,
        pack_directions(cell, row, run.input(1), run.input(2), run.optional_input(3), peepholes),
        run);
  };
}

// Inputs 0 to 7 as of LSTM, the weights [directions, k, 4 · hidden]; W_scale, W_zero_point,
// R_scale, R_zero_point behind them.
OpFunction make_dynamic_lstm(const NodeContext& node) {
  const Cell cell = cell_of<CellKind::kLstm>(node);
  if ((node.has_input(3) && !node.constant(3)) || (node.has_input(7) && !node.constant(7)))
    throw unsupported("biases that are not constant are not supported");
  const auto directions =
      std::make_shared<const std::vector<Direction>>(dynamic_directions(cell, node));
  return [cell, directions](RunContext& run) { run_recurrent(cell, *directions, run); };
}

constexpr OpRow kRows[] = {
    {"", "RNN", make_recurrent<CellKind::kRnn>},
    {"", "GRU", make_recurrent<CellKind::kGru>},
    {"", "LSTM", make_recurrent<CellKind::kLstm>},
    {"com.microsoft", "DynamicQuantizeLSTM", make_dynamic_lstm},
};

}  // namespace

std::span<const OpRow> recurrent_operators() {
  return kRows;
}

}  // namespace q8

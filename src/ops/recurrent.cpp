#include <algorithm>
#include <cstring>
#include <memory>

#include "kernels/f32/gemm.h"
#include "ops/families.h"
#include "ops/permute.h"
#include "ops/recurrent_step.h"
#include "ops/recurrent_weights.h"

namespace q8 {
namespace {

// RNN, GRU and LSTM. All inputs' products with W are one GEMM over the whole sequence; each step
// adds H·Rᵀ to its rows.

// Sizes of one run.
struct Sizes {
  std::int64_t times, batch, input, hidden;
};

// gates [times · batch, gates · hidden] = X·Wᵀ + b
void project(const Cell& cell, const Direction& weights, const Sizes& sizes, const Tensor& x,
             float* gates, RunContext& run) {
  const std::int64_t rows = sizes.times * sizes.batch;
  if (weights.dynamic_input)
    weights.dynamic_input->run(rows, x.data<float>(), weights.bias, gates, run);
  else
    gemm_f32(rows, x.data<float>(), sizes.input, weights.input, gates, cell.gates * sizes.hidden,
             {.bias = weights.bias.data()}, run.threads);
}

// The steps of one direction: gates as `project` leaves them, used up; y [hidden] at each
// y_step · (time · batch · directions) + b · hidden. A sequence that is shorter than the others
// begins later where it is read backwards, and ends sooner where it is read forwards.
void run_steps(const RecurrentState& s, const Sizes& sizes, bool backwards, float* gates,
               const std::vector<std::int64_t>& lengths, float* y) {
  const std::int64_t rows = sizes.batch * s.hidden, wide = s.cell.gates * s.hidden;
  std::vector<bool> active(static_cast<std::size_t>(sizes.batch));
  for (std::int64_t step = 0; step < sizes.times; ++step) {
    const std::int64_t time = backwards ? sizes.times - 1 - step : step;
    for (std::size_t b = 0; b < active.size(); ++b) active[b] = time < lengths[b];
    recurrent_step(s, gates + time * sizes.batch * wide, active);
    float* out = y + time * s.cell.directions * rows;
    for (std::int64_t b = 0; b < sizes.batch; ++b, out += s.hidden)
      if (active[static_cast<std::size_t>(b)])
        std::copy_n(s.h + b * s.hidden, s.hidden, out);
      else
        std::fill_n(out, s.hidden, 0.0f);
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
  const auto lengths = sequence_lengths(run, sizes);
  const std::int64_t wide = cell.gates * sizes.hidden, rows = sizes.times * sizes.batch;
  const std::int64_t state_size = sizes.batch * sizes.hidden;
  const std::int64_t scratch_size = sizes.batch * scratch_columns(cell, directions[0]);
  Tensor gates(DType::kF32, Shape{cell.directions, rows, wide}, run.allocator);
  Tensor scratch(DType::kF32, Shape{cell.directions, scratch_size}, run.allocator);
  float *h_data = h.mutable_data<float>(), *c_data = c.mutable_data<float>();
  float *gate_data = gates.mutable_data<float>(), *scratch_data = scratch.mutable_data<float>();
  float* y_data = y.mutable_data<float>();
  const std::size_t functions = cell.activations.size() / directions.size();
  for (std::int64_t d = 0; d < cell.directions; ++d)
    project(cell, directions[static_cast<std::size_t>(d)], sizes, x, gate_data + d * rows * wide,
            run);
  const auto run_direction = [&](std::int64_t d) {
    const auto index = static_cast<std::size_t>(d);
    run_steps({.cell = cell,
               .weights = directions[index],
               .activations = &cell.activations[index * functions],
               .batch = sizes.batch,
               .hidden = sizes.hidden,
               .h = h_data + d * state_size,
               .c = c_data + d * state_size,
               .scratch = scratch_data + d * scratch_size,
               .threads = run.threads,
               .run = run},
              sizes, cell.is_reverse || d == 1, gate_data + d * rows * wide, lengths,
              y_data + d * state_size);
  };
  // Each direction on a thread of its own, unless the products of one keep more threads busy. A
  // dynamic product allocates, which only one thread may.
  const bool is_apart =
      !directions[0].dynamic_recurrent &&
      (run.threads.count() <= 2 || !shares_products(cell, sizes.batch, sizes.hidden));
  run.threads.parallel_for(cell.directions, is_apart ? 1 : cell.directions,
                           [&](std::int64_t begin, std::int64_t end) {
                             for (std::int64_t d = begin; d < end; ++d) run_direction(d);
                           });
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

#include "ops/recurrent_step.h"

#include <algorithm>

#include "kernels/f32/gemm.h"

namespace q8 {
namespace {

// Formulas and the order of gates: ONNX operator specification. Everything is done to whole lines
// of `hidden` values, so that activations run in vectors.

void activate(const Cell& cell, const UnaryCallF32& activation, float* values, std::int64_t n) {
  if (cell.clip > 0)
    for (std::int64_t i = 0; i < n; ++i) values[i] = std::clamp(values[i], -cell.clip, cell.clip);
  activation(values, n);
}

void add_to(float* sum, const float* values, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] += values[i];
}

void add_products(float* sum, const float* a, const float* b, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) sum[i] += a[i] * b[i];
}

// H = f(X·Wᵀ + H·Rᵀ + b)
void finish_rnn(const RecurrentState& s, float* gate, float* h) {
  activate(s.cell, s.activations[0], gate, s.hidden);
  std::copy_n(gate, s.hidden, h);
}

// Gates in the order i, o, f, c. The output gate's peephole sees the new c.
void finish_lstm(const RecurrentState& s, float* in, float* c, float* h) {
  const std::int64_t n = s.hidden;
  float *out = in + n, *forget = in + 2 * n, *candidate = in + 3 * n;
  const float* peepholes = s.weights.peepholes.empty() ? nullptr : s.weights.peepholes.data();
  if (peepholes != nullptr) {
    add_products(in, peepholes, c, n);
    add_products(forget, peepholes + 2 * n, c, n);
  }
  activate(s.cell, s.activations[0], in, n);
  activate(s.cell, s.activations[1], candidate, n);
  if (s.cell.input_forget)
    for (std::int64_t i = 0; i < n; ++i) forget[i] = 1 - in[i];
  else
    activate(s.cell, s.activations[0], forget, n);
  for (std::int64_t i = 0; i < n; ++i) c[i] = forget[i] * c[i] + in[i] * candidate[i];
  if (peepholes != nullptr) add_products(out, peepholes + n, c, n);
  activate(s.cell, s.activations[0], out, n);
  std::copy_n(c, n, h);
  s.activations[2](h, n);
  for (std::int64_t i = 0; i < n; ++i) h[i] *= out[i];
}

// Gates in the order z, r, h, of which r is used up: H = (1 − z) ⊙ h + z ⊙ H
void finish_gru(const RecurrentState& s, float* update, float* h) {
  const std::int64_t n = s.hidden;
  float* candidate = update + 2 * n;
  activate(s.cell, s.activations[0], update, n);
  activate(s.cell, s.activations[1], candidate, n);
  for (std::int64_t i = 0; i < n; ++i) h[i] = (1 - update[i]) * candidate[i] + update[i] * h[i];
}

// gates[:, first …] += rows · Rᵀ
void add_product(const RecurrentState& s, const float* rows, const PackedF32& packed, float* gates,
                 std::int64_t first, Threads& threads) {
  const std::int64_t wide = s.cell.gates * s.hidden;
  gemm_f32(s.batch, rows, s.hidden, packed, gates + first, wide,
           {.residual = gates + first, .ld_residual = wide}, threads);
}

// What H adds to the gates.
void add_recurrent(const RecurrentState& s, float* gates, Threads& threads) {
  const std::int64_t n = s.hidden, wide = s.cell.gates * n;
  const bool is_gru = s.cell.kind == CellKind::kGru;
  if (s.weights.dynamic_recurrent) {
    s.weights.dynamic_recurrent->run(s.batch, s.h, {}, s.scratch, s.run);
    add_to(gates, s.scratch, s.batch * wide);
  } else if (!is_gru) {
    add_product(s, s.h, s.weights.recurrent, gates, 0, threads);
  } else if (s.cell.linear_before_reset) {  // r ⊙ (H·Rᵀ + Rb)
    gemm_f32(s.batch, s.h, n, s.weights.recurrent, s.scratch, wide,
             {.bias = s.weights.reset_bias.data()}, threads);
    for (std::int64_t b = 0; b < s.batch; ++b) {
      float *gate = gates + b * wide, *reset = gate + n;
      const float* product = s.scratch + b * wide;
      add_to(gate, product, 2 * n);
      activate(s.cell, s.activations[0], reset, n);
      add_products(gate + 2 * n, reset, product + 2 * n, n);
    }
  } else {  // (r ⊙ H)·Rᵀ
    add_product(s, s.h, s.weights.recurrent, gates, 0, threads);
    for (std::int64_t b = 0; b < s.batch; ++b) {
      float *reset = gates + b * wide + n, *product = s.scratch + b * n;
      activate(s.cell, s.activations[0], reset, n);
      for (std::int64_t i = 0; i < n; ++i) product[i] = reset[i] * s.h[b * n + i];
    }
    add_product(s, s.scratch, s.weights.candidate, gates, 2 * n, threads);
  }
}

}  // namespace

std::int64_t scratch_columns(const Cell& cell, const Direction& weights) {
  const bool is_whole = weights.dynamic_recurrent || cell.linear_before_reset;
  return (is_whole ? cell.gates : 1) * weights.hidden_size();
}

bool shares_products(const Cell& cell, std::int64_t batch, std::int64_t hidden) {
  constexpr std::int64_t kFewest = 128 * 1024;  // multiply-adds: some 5 µs
  return batch * cell.gates * hidden * hidden >= kFewest;
}

void recurrent_step(const RecurrentState& s, float* gates, const std::vector<bool>& active) {
  const std::int64_t n = s.hidden;
  Threads one(1);
  Threads& threads = shares_products(s.cell, s.batch, n) ? s.threads : one;
  add_recurrent(s, gates, threads);
  constexpr std::int64_t kGrain = 8 * 1024;  // values that are worth handing to another thread
  const std::int64_t wide = s.cell.gates * n;
  threads.parallel_for(s.batch, kGrain / wide + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      if (!active[static_cast<std::size_t>(b)]) continue;
      float *gate = gates + b * wide, *h = s.h + b * n;
      switch (s.cell.kind) {
        case CellKind::kRnn:
          finish_rnn(s, gate, h);
          break;
        case CellKind::kGru:
          finish_gru(s, gate, h);
          break;
        case CellKind::kLstm:
          finish_lstm(s, gate, s.c + b * n, h);
          break;
      }
    }
  });
}

}  // namespace q8

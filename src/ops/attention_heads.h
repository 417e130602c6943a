#pragma once

#include "ops/operator.h"

namespace q8 {

// What the attention operators have in common: tensors of heads, [batch, heads, sequence, size].

// [batch, sequence, heads·size] as [batch, heads, sequence, size]; four axes stay as they are.
Tensor with_heads(const Tensor& x, std::int64_t heads, RunContext& run);
// The way back: [batch, sequence, heads·size].
Tensor joined_heads(const Tensor& x, RunContext& run);

// past and present joined along the sequence axis; x where there is no past.
Tensor with_past(const Tensor& x, const Tensor* past, RunContext& run);

// C[i] = A[i] · B[i] for every sample and head of A; several heads of A share one of B.
Tensor head_products(RunContext& run, const Tensor& a, const Tensor& b, bool transpose_b);

// given, or 1/√head size where it is 0; q is [batch, heads, sequence, size].
float score_scale(float given, const Tensor& q);

// softcap · tanh(score / softcap) for each of `count` scores.
void cap_scores(float* scores, std::int64_t count, float softcap);

// The operand that is added to scores [batch, heads, rows, keys]: float
// [1 or batch, 1 or heads, rows, keys].
class AddedBias {
 public:
  AddedBias(const Tensor* bias, const Shape& scores);  // throws bad_input where it does not fit
  // The `keys` values of one row, or null where there is no such operand.
  const float* row(std::int64_t batch, std::int64_t head, std::int64_t row) const;

 private:
  const Tensor* bias_;
};

struct ScoreRow {
  std::int64_t batch, head, row;
  float* scores;
};
// Calls function(ScoreRow) for every row of scores [batch, heads, rows, keys], on all threads.
template <typename Function>
void for_each_row(Tensor& scores, Threads& threads, const Function& function) {
  const Shape& s = scores.shape();
  const std::int64_t heads = s[1], rows = s[2], keys = s[3];
  float* values = scores.mutable_data<float>();
  threads.parallel_for(s[0] * heads * rows, 1 + 2048 / (keys + 1),
                       [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t r = begin; r < end; ++r)
                           function(ScoreRow{.batch = r / (heads * rows),
                                             .head = r / rows % heads,
                                             .row = r % rows,
                                             .scores = values + r * keys});
                       });
}

}  // namespace q8

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

}  // namespace q8

#pragma once

#include <span>

#include "ops/operator.h"

namespace q8 {

// Rotary position embedding. Pairs (x1, x2) of a head are turned by the angle of their position:
//   x1' = cos·x1 − sin·x2,  x2' = sin·x1 + cos·x2
// A pair is elements (2i, 2i+1) where interleaved, else (i, i + rotated/2); what is behind the
// `rotated` first elements stays. Formula: ONNX operator RotaryEmbedding.
struct Rotary {
  const Tensor& cosines;  // float [.., rotated/2], one row for each position
  const Tensor& sines;
  std::int64_t rotated;
  bool interleaved;
};

// How vectors of `size` elements lie in memory: [batch, heads, sequence] or [batch, sequence,
// heads].
struct HeadVectors {
  std::int64_t batch, heads, sequence, size;
  bool sequence_last;
};

// positions: [batch · sequence], the row of the caches for each vector. Throws bad_input where the
// caches do not fit or have no such row.
void rotate_heads(const Rotary& rotary, const HeadVectors& vectors,
                  std::span<const std::int64_t> positions, const float* from, float* to,
                  Threads& threads);

}  // namespace q8

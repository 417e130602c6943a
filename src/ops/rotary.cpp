#include "ops/rotary.h"

#include <algorithm>

#include "ops/families.h"

namespace q8 {

void rotate_heads(const Rotary& rotary, const HeadVectors& vectors,
                  std::span<const std::int64_t> positions, const float* from, float* to,
                  Threads& threads) {
  const Tensor &cosines = rotary.cosines, &sines = rotary.sines;
  const std::int64_t size = vectors.size, half = rotary.rotated / 2;
  if (rotary.rotated > size || rotary.rotated % 2 != 0 || cosines.rank() == 0 ||
      cosines.shape() != sines.shape() || cosines.shape().back() != half ||
      cosines.dtype() != DType::kF32 || sines.dtype() != DType::kF32)
    throw bad_input("the caches " + cosines.str() + " and " + sines.str() + " do not fit " +
                    std::to_string(rotary.rotated) + " of " + std::to_string(size) + " elements");
  const std::int64_t cached = cosines.size() / std::max<std::int64_t>(half, 1);
  if (std::ssize(positions) != vectors.batch * vectors.sequence)
    throw bad_input("there are " + std::to_string(positions.size()) + " position_ids for " +
                    std::to_string(vectors.batch * vectors.sequence) + " places");
  for (const std::int64_t position : positions)
    if (position < 0 || position >= cached)
      throw bad_input("position " + std::to_string(position) + " is outside the cache " +
                      cosines.str());
  const std::int64_t heads = vectors.heads, sequence = vectors.sequence;
  threads.parallel_for(
      vectors.batch * heads * sequence, 1 + 16384 / std::max<std::int64_t>(size, 1),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t batch = i / (heads * sequence);
          const std::int64_t place = vectors.sequence_last ? i % sequence : i / heads % sequence;
          const std::int64_t row = positions[static_cast<std::size_t>(batch * sequence + place)];
          const float *x = from + i * size, *c = cosines.data<float>() + row * half,
                      *s = sines.data<float>() + row * half;
          float* y = to + i * size;
          for (std::int64_t j = 0; j < half; ++j) {
            const std::int64_t a = rotary.interleaved ? 2 * j : j;
            const std::int64_t b = rotary.interleaved ? a + 1 : j + half;
            const float x1 = x[a], x2 = x[b];  // from and to may be the same
            y[a] = c[j] * x1 - s[j] * x2;
            y[b] = s[j] * x1 + c[j] * x2;
          }
          if (x != y) std::copy(x + rotary.rotated, x + size, y + rotary.rotated);
        }
      });
}

namespace {

// Where the inputs are. com.microsoft has the positions before the caches, and takes one position
// for a whole batch as where it begins.
struct RotaryInputs {
  std::size_t cosines, sines, positions;
  bool takes_begin;
};
constexpr RotaryInputs kOnnx{1, 2, 3, false}, kMicrosoft{2, 3, 1, true};

// The heads of x, [batch, heads, sequence, size] or [batch, sequence, heads · size]; without a
// number of heads the caches tell the size of one.
HeadVectors vectors_of(const Tensor& x, std::int64_t heads, const Tensor& cosines) {
  const Shape& s = x.shape();
  if (x.rank() == 4) return {s[0], s[1], s[2], s[3], true};
  if (x.rank() == 3 && heads == 0 && cosines.rank() > 0 && cosines.shape().back() > 0)
    heads = s[2] / (2 * cosines.shape().back());
  if (x.rank() != 3 || heads < 1 || s[2] % heads != 0)
    throw bad_input("RotaryEmbedding: " + x.str() + " does not split into " +
                    std::to_string(heads) + " heads");
  return {s[0], heads, s[1], s[2] / heads, false};
}

OpFunction make_rotary(const NodeContext& node, const RotaryInputs& inputs) {
  const bool interleaved = node.attributes().get_int("interleaved", 0) != 0;
  const std::int64_t heads = node.attributes().get_int("num_heads", 0);
  const std::int64_t rotated = node.attributes().get_int("rotary_embedding_dim", 0);
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    if (x.dtype() != DType::kF32) throw unsupported("RotaryEmbedding of " + x.str());
    const Tensor& cosines = run.input(inputs.cosines);
    const HeadVectors vectors = vectors_of(x, heads, cosines);
    const auto places = static_cast<std::size_t>(vectors.batch * vectors.sequence);
    std::vector<std::int64_t> positions;
    if (run.has_input(inputs.positions)) positions = run.input(inputs.positions).to_int64s();
    const bool is_begin = inputs.takes_begin && positions.size() == 1;
    if (positions.empty() || is_begin) {
      // Without positions the caches hold a row for every place of every sample.
      const std::int64_t first = is_begin ? positions[0] : 0;
      positions.resize(places);
      for (std::size_t i = 0; i < places; ++i) {
        const auto place = static_cast<std::int64_t>(i);
        positions[i] = is_begin ? first + place % vectors.sequence : place;
      }
    }
    Tensor& y = run.output(0, x.dtype(), x.shape());
    rotate_heads({.cosines = cosines,
                  .sines = run.input(inputs.sines),
                  .rotated = rotated == 0 ? vectors.size : rotated,
                  .interleaved = interleaved},
                 vectors, positions, x.data<float>(), y.mutable_data<float>(), run.threads);
  };
}

OpFunction make_rotary_embedding(const NodeContext& node) {
  return make_rotary(node, kOnnx);
}
OpFunction make_microsoft_rotary(const NodeContext& node) {
  return make_rotary(node, kMicrosoft);
}

constexpr OpRow kRows[] = {
    {"", "RotaryEmbedding", make_rotary_embedding},
    {"com.microsoft", "RotaryEmbedding", make_microsoft_rotary},
};

}  // namespace

std::span<const OpRow> rotary_operators() {
  return kRows;
}

}  // namespace q8

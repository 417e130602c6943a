#include <cmath>
#include <limits>

#include "kernels/f32/elementwise.h"
#include "ops/attention_heads.h"
#include "ops/families.h"

namespace q8 {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// ONNX Attention: softmax(Q·Kᵀ·scale, capped, + mask) · V, with more heads of Q than of K and V
// where q_heads is a multiple of kv_heads.
struct Attention {
  std::int64_t q_heads, kv_heads;  // 0: not given
  float scale;                     // 0: 1/√head size
  float softcap;
  bool is_causal;
  std::int64_t scores_mode;  // which intermediate result output 3 is
};

// What is added to the scores [batch, heads, rows, columns]: the mask, and −∞ where a query may not
// see a key.
struct Bias {
  const Tensor* mask = nullptr;
  Shape mask_shape;                 // padded with ones in front to four axes
  const Tensor* lengths = nullptr;  // valid keys of each sample
  bool is_causal = false;
  std::int64_t past = 0;

  void add(std::int64_t batch, std::int64_t head, std::int64_t row, float* scores,
           std::int64_t columns) const {
    if (mask != nullptr) {
      const auto at = [&](std::int64_t axis, std::int64_t i) {
        return mask_shape[axis] == 1 ? 0 : i;
      };
      const std::int64_t width = mask_shape[3];
      const std::int64_t first =
          ((at(0, batch) * mask_shape[1] + at(1, head)) * mask_shape[2] + at(2, row)) * width;
      for (std::int64_t j = 0; j < columns; ++j) {
        const std::int64_t i = first + (width == 1 ? 0 : j);
        if (width != 1 && j >= width)
          scores[j] = kMinusInfinity;
        else if (mask->dtype() == DType::kBool)
          scores[j] = mask->data<bool>()[i] ? scores[j] : kMinusInfinity;
        else
          scores[j] += mask->data<float>()[i];
      }
    }
    std::int64_t visible = is_causal ? std::min(columns, past + row + 1) : columns;
    if (lengths != nullptr) visible = std::min(visible, lengths->data<std::int64_t>()[batch]);
    for (std::int64_t j = std::max<std::int64_t>(visible, 0); j < columns; ++j)
      scores[j] = kMinusInfinity;
  }
};

Bias make_bias(RunContext& run, const Attention& node, const Shape& scores) {
  Bias bias;
  bias.is_causal = node.is_causal;
  if (run.has_input(4)) bias.past = run.input(4).shape()[2];
  if (run.has_input(6)) {
    bias.lengths = &run.input(6);
    if (bias.lengths->dtype() != DType::kS64 || bias.lengths->size() != scores[0])
      throw bad_input("nonpad_kv_seqlen " + bias.lengths->str() + " is not int64[batch]");
  }
  if (!run.has_input(3)) return bias;
  bias.mask = &run.input(3);
  if (bias.mask->dtype() != DType::kBool && bias.mask->dtype() != DType::kF32)
    throw unsupported("an attention mask " + bias.mask->str());
  std::vector<std::int64_t> dims(bias.mask->shape().begin(), bias.mask->shape().end());
  while (dims.size() < 4) dims.insert(dims.begin(), 1);
  bias.mask_shape = Shape(std::move(dims));
  for (std::int64_t axis = 0; axis < 4; ++axis) {
    const std::int64_t dim = bias.mask_shape.rank() == 4 ? bias.mask_shape[axis] : 0;
    const bool fits = dim == 1 || dim == scores[axis] || (axis == 3 && dim < scores[3] && dim > 0);
    if (!fits)
      throw bad_input("mask " + bias.mask->str() + " does not broadcast to " + scores.str());
  }
  return bias;
}

void run_attention(RunContext& run, const Attention& node) {
  Tensor q = with_heads(run.input(0), node.q_heads, run);
  const Tensor k =
      with_past(with_heads(run.input(1), node.kv_heads, run), run.optional_input(4), run);
  const Tensor v =
      with_past(with_heads(run.input(2), node.kv_heads, run), run.optional_input(5), run);
  const Shape s = q.shape();
  if (k.shape()[0] != s[0] || v.shape()[0] != s[0] || k.shape()[1] < 1 ||
      v.shape()[1] != k.shape()[1] || s[1] % k.shape()[1] != 0 || k.shape()[2] != v.shape()[2])
    throw bad_input("Q " + q.str() + ", K " + k.str() + " and V " + v.str() +
                    " do not fit each other");
  Tensor scores = head_products(run, q, k, true);
  const Bias bias = make_bias(run, node, scores.shape());
  const float scale = score_scale(node.scale, q);
  const bool wants_scores = run.output_count() > 3;
  float* shown =
      wants_scores ? run.output(3, DType::kF32, scores.shape()).mutable_data<float>() : nullptr;
  const std::int64_t columns = scores.shape()[3];
  float* values = scores.mutable_data<float>();
  for_each_row(scores, run.threads, [&](const ScoreRow& at) {
    float* row = at.scores;
    const auto show = [&](std::int64_t mode) {
      if (shown != nullptr && node.scores_mode == mode)
        std::copy_n(row, columns, shown + (row - values));
    };
    for (std::int64_t i = 0; i < columns; ++i) row[i] *= scale;
    show(0);
    if (node.softcap > 0) cap_scores(row, columns, node.softcap);
    show(1);
    bias.add(at.batch, at.head, at.row, row, columns);
    show(2);
  });
  // A row that is masked throughout has no distribution: NaN.
  softmax_f32(run.kernels, s[0] * s[1] * s[2], columns, values, values, run.threads);
  if (shown != nullptr && node.scores_mode == 3) std::copy_n(values, scores.size(), shown);
  const Tensor y = head_products(run, scores, v, false);
  run.set_output(0, run.input(0).rank() == 3 ? joined_heads(y, run) : y);
  if (run.output_count() > 1) run.set_output(1, k);
  if (run.output_count() > 2) run.set_output(2, v);
}

OpFunction make_attention(const NodeContext& context) {
  const Attributes& attributes = context.attributes();
  const Attention node{.q_heads = attributes.get_int("q_num_heads", 0),
                       .kv_heads = attributes.get_int("kv_num_heads", 0),
                       .scale = attributes.get_float("scale", 0),
                       .softcap = attributes.get_float("softcap", 0),
                       .is_causal = attributes.get_int("is_causal", 0) != 0,
                       .scores_mode = attributes.get_int("qk_matmul_output_mode", 0)};
  return [node](RunContext& run) { run_attention(run, node); };
}

constexpr OpRow kRows[] = {
    {"", "Attention", make_attention, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> attention_operators() {
  return kRows;
}

}  // namespace q8

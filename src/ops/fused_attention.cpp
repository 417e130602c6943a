#include <cmath>
#include <limits>
#include <memory>

#include "kernels/f32/elementwise.h"
#include "kernels/f32/gemm.h"
#include "ops/attention_heads.h"
#include "ops/families.h"
#include "ops/quantized/quant_inputs.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// com.microsoft Attention, QAttention and MultiHeadAttention, which ONNX Runtime's optimizers and
// exporters write. Formulas: ContribOperators.md of ONNX Runtime.

struct FusedAttention {
  std::int64_t heads;
  float scale;         // 0: 1/√head size
  float filter_value;  // what a masked key gets
  bool is_causal;
};

FusedAttention attributes_of(const NodeContext& node) {
  const Attributes& a = node.attributes();
  const FusedAttention attention{.heads = a.get_int("num_heads", 0),
                                 .scale = a.get_float("scale", 0),
                                 .filter_value = a.get_float("mask_filter_value", -10000.0f),
                                 .is_causal = a.get_int("unidirectional", 0) != 0};
  if (attention.heads < 1)
    throw bad_input("num_heads is " + std::to_string(attention.heads) + "; it must be above 0");
  return attention;
}

// Adds what the mask says to scores [batch, heads, rows, keys]: filter_value where it is 0. It
// comes as the keys of each sample [batch], those with where they begin behind [2·batch], or as
// flags of [batch, keys], [batch, rows, keys] or [batch, 1, longest, longest].
class KeyMask {
 public:
  KeyMask(const Tensor* mask, const Shape& scores, float filter_value)
      : scores_(scores), filter_value_(filter_value) {
    if (mask == nullptr) return;
    const std::int64_t batch = scores[0], rows = scores[2], keys = scores[3];
    const Shape& s = mask->shape();
    values_ = mask->to_int64s();
    if (s.rank() == 1 && (s[0] == batch || s[0] == 2 * batch))
      form_ = Form::kLengths;
    else if (s == Shape{batch, keys})
      form_ = Form::kKeys;
    else if (s == Shape{batch, rows, keys})
      form_ = Form::kRows;
    else if (s.rank() == 4 && s[0] == batch && s[1] == 1 && s[2] == s[3] && s[3] >= keys)
      form_ = Form::kSquare;
    else
      throw unsupported("a mask " + mask->str() + " for scores " + scores.str());
    longest_ = s.rank() == 4 ? s[3] : 0;
  }

  void add(std::int64_t batch, std::int64_t row, float* scores) const {
    if (form_ == Form::kNone) return;
    for (std::int64_t key = 0; key < scores_[3]; ++key)
      if (!is_seen(batch, row, key)) scores[key] += filter_value_;
  }

 private:
  enum class Form { kNone, kLengths, kKeys, kRows, kSquare };

  bool is_seen(std::int64_t batch, std::int64_t row, std::int64_t key) const {
    const auto at = [&](std::int64_t i) { return values_[static_cast<std::size_t>(i)]; };
    const std::int64_t rows = scores_[2], keys = scores_[3];
    switch (form_) {
      case Form::kLengths: {
        const bool has_begin = std::ssize(values_) == 2 * scores_[0];
        return key < at(batch) && (!has_begin || key >= at(scores_[0] + batch));
      }
      case Form::kKeys:
        return at(batch * keys + key) > 0;
      case Form::kRows:
        return at((batch * rows + row) * keys + key) > 0;
      case Form::kSquare:
        return at((batch * longest_ + keys - rows + row) * longest_ + key) > 0;
      case Form::kNone:
        break;
    }
    return true;
  }

  Form form_ = Form::kNone;
  Shape scores_;
  float filter_value_;
  std::vector<std::int64_t> values_;
  std::int64_t longest_ = 0;
};

// softmax(Q·Kᵀ·scale + masks) · V for q, k, v [batch, heads, sequence, size].
Tensor attend(RunContext& run, const FusedAttention& node, const Tensor& q, const Tensor& k,
              const Tensor& v, const Tensor* mask, const Tensor* added) {
  Tensor scores = head_products(run, q, k, true);
  const Shape s = scores.shape();
  const KeyMask key_mask(mask, s, node.filter_value);
  const AddedBias bias(added, s);
  const float scale = score_scale(node.scale, q);
  const std::int64_t keys = s[3], past = keys - s[2];
  for_each_row(scores, run.threads, [&](const ScoreRow& row) {
    float* at = row.scores;
    const float* extra = bias.row(row.batch, row.head, row.row);
    for (std::int64_t i = 0; i < keys; ++i)
      at[i] = at[i] * scale + (extra == nullptr ? 0.0f : extra[i]);
    key_mask.add(row.batch, row.row, at);
    if (!node.is_causal) return;
    for (std::int64_t i = std::max<std::int64_t>(past + row.row + 1, 0); i < keys; ++i)
      at[i] = std::numeric_limits<float>::lowest();
  });
  float* values = scores.mutable_data<float>();
  softmax_f32(run.kernels, s[0] * s[1] * s[2], keys, values, values, run.threads);
  return head_products(run, scores, v, false);
}

// Columns [first, first + count) of the last axis, plus `bias` where there is one.
Tensor columns_of(const Tensor& x, std::int64_t first, std::int64_t count, const float* bias,
                  RunContext& run) {
  std::vector<std::int64_t> dims(x.shape().begin(), x.shape().end());
  const std::int64_t width = dims.back(), rows = x.size() / std::max<std::int64_t>(width, 1);
  dims.back() = count;
  Tensor y(DType::kF32, Shape(std::move(dims)), run.allocator);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* from = x.data<float>() + r * width + first;
    float* to = y.mutable_data<float>() + r * count;
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[i] + (bias == nullptr ? 0.0f : bias[i]);
  }
  return y;
}

// past and present keys and values in one tensor [2, batch, heads, sequence, size].
Tensor half_of(const Tensor& both, std::int64_t which) {
  const Shape& s = both.shape();
  if (s.rank() != 5 || s[0] != 2) throw bad_input("the past " + both.str() + " is not two tensors");
  Tensor half(DType::kF32, Shape{s[1], s[2], s[3], s[4]});
  std::copy_n(both.data<float>() + which * half.size(), half.size(), half.mutable_data<float>());
  return half;
}

// input [batch, sequence, width] · weights [width, q + k + v], then attention.
struct Projection {
  const Tensor& input;
  const Tensor& weights;
  const float* bias;                  // [q + k + v] or null
  std::vector<std::int64_t> widths;   // of q, k and v; empty: a third each
  const PackedF32* packed = nullptr;  // the weights, where they are constant
};

PackedF32 pack(const KernelSet& kernels, const Tensor& w) {
  const std::int64_t k = w.shape()[0], n = w.shape()[1];
  return PackedF32(*kernels.gemm_f32, matrix_f32(w.data<float>(), k, n, n, false));
}

void run_projected(RunContext& run, const FusedAttention& node, const Projection& p,
                   const Tensor* mask, const Tensor* past, const Tensor* added) {
  const Tensor &x = p.input, &w = p.weights;
  if (x.rank() != 3 || w.rank() != 2 || w.shape()[0] != x.shape()[2])
    throw bad_input("input " + x.str() + " and weights " + w.str() + " do not multiply");
  std::vector<std::int64_t> widths = p.widths;
  if (widths.empty()) widths.assign(3, w.shape()[1] / 3);
  if (widths.size() != 3 || widths[0] + widths[1] + widths[2] != w.shape()[1])
    throw bad_input("weights " + w.str() + " do not split into those of Q, K and V");
  const std::int64_t rows = x.shape()[0] * x.shape()[1], k = w.shape()[0], n = w.shape()[1];
  Tensor projected(DType::kF32, Shape{x.shape()[0], x.shape()[1], n}, run.allocator);
  const PackedF32 own = p.packed == nullptr ? pack(run.kernels, w) : PackedF32();
  gemm_f32(rows, x.data<float>(), k, p.packed == nullptr ? own : *p.packed,
           projected.mutable_data<float>(), n, {.bias = p.bias}, run.threads);
  Tensor parts[3];
  for (std::int64_t i = 0, first = 0; i < 3; first += widths[static_cast<std::size_t>(i++)])
    parts[i] =
        with_heads(columns_of(projected, first, widths[static_cast<std::size_t>(i)], nullptr, run),
                   node.heads, run);
  for (int i = 1; i < 3 && past != nullptr; ++i) {
    const Tensor before = half_of(*past, i - 1);
    parts[i] = with_past(parts[i], &before, run);
  }
  run.set_output(0,
                 joined_heads(attend(run, node, parts[0], parts[1], parts[2], mask, added), run));
  if (run.output_count() < 2) return;
  const Shape& s = parts[1].shape();
  if (parts[2].shape() != s) throw unsupported("a present of keys and values of different sizes");
  Tensor& present = run.output(1, DType::kF32, Shape{2, s[0], s[1], s[2], s[3]});
  float* to = present.mutable_data<float>();
  for (int i = 1; i < 3; ++i) to = std::copy_n(parts[i].data<float>(), parts[i].size(), to);
}

const float* bias_of(const RunContext& run, std::size_t i, std::int64_t columns) {
  const Tensor* bias = run.optional_input(i);
  if (bias == nullptr) return nullptr;
  if (bias->dtype() != DType::kF32 || bias->size() != columns)
    throw bad_input("the bias " + bias->str() + " has not " + std::to_string(columns) + " values");
  return bias->data<float>();
}

// input, weights, bias, mask_index, past, attention_bias
OpFunction make_attention(const NodeContext& node) {
  const FusedAttention attention = attributes_of(node);
  const auto widths = node.attributes().get_ints("qkv_hidden_sizes");
  if (node.attributes().get_int("do_rotary", 0) != 0) throw unsupported("do_rotary=1");
  std::shared_ptr<const PackedF32> packed;
  if (const Tensor* w = node.constant(1); w != nullptr && w->rank() == 2)
    packed = std::make_shared<const PackedF32>(pack(node.kernels, *w));
  return [=](RunContext& run) {
    run_projected(run, attention,
                  {.input = run.input(0),
                   .weights = run.input(1),
                   .bias = bias_of(run, 2, run.input(1).shape().back()),
                   .widths = widths,
                   .packed = packed.get()},
                  run.optional_input(3), run.optional_input(4), run.optional_input(5));
  };
}

Tensor dequantized(const Tensor& t, const QuantInputs& q) {
  return dequantize(t, {.dtype = t.dtype(),
                        .axis = q.scale.size() == 1 ? -1 : static_cast<int>(t.rank()) - 1,
                        .scale = q.scale,
                        .zero_point = q.zero_point});
}

// input, weights, bias, scale of the input, of the weights, mask_index, zero point of the input, of
// the weights, past
OpFunction make_quantized_attention(const NodeContext& node) {
  const FusedAttention attention = attributes_of(node);
  if (node.attributes().get_int("do_rotary", 0) != 0) throw unsupported("do_rotary=1");
  return [=](RunContext& run) {
    need_byte(run.input(0), "the input");
    need_byte(run.input(1), "the weights");
    const Tensor x = dequantized(run.input(0), quant_inputs(run.input(3), run.optional_input(6)));
    const Tensor w = dequantized(run.input(1), quant_inputs(run.input(4), run.optional_input(7)));
    run_projected(
        run, attention,
        {.input = x, .weights = w, .bias = bias_of(run, 2, w.shape().back()), .widths = {}},
        run.optional_input(5), run.optional_input(8), nullptr);
  };
}

// query, key, value, bias, key_padding_mask, attention_bias, past_key, past_value
OpFunction make_multi_head_attention(const NodeContext& node) {
  const FusedAttention attention = attributes_of(node);
  if (node.has_input(8)) throw unsupported("a past in a buffer of its own is not supported");
  return [=](RunContext& run) {
    const Tensor& query = run.input(0);
    if (query.rank() != 3 || !run.has_input(1) || !run.has_input(2))
      throw unsupported("packed queries, keys and values are not supported: query " + query.str());
    const Tensor *key = &run.input(1), *value = &run.input(2);
    const std::int64_t q_width = query.shape()[2];
    const bool has_heads = key->rank() == 4;  // keys of another sequence, as heads already
    const std::int64_t v_width =
        value->rank() == 4 ? value->shape()[1] * value->shape()[3] : value->shape().back();
    const float* bias = bias_of(run, 3, 2 * q_width + v_width);
    const auto part = [&](const Tensor& x, std::int64_t first) {
      if (x.rank() == 4) return x;
      const float* shift = bias == nullptr ? nullptr : bias + first;
      return with_heads(columns_of(x, 0, x.shape().back(), shift, run), attention.heads, run);
    };
    const Tensor q = part(query, 0);
    Tensor k = part(*key, q_width), v = part(*value, 2 * q_width);
    if (!has_heads) {
      k = with_past(k, run.optional_input(6), run);
      v = with_past(v, run.optional_input(7), run);
    }
    run.set_output(
        0, joined_heads(
               attend(run, attention, q, k, v, run.optional_input(4), run.optional_input(5)), run));
    if (run.output_count() > 1) run.set_output(1, k);
    if (run.output_count() > 2) run.set_output(2, v);
  };
}

constexpr std::string_view kMicrosoft = "com.microsoft";

constexpr OpRow kRows[] = {
    {kMicrosoft, "Attention", make_attention},
    {kMicrosoft, "QAttention", make_quantized_attention},
    {kMicrosoft, "MultiHeadAttention", make_multi_head_attention},
};

}  // namespace

std::span<const OpRow> fused_attention_operators() {
  return kRows;
}

}  // namespace q8

#include <algorithm>
#include <limits>

#include "kernels/f32/elementwise.h"
#include "ops/attention_heads.h"
#include "ops/families.h"
#include "ops/rotary.h"

namespace q8 {
namespace {

// com.microsoft GroupQueryAttention, which exporters write for language models: several heads of Q
// share one of K and V, and the keys and values of earlier tokens come in a buffer. Formulas:
// ContribOperators.md of ONNX Runtime. Inputs: query, key, value, past_key, past_value, seqlens_k,
// total_sequence_length, cos_cache, sin_cache, position_ids, attention_bias.

struct GroupQueryAttention {
  std::int64_t heads, kv_heads;
  float scale;  // 0: 1/√head size
  float softcap;
  bool do_rotary, interleaved, is_causal;
  std::int64_t window;  // keys that a query sees; −1: all before it
};

// Heads [first, first + count) of x [batch, heads, sequence, size].
Tensor heads_of(const Tensor& x, std::int64_t first, std::int64_t count, RunContext& run) {
  const Shape& s = x.shape();
  const std::int64_t head = s[2] * s[3];
  Tensor y(x.dtype(), Shape{s[0], count, s[2], s[3]}, run.allocator);
  for (std::int64_t b = 0; b < s[0]; ++b)
    std::copy_n(x.data<float>() + (b * s[1] + first) * head, count * head,
                y.mutable_data<float>() + b * count * head);
  return y;
}

// How many tokens came before this step: those of each sample, and what the step makes of them.
struct Progress {
  std::vector<std::int64_t> past;  // by sample
  std::int64_t total;              // the longest sample with this step
  bool is_prompt;                  // the step is the beginning

  Progress(RunContext& run, std::int64_t batch, std::int64_t step) {
    past = run.input(5).to_int64s();
    const auto totals = run.input(6).to_int64s();
    if (std::ssize(past) != batch || totals.size() != 1)
      throw bad_input("seqlens_k " + run.input(5).str() + " and total_sequence_length " +
                      run.input(6).str() + " are not [batch] and one number");
    total = totals[0];
    is_prompt = total == step;
    for (std::int64_t& count : past) {
      const std::int64_t length = count + 1;
      count = is_prompt ? 0 : length - step;
      if (length > total || length < 1 || count < 0)
        throw bad_input("seqlens_k says " + std::to_string(length) + " tokens, where a step of " +
                        std::to_string(step) + " ends at " + std::to_string(total));
    }
  }

  // Of each place of each sample. Given positions of a prompt count from the first of them.
  std::vector<std::int64_t> positions(const RunContext& run, std::int64_t step) const {
    std::vector<std::int64_t> given;
    if (run.has_input(9)) given = run.input(9).to_int64s();
    const auto places = past.size() * static_cast<std::size_t>(step);
    if (!is_prompt && given.size() == places) return given;
    const std::int64_t first = is_prompt && !given.empty() ? given[0] : 0;
    std::vector<std::int64_t> positions;
    for (const std::int64_t before : past)
      for (std::int64_t i = 0; i < step; ++i) positions.push_back(first + before + i);
    return positions;
  }
};

// The buffer [batch, heads, length, size]: of each sample its past, and behind it x.
Tensor appended(const Tensor& x, const Tensor* buffer, const Progress& progress, RunContext& run) {
  const Shape& s = x.shape();
  const std::int64_t held = buffer == nullptr ? 0 : buffer->rank() == 4 ? buffer->shape()[2] : -1;
  if (buffer != nullptr &&
      (buffer->dtype() != DType::kF32 || buffer->shape() != Shape{s[0], s[1], held, s[3]}))
    throw bad_input("the past " + buffer->str() + " does not fit " + x.str());
  const std::int64_t length = std::max(held, progress.total), size = s[3];
  Tensor y = Tensor::zeros(DType::kF32, Shape{s[0], s[1], length, size}, run.allocator);
  for (std::int64_t i = 0; i < s[0] * s[1]; ++i) {
    const std::int64_t past = progress.past[static_cast<std::size_t>(i / s[1])];
    if (past > held)
      throw bad_input("seqlens_k says " + std::to_string(past) + " tokens before this step; " +
                      std::to_string(held) + " are given");
    float* to = y.mutable_data<float>() + i * length * size;
    if (past > 0) std::copy_n(buffer->data<float>() + i * held * size, past * size, to);
    std::copy_n(x.data<float>() + i * s[2] * size, s[2] * size, to + past * size);
  }
  return y;
}

// Rows [0, count) of every head of a buffer.
Tensor first_rows(const Tensor& buffer, std::int64_t count, RunContext& run) {
  const Shape& s = buffer.shape();
  if (s[2] == count) return buffer;
  Tensor y(DType::kF32, Shape{s[0], s[1], count, s[3]}, run.allocator);
  for (std::int64_t i = 0; i < s[0] * s[1]; ++i)
    std::copy_n(buffer.data<float>() + i * s[2] * s[3], count * s[3],
                y.mutable_data<float>() + i * count * s[3]);
  return y;
}

// softmax(Q·Kᵀ·scale, capped, + bias) · V over the keys that a query sees.
Tensor attend(RunContext& run, const GroupQueryAttention& node, const Progress& progress,
              const Tensor& q, const Tensor& k, const Tensor& v) {
  Tensor scores = head_products(run, q, k, true);
  const AddedBias bias(run.optional_input(10), scores.shape());
  const float scale = score_scale(node.scale, q);
  const std::int64_t keys = scores.shape()[3], rows = scores.shape()[2];
  for_each_row(scores, run.threads, [&](const ScoreRow& at) {
    const std::int64_t past = progress.past[static_cast<std::size_t>(at.batch)];
    const std::int64_t end = std::min(keys, node.is_causal ? past + at.row + 1 : past + rows);
    const std::int64_t begin = node.window < 0 ? 0 : std::max<std::int64_t>(0, end - node.window);
    for (std::int64_t i = begin; i < end; ++i) at.scores[i] *= scale;
    if (node.softcap > 0) cap_scores(at.scores + begin, end - begin, node.softcap);
    if (const float* added = bias.row(at.batch, at.head, at.row); added != nullptr)
      for (std::int64_t i = begin; i < end; ++i) at.scores[i] += added[i];
    constexpr float kUnseen = -std::numeric_limits<float>::infinity();
    std::fill(at.scores, at.scores + begin, kUnseen);
    std::fill(at.scores + end, at.scores + keys, kUnseen);
  });
  float* values = scores.mutable_data<float>();
  softmax_f32(run.kernels, scores.size() / std::max<std::int64_t>(keys, 1), keys, values, values,
              run.threads);
  return head_products(run, scores, v, false);
}

void rotate(Tensor& x, const GroupQueryAttention& node, std::span<const std::int64_t> positions,
            RunContext& run) {
  const Tensor& cosines = run.input(7);
  const Shape& s = x.shape();
  if (cosines.rank() != 2) throw bad_input("cos_cache " + cosines.str() + " is not of rank 2");
  float* values = x.mutable_data<float>();
  rotate_heads({.cosines = cosines,
                .sines = run.input(8),
                .rotated = 2 * cosines.shape()[1],
                .interleaved = node.interleaved},
               {s[0], s[1], s[2], s[3], /*sequence_last=*/true}, positions, values, values,
               run.threads);
}

void run_attention(RunContext& run, const GroupQueryAttention& node) {
  const Tensor& query = run.input(0);
  if (query.rank() != 3) throw bad_input("query " + query.str() + " is not of rank 3");
  Tensor q, k, v;
  if (run.has_input(1) && run.has_input(2)) {
    for (const std::size_t i : {std::size_t{1}, std::size_t{2}})
      if (run.input(i).rank() != 3)
        throw bad_input("input " + std::to_string(i) + " is " + run.input(i).str() +
                        ", not of rank 3");
    q = with_heads(query, node.heads, run);
    k = with_heads(run.input(1), node.kv_heads, run);
    v = with_heads(run.input(2), node.kv_heads, run);
  } else {
    const Tensor all = with_heads(query, node.heads + 2 * node.kv_heads, run);
    q = heads_of(all, 0, node.heads, run);
    k = heads_of(all, node.heads, node.kv_heads, run);
    v = heads_of(all, node.heads + node.kv_heads, node.kv_heads, run);
  }
  const Shape& s = q.shape();
  if (k.shape() != v.shape() || k.shape() != Shape{s[0], node.kv_heads, s[2], s[3]})
    throw bad_input("query " + q.str() + ", key " + k.str() + " and value " + v.str() +
                    " do not fit each other");
  const Progress progress(run, s[0], s[2]);
  if (node.do_rotary) {
    const auto positions = progress.positions(run, s[2]);
    rotate(q, node, positions, run);
    rotate(k, node, positions, run);
  }
  const Tensor keys = appended(k, run.optional_input(3), progress, run);
  const Tensor values = appended(v, run.optional_input(4), progress, run);
  const Tensor y = attend(run, node, progress, q, first_rows(keys, progress.total, run),
                          first_rows(values, progress.total, run));
  run.set_output(0, joined_heads(y, run));
  if (run.output_count() > 1) run.set_output(1, keys);
  if (run.output_count() > 2) run.set_output(2, values);
}

OpFunction make_group_query_attention(const NodeContext& context) {
  const Attributes& a = context.attributes();
  const GroupQueryAttention node{.heads = a.need_int("num_heads"),
                                 .kv_heads = a.need_int("kv_num_heads"),
                                 .scale = a.get_float("scale", 0),
                                 .softcap = a.get_float("softcap", 0),
                                 .do_rotary = a.get_int("do_rotary", 0) != 0,
                                 .interleaved = a.get_int("rotary_interleaved", 0) != 0,
                                 .is_causal = a.get_int("causal", 1) != 0,
                                 .window = a.get_int("local_window_size", -1)};
  if (node.heads < 1 || node.kv_heads < 1 || node.heads % node.kv_heads != 0)
    throw bad_input("num_heads " + std::to_string(node.heads) +
                    " is not a multiple of kv_num_heads " + std::to_string(node.kv_heads));
  for (std::size_t i = 11; i < context.input_count(); ++i)
    if (context.has_input(i))
      throw unsupported("input " + std::to_string(i) +
                        " (sinks, quantized caches, norms of Q and K) is not supported");
  for (const char* name : {"smooth_softmax", "sliding_window_cache", "qk_output"})
    if (a.get_int(name, 0) > 0) throw unsupported(std::string(name) + " is not supported");
  return [node](RunContext& run) { run_attention(run, node); };
}

constexpr OpRow kRows[] = {
    {"com.microsoft", "GroupQueryAttention", make_group_query_attention},
};

}  // namespace

std::span<const OpRow> group_query_attention_operators() {
  return kRows;
}

}  // namespace q8

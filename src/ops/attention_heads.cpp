#include "ops/attention_heads.h"

#include <algorithm>
#include <cmath>

#include "kernels/f32/gemm.h"
#include "ops/permute.h"

namespace q8 {

Tensor with_heads(const Tensor& x, std::int64_t heads, RunContext& run) {
  if (x.dtype() != DType::kF32) throw unsupported("Attention on " + x.str());
  if (x.rank() == 4) return x;
  if (x.rank() != 3 || heads < 1 || x.shape()[2] % heads != 0)
    throw bad_input(x.str() + " does not split into " + std::to_string(heads) + " heads");
  const Shape& s = x.shape();
  const std::int64_t size = s[2] / heads, order[] = {0, 2, 1, 3};
  Tensor y(x.dtype(), Shape{s[0], heads, s[1], size}, run.allocator);
  permute(x.reshaped(Shape{s[0], s[1], heads, size}), order, y, run.threads);
  return y;
}

Tensor with_past(const Tensor& x, const Tensor* given, RunContext& run) {
  if (given == nullptr) return x;
  const Tensor& past = *given;
  const Shape& s = x.shape();
  if (past.rank() != 4 || past.dtype() != x.dtype() || past.shape()[0] != s[0] ||
      past.shape()[1] != s[1] || past.shape()[3] != s[3])
    throw bad_input("the past " + past.str() + " does not fit " + x.str());
  const std::int64_t before = past.shape()[2] * s[3], now = s[2] * s[3];
  Tensor y(x.dtype(), Shape{s[0], s[1], past.shape()[2] + s[2], s[3]}, run.allocator);
  float* to = y.mutable_data<float>();
  for (std::int64_t head = 0; head < s[0] * s[1]; ++head) {
    to = std::copy_n(past.data<float>() + head * before, before, to);
    to = std::copy_n(x.data<float>() + head * now, now, to);
  }
  return y;
}

Tensor joined_heads(const Tensor& x, RunContext& run) {
  const Shape& s = x.shape();
  const std::int64_t order[] = {0, 2, 1, 3};
  Tensor joined(DType::kF32, Shape{s[0], s[2], s[1], s[3]}, run.allocator);
  permute(x, order, joined, run.threads);
  return joined.reshaped(Shape{s[0], s[2], s[1] * s[3]});
}

Tensor head_products(RunContext& run, const Tensor& a, const Tensor& b, bool transpose_b) {
  const Shape& s = a.shape();
  const std::int64_t rows = s[2], k = s[3], share = s[1] / b.shape()[1];
  const std::int64_t n = b.shape()[transpose_b ? 2 : 3];
  if (b.shape()[transpose_b ? 3 : 2] != k)
    throw bad_input(a.str() + " and " + b.str() + " do not multiply");
  std::vector<std::int64_t> a_steps, b_steps;
  for (std::int64_t i = 0; i < s[0] * s[1]; ++i) {
    a_steps.push_back(i * rows * k);
    b_steps.push_back(i / share * n * k);
  }
  Tensor c(DType::kF32, Shape{s[0], s[1], rows, n}, run.allocator);
  batched_gemm_f32(run.kernels,
                   {.batch = s[0] * s[1],
                    .m = rows,
                    .a = a.data<float>(),
                    .lda = k,
                    .b = matrix_f32(b.data<float>(), k, n, transpose_b ? k : n, transpose_b),
                    .a_steps = a_steps.data(),
                    .b_steps = b_steps.data(),
                    .c = c.mutable_data<float>()},
                   run.threads);
  return c;
}

float score_scale(float given, const Tensor& q) {
  const std::int64_t size = std::max<std::int64_t>(q.shape()[3], 1);
  return given != 0 ? given : 1 / std::sqrt(static_cast<float>(size));
}

void cap_scores(float* scores, std::int64_t count, float softcap) {
  for (std::int64_t i = 0; i < count; ++i) scores[i] = std::tanh(scores[i] / softcap) * softcap;
}

AddedBias::AddedBias(const Tensor* bias, const Shape& scores) : bias_(bias) {
  if (bias == nullptr) return;
  const Shape& s = bias->shape();
  const bool fits = s.rank() == 4 && (s[0] == 1 || s[0] == scores[0]) &&
                    (s[1] == 1 || s[1] == scores[1]) && s[2] == scores[2] && s[3] == scores[3];
  if (!fits || bias->dtype() != DType::kF32)
    throw bad_input("attention_bias " + bias->str() + " does not fit scores " + scores.str());
}

const float* AddedBias::row(std::int64_t batch, std::int64_t head, std::int64_t row) const {
  if (bias_ == nullptr) return nullptr;
  const Shape& s = bias_->shape();
  const std::int64_t b = s[0] == 1 ? 0 : batch, h = s[1] == 1 ? 0 : head;
  return bias_->data<float>() + ((b * s[1] + h) * s[2] + row) * s[3];
}

}  // namespace q8

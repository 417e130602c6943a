#include "kernels/f32/gemm.h"

#include <memory>

#include "ops/elementwise.h"
#include "ops/families.h"
#include "ops/fused_activation.h"
#include "ops/matrix_product.h"
#include "ops/permute.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// ONNX Gemm: y = alpha · op(A) · op(B) + beta · C, and com.microsoft FusedGemm: with an activation.
struct Gemm {
  bool transpose_a, transpose_b;
  float alpha, beta;
  FusedActivation activation;
};

struct GemmShape {
  std::int64_t m, n, k;
};

GemmShape gemm_shape(const Gemm& gemm, const Shape& a, const Shape& b) {
  if (a.rank() != 2 || b.rank() != 2)
    throw bad_input("Gemm multiplies matrices, found " + a.str() + " and " + b.str());
  const GemmShape shape{a[gemm.transpose_a ? 1 : 0], b[gemm.transpose_b ? 0 : 1],
                        a[gemm.transpose_a ? 0 : 1]};
  if (b[gemm.transpose_b ? 1 : 0] != shape.k)
    throw bad_input("shapes " + a.str() + " and " + b.str() + " do not multiply");
  return shape;
}

// B with alpha in it, packed.
PackedF32 pack_right(const Gemm& gemm, const GemmF32Row& row, const Tensor& b) {
  const std::int64_t k = b.shape()[gemm.transpose_b ? 1 : 0];
  const std::int64_t n = b.shape()[gemm.transpose_b ? 0 : 1];
  std::vector<float> scaled;
  const float* data = b.data<float>();
  if (gemm.alpha != 1) {
    for (const float v : b.values<float>()) scaled.push_back(v * gemm.alpha);
    data = scaled.data();
  }
  return PackedF32(row, matrix_f32(data, k, n, gemm.transpose_b ? k : n, gemm.transpose_b));
}

// beta · C spread over [m, n].
template <typename T>
Tensor spread(const Tensor& c, const GemmShape& shape, float beta, RunContext& run) {
  const Shape full{shape.m, shape.n};
  if (c.dtype() != dtype_of<T>() || broadcast(c.shape(), full) != full)
    throw bad_input("C " + c.str() + " does not broadcast to " + full.str());
  Tensor y(dtype_of<T>(), full, run.allocator);
  const Broadcast plan({&full, &c.shape()});
  T* target = y.mutable_data<T>();
  plan.walk(0, y.size(), [&](std::int64_t at, std::int64_t n, const Broadcast::Offsets& from) {
    const T* source = c.data<T>() + from[1];
    for (std::int64_t i = 0; i < n; ++i) {
      const T v = source[plan.advances(1) ? i : 0];
      target[at + i] =
          beta == 1 ? v : static_cast<T>(static_cast<double>(beta) * static_cast<double>(v));
    }
  });
  return y;
}

Tensor transposed(const Tensor& a, RunContext& run) {
  Tensor y(a.dtype(), Shape{a.shape()[1], a.shape()[0]}, run.allocator);
  const std::int64_t order[] = {1, 0};
  permute(a, order, y, run.threads);
  return y;
}

void run_f32(RunContext& run, const Gemm& gemm, const PackedF32* packed) {
  const Tensor& b = run.input(1);
  const GemmShape shape = gemm_shape(gemm, run.input(0).shape(), b.shape());
  const Tensor a = gemm.transpose_a ? transposed(run.input(0), run) : run.input(0);
  EpilogueF32 epilogue{.lo = gemm.activation.low, .hi = gemm.activation.high};
  Tensor addend;
  if (run.has_input(2) && gemm.beta != 0) {
    const Tensor& c = run.input(2);
    const bool is_row = c.size() == shape.n && c.rank() > 0 && c.shape().back() == shape.n;
    addend = spread<float>(c, is_row ? GemmShape{1, shape.n, shape.k} : shape, gemm.beta, run);
    if (is_row) {
      epilogue.bias = addend.data<float>();
    } else {
      epilogue.residual = addend.data<float>();
      epilogue.ld_residual = shape.n;
    }
  }
  PackedF32 own;
  if (packed == nullptr) own = pack_right(gemm, *run.kernels.gemm_f32, b);
  Tensor& y = run.output(0, DType::kF32, Shape{shape.m, shape.n});
  gemm_f32(shape.m, a.data<float>(), shape.k, packed == nullptr ? own : *packed,
           y.mutable_data<float>(), shape.n, epilogue, run.threads);
  gemm.activation.apply(y, run);
}

template <typename T>
void run_plain(RunContext& run, const Gemm& gemm) {
  const Tensor& a = run.input(0);
  const Tensor& b = run.input(1);
  const GemmShape shape = gemm_shape(gemm, a.shape(), b.shape());
  const auto view = [](const Tensor& t, bool swapped) {
    const std::int64_t width = t.shape()[1];
    return swapped ? MatrixView<T>{t.data<T>(), 1, width} : MatrixView<T>{t.data<T>(), width, 1};
  };
  Tensor& y = run.output(0, a.dtype(), Shape{shape.m, shape.n});
  T* target = y.mutable_data<T>();
  plain_product<T>(shape.m, shape.n, shape.k, view(a, gemm.transpose_a), view(b, gemm.transpose_b),
                   target);
  if (gemm.alpha != 1)
    for (std::int64_t i = 0; i < y.size(); ++i)
      target[i] = static_cast<T>(static_cast<double>(gemm.alpha) * static_cast<double>(target[i]));
  if (!run.has_input(2)) return;
  const Tensor addend = spread<T>(run.input(2), shape, gemm.beta, run);
  for (std::int64_t i = 0; i < y.size(); ++i)
    target[i] = static_cast<T>(target[i] + addend.data<T>()[i]);
}

OpFunction make_gemm(const NodeContext& node) {
  const Attributes& attributes = node.attributes();
  std::vector<float> parameters;
  for (const char* name : {"activation_alpha", "activation_beta"})
    if (attributes.has(name)) parameters.push_back(attributes.get_float(name, 0));
  const Gemm gemm{
      .transpose_a = attributes.get_int("transA", 0) != 0,
      .transpose_b = attributes.get_int("transB", 0) != 0,
      .alpha = attributes.get_float("alpha", 1),
      .beta = attributes.get_float("beta", 1),
      .activation = fused_activation(attributes.get_string("activation", ""), parameters)};
  std::shared_ptr<const PackedF32> packed;
  const Tensor* b = node.constant(1);
  if (b != nullptr && b->dtype() == DType::kF32 && b->rank() == 2) {
    packed = std::make_shared<const PackedF32>(pack_right(gemm, *node.kernels.gemm_f32, *b));
    node.has_copied(1);
  }
  return [gemm, packed](RunContext& run) {
    need_same_type(run.input(0), run.input(1));
    const DType dtype = run.input(0).dtype();
    if (dtype == DType::kF32)
      run_f32(run, gemm, packed.get());
    else
      with_number_type(dtype, [&](auto zero) { run_plain<decltype(zero)>(run, gemm); });
  };
}

constexpr OpRow kRows[] = {
    {"", "Gemm", make_gemm, QuantRole::kWeighted},
    {"com.microsoft", "FusedGemm", make_gemm, QuantRole::kWeighted},
};

}  // namespace

std::span<const OpRow> gemm_operators() {
  return kRows;
}

}  // namespace q8

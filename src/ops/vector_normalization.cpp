#include "ops/families.h"
#include "ops/normalization.h"

namespace q8 {
namespace {

// x / ‖x‖ along one axis, p = 1 or 2; a vector of zeros stays as it is.
OpFunction make_lp_normalization(const NodeContext& node) {
  const std::int64_t axis_attribute = node.attributes().get_int("axis", -1);
  const std::int64_t p = node.attributes().get_int("p", 2);
  if (p != 1 && p != 2)
    throw bad_input("attribute p of LpNormalization must be 1 or 2, found " + std::to_string(p));
  return [=](RunContext& run) {
    const Tensor& x = run.input(0);
    const std::int64_t axis = x.shape().normalize_axis(axis_attribute);
    const std::int64_t size = x.shape()[axis], inner = x.shape().count(axis + 1, x.rank());
    Tensor& y = run.output(0, x.dtype(), x.shape());
    if (x.size() == 0) return;
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      run.threads.parallel_for(
          x.size() / size, row_grain(size), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t r = begin; r < end; ++r) {
              const std::int64_t first = r / inner * size * inner + r % inner;
              const T* source = x.data<T>() + first;
              T* target = y.mutable_data<T>() + first;
              double sum = 0;
              for (std::int64_t i = 0; i < size; ++i) {
                const auto v = static_cast<double>(source[i * inner]);
                sum += p == 1 ? std::abs(v) : v * v;
              }
              const double norm = p == 1 ? sum : std::sqrt(sum);
              for (std::int64_t i = 0; i < size; ++i)
                target[i * inner] =
                    norm == 0 ? T(0)
                              : static_cast<T>(static_cast<double>(source[i * inner]) / norm);
            }
          });
    });
  };
}

// (x − E[x]) / (√(E[x²] − E[x]²) + 1e-9) over the given axes, as the operator's function body has
// it.
OpFunction make_mean_variance_normalization(const NodeContext& node) {
  const std::vector<std::int64_t> axes = node.attributes().get_ints("axes", {0, 2, 3});
  return [axes](RunContext& run) {
    const Tensor& x = run.input(0);
    const auto rank = static_cast<std::size_t>(x.rank());
    std::vector<bool> reduced(rank, false);
    for (const std::int64_t axis : axes)
      reduced[static_cast<std::size_t>(x.shape().normalize_axis(axis))] = true;
    // Which statistic an element belongs to: a row-major index over the axes that stay.
    std::vector<std::int64_t> step(rank, 0);
    std::int64_t statistics = 1;
    for (std::size_t axis = rank; axis-- > 0;)
      if (!reduced[axis]) {
        step[axis] = statistics;
        statistics *= x.shape()[static_cast<std::int64_t>(axis)];
      }
    Tensor& y = run.output(0, x.dtype(), x.shape());
    if (x.size() == 0) return;
    std::vector<std::int64_t> owner(static_cast<std::size_t>(x.size()));
    for (std::int64_t i = 0; i < x.size(); ++i) {
      std::int64_t rest = i, at = 0;
      for (std::size_t axis = rank; axis-- > 0;) {
        const std::int64_t dim = x.shape()[static_cast<std::int64_t>(axis)];
        at += rest % dim * step[axis];
        rest /= dim;
      }
      owner[static_cast<std::size_t>(i)] = at;
    }
    with_float_type(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* source = x.data<T>();
      T* target = y.mutable_data<T>();
      const auto count = static_cast<double>(x.size() / statistics);
      std::vector<double> mean(static_cast<std::size_t>(statistics)), deviation(mean.size());
      const auto at = [&](std::int64_t i) {
        return static_cast<std::size_t>(owner[static_cast<std::size_t>(i)]);
      };
      for (std::int64_t i = 0; i < x.size(); ++i) mean[at(i)] += static_cast<double>(source[i]);
      for (double& m : mean) m /= count;
      for (std::int64_t i = 0; i < x.size(); ++i) {
        const double d = static_cast<double>(source[i]) - mean[at(i)];
        deviation[at(i)] += d * d;
      }
      for (double& d : deviation) d = std::sqrt(d / count) + 1e-9;
      for (std::int64_t i = 0; i < x.size(); ++i)
        target[i] =
            static_cast<T>((static_cast<double>(source[i]) - mean[at(i)]) / deviation[at(i)]);
    });
  };
}

constexpr OpRow kRows[] = {
    {"", "LpNormalization", make_lp_normalization, QuantRole::kFloat},
    {"", "MeanVarianceNormalization", make_mean_variance_normalization, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> vector_normalization_operators() {
  return kRows;
}

}  // namespace q8

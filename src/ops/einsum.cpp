#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>

#include "kernels/f32/gemm.h"
#include "ops/families.h"
#include "ops/permute.h"
#include "tensor/dispatch.h"

namespace q8 {
namespace {

// Axes by letter; an ellipsis becomes the labels 0x80 + i, counted from its last axis.
using Labels = std::vector<int>;

struct Operand {
  Tensor tensor;
  Labels labels;
};

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
  bool has_output = false;
};

Equation parse_equation(std::string text) {
  std::erase(text, ' ');
  Equation equation;
  const std::size_t arrow = text.find("->");
  if (arrow != std::string::npos) {
    equation.has_output = true;
    equation.output = text.substr(arrow + 2);
    text.resize(arrow);
  }
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    equation.inputs.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return equation;
}

constexpr int kEllipsis = 0x80;

// `rank` < 0: as many ellipsis axes as `ellipsis_rank` says.
Labels parse_labels(const std::string& term, std::int64_t rank, std::int64_t ellipsis_rank) {
  Labels labels;
  const std::size_t dots = term.find("...");
  const auto letters = static_cast<std::int64_t>(term.size()) - (dots == std::string::npos ? 0 : 3);
  const std::int64_t spread = dots == std::string::npos ? 0
                              : rank < 0                ? ellipsis_rank
                                                        : rank - letters;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (i == dots) {
      for (std::int64_t k = spread; k-- > 0;) labels.push_back(kEllipsis + static_cast<int>(k));
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(term[i])) != 0) {
      labels.push_back(term[i]);
    } else {
      throw bad_input("'" + term + "' is not a term of an equation");
    }
  }
  if (spread < 0 || (rank >= 0 && static_cast<std::int64_t>(labels.size()) != rank))
    throw bad_input("the term '" + term + "' does not fit a tensor of rank " +
                    std::to_string(rank));
  return labels;
}

bool contains(const Labels& labels, int label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

Operand permuted(const Operand& x, const Labels& order, RunContext& run) {
  if (order == x.labels) return x;
  std::vector<std::int64_t> axes, dims;
  for (const int label : order) {
    axes.push_back(std::find(x.labels.begin(), x.labels.end(), label) - x.labels.begin());
    dims.push_back(x.tensor.shape()[axes.back()]);
  }
  Operand y{Tensor(x.tensor.dtype(), Shape(std::move(dims)), run.allocator), order};
  permute(x.tensor, axes, y.tensor, run.threads);
  return y;
}

// A letter that stands twice in a term: the diagonal of its axes.
Operand diagonal(const Operand& x, RunContext& run) {
  Labels unique;
  for (const int label : x.labels)
    if (!contains(unique, label)) unique.push_back(label);
  if (unique.size() == x.labels.size()) return x;
  std::vector<std::int64_t> dims, strides;
  for (const int label : unique) {
    std::int64_t stride = 0, dim = -1;
    for (std::int64_t axis = 0; axis < x.tensor.rank(); ++axis) {
      if (x.labels[static_cast<std::size_t>(axis)] != label) continue;
      stride += x.tensor.shape().count(axis + 1, x.tensor.rank());
      if (dim >= 0 && dim != x.tensor.shape()[axis])
        throw bad_input("a repeated letter stands for axes of different sizes of " +
                        x.tensor.str());
      dim = x.tensor.shape()[axis];
    }
    dims.push_back(dim);
    strides.push_back(stride);
  }
  Operand y{Tensor(x.tensor.dtype(), Shape(dims), run.allocator), unique};
  with_size_type(x.tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto* source = reinterpret_cast<const T*>(x.tensor.bytes());
    auto* target = reinterpret_cast<T*>(y.tensor.mutable_bytes());
    for (std::int64_t i = 0; i < y.tensor.size(); ++i) {
      std::int64_t rest = i, offset = 0;
      for (std::size_t d = dims.size(); d-- > 0; rest /= dims[d])
        offset += rest % dims[d] * strides[d];
      target[i] = source[offset];
    }
  });
  return y;
}

// Sums over the labels that are not in `keep`.
Operand summed(const Operand& x, const Labels& keep, RunContext& run) {
  Labels kept, order;
  for (const int label : x.labels)
    if (contains(keep, label)) kept.push_back(label);
  if (kept.size() == x.labels.size()) return x;
  order = kept;
  for (const int label : x.labels)
    if (!contains(keep, label)) order.push_back(label);
  const Operand sorted = permuted(x, order, run);
  const auto rank = static_cast<std::int64_t>(kept.size());
  const std::int64_t n = sorted.tensor.shape().count(rank, sorted.tensor.rank());
  Operand y{Tensor(x.tensor.dtype(), Shape(sorted.tensor.shape().dims().first(kept.size())),
                   run.allocator),
            kept};
  with_number_type(x.tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    using Sum = std::conditional_t<std::is_floating_point_v<T>, double, T>;
    const T* source = sorted.tensor.data<T>();
    for (std::int64_t i = 0; i < y.tensor.size(); ++i)
      y.tensor.mutable_data<T>()[i] =
          static_cast<T>(std::accumulate(source + i * n, source + (i + 1) * n, Sum{}));
  });
  return y;
}

// a [batch, m, k] · b [batch, k, n], dense.
struct Product {
  std::int64_t batch, m, n, k;
};

void multiply(const Product& p, const Tensor& a, const Tensor& b, Tensor& y, RunContext& run) {
  if (a.dtype() == DType::kF32) {
    std::vector<std::int64_t> a_steps, b_steps;
    for (std::int64_t i = 0; i < p.batch; ++i) {
      a_steps.push_back(i * p.m * p.k);
      b_steps.push_back(i * p.k * p.n);
    }
    BatchedGemmF32 products;
    products.batch = p.batch;
    products.m = p.m;
    products.a = a.data<float>();
    products.lda = p.k;
    products.b = matrix_f32(b.data<float>(), p.k, p.n, p.n);
    products.a_steps = a_steps.data();
    products.b_steps = b_steps.data();
    products.c = y.mutable_data<float>();
    batched_gemm_f32(run.kernels, products, run.threads);
    return;
  }
  with_number_type(a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* c = y.mutable_data<T>();
    for (std::int64_t i = 0; i < p.batch * p.m; ++i)
      for (std::int64_t j = 0; j < p.n; ++j) {
        const T* row = a.data<T>() + i * p.k;
        const T* column = b.data<T>() + i / p.m * p.k * p.n + j;
        T sum{};
        for (std::int64_t k = 0; k < p.k; ++k) sum = static_cast<T>(sum + row[k] * column[k * p.n]);
        c[i * p.n + j] = sum;
      }
  });
}

// An ellipsis axis of 1 that the other operand has at another size stands for all its indices.
Operand without_broadcast_axes(const Operand& x, const Operand& other) {
  Operand y{x.tensor, {}};
  std::vector<std::int64_t> dims;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    const std::int64_t dim = x.tensor.shape()[static_cast<std::int64_t>(i)];
    const auto at = std::find(other.labels.begin(), other.labels.end(), x.labels[i]);
    const bool both = at != other.labels.end();
    const std::int64_t theirs = both ? other.tensor.shape()[at - other.labels.begin()] : dim;
    if (dim == 1 && theirs != 1) continue;
    if (dim != theirs && theirs != 1)
      throw bad_input("one axis of the equation is " + std::to_string(dim) + " and " +
                      std::to_string(theirs));
    y.labels.push_back(x.labels[i]);
    dims.push_back(dim);
  }
  y.tensor = x.tensor.reshaped(Shape(std::move(dims)));
  return y;
}

// The product of two operands, summed over what is not in `keep`.
Operand contract(const Operand& left, const Operand& right, const Labels& keep, RunContext& run) {
  Operand a = without_broadcast_axes(left, right), b = without_broadcast_axes(right, left);
  const auto with = [](Labels labels, const Labels& more) {
    labels.insert(labels.end(), more.begin(), more.end());
    return labels;
  };
  a = summed(a, with(keep, b.labels), run);
  b = summed(b, with(keep, a.labels), run);
  Labels batch, rows, columns, inner;
  std::vector<std::int64_t> dims;
  Product p{1, 1, 1, 1};
  for (std::size_t i = 0; i < a.labels.size(); ++i) {
    const int label = a.labels[i];
    const std::int64_t dim = a.tensor.shape()[static_cast<std::int64_t>(i)];
    const bool is_shared = contains(b.labels, label), is_kept = contains(keep, label);
    (is_shared ? is_kept ? batch : inner : rows).push_back(label);
    (is_shared ? is_kept ? p.batch : p.k : p.m) *= dim;
  }
  for (std::size_t i = 0; i < b.labels.size(); ++i)
    if (!contains(a.labels, b.labels[i])) {
      columns.push_back(b.labels[i]);
      p.n *= b.tensor.shape()[static_cast<std::int64_t>(i)];
    }
  a = permuted(a, with(with(batch, rows), inner), run);
  b = permuted(b, with(with(batch, inner), columns), run);
  const auto outer = a.tensor.shape().dims().first(batch.size() + rows.size());
  dims.assign(outer.begin(), outer.end());
  const auto tail = b.tensor.shape().dims().last(columns.size());
  dims.insert(dims.end(), tail.begin(), tail.end());
  Operand y{Tensor(a.tensor.dtype(), Shape(std::move(dims)), run.allocator),
            with(with(batch, rows), columns)};
  multiply(p, a.tensor, b.tensor, y.tensor, run);
  return y;
}

// Without "->": the ellipsis, then the letters that stand once, in alphabetical order.
Labels implied_output(const std::vector<Operand>& operands, std::int64_t ellipsis_rank) {
  std::map<int, int> counts;
  for (const Operand& x : operands)
    for (const int label : x.labels) ++counts[label];
  Labels output;
  for (std::int64_t k = ellipsis_rank; k-- > 0;) output.push_back(kEllipsis + static_cast<int>(k));
  for (const auto& [label, count] : counts)
    if (label < kEllipsis && count == 1) output.push_back(label);
  return output;
}

Tensor einsum(const Equation& equation, RunContext& run) {
  if (equation.inputs.size() != run.input_count())
    throw bad_input("the equation has " + std::to_string(equation.inputs.size()) + " terms for " +
                    std::to_string(run.input_count()) + " inputs");
  std::vector<Operand> operands;
  std::int64_t ellipsis_rank = 0;
  for (std::size_t i = 0; i < run.input_count(); ++i) {
    const Tensor& x = run.input(i);
    operands.push_back({x, parse_labels(equation.inputs[i], x.rank(), 0)});
    ellipsis_rank = std::max<std::int64_t>(
        ellipsis_rank, std::count_if(operands.back().labels.begin(), operands.back().labels.end(),
                                     [](int label) { return label >= kEllipsis; }));
  }
  const Labels output = equation.has_output ? parse_labels(equation.output, -1, ellipsis_rank)
                                            : implied_output(operands, ellipsis_rank);
  for (Operand& x : operands) x = diagonal(x, run);
  Operand result = operands[0];
  for (std::size_t i = 1; i < operands.size(); ++i) {
    Labels keep = output;
    for (std::size_t k = i + 1; k < operands.size(); ++k)
      keep.insert(keep.end(), operands[k].labels.begin(), operands[k].labels.end());
    result = contract(result, operands[i], keep, run);
  }
  result = summed(result, output, run);
  for (const int label : output)
    if (!contains(result.labels, label) || output.size() != result.labels.size())
      throw bad_input("the output '" + equation.output + "' does not follow from the inputs");
  return permuted(result, output, run).tensor;
}

OpFunction make_einsum(const NodeContext& node) {
  const Equation equation = parse_equation(node.attributes().get_string("equation", ""));
  return [equation](RunContext& run) { run.set_output(0, einsum(equation, run)); };
}

constexpr OpRow kRows[] = {
    {"", "Einsum", make_einsum, QuantRole::kFloat},
};

}  // namespace

std::span<const OpRow> einsum_operators() {
  return kRows;
}

}  // namespace q8

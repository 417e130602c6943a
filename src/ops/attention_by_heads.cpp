#include <algorithm>
#include <numeric>

#include "kernels/aligned_buffer.h"
#include "kernels/f32/elementwise.h"
#include "kernels/f32/elementwise_rows.h"
#include "kernels/f32/gemm.h"
#include "ops/families.h"

namespace q8 {
namespace {

// "q8" AttentionByHeads: softmax(Q · K · factor + mask) · V for floats, as MatMul, Mul (or Div),
// Add, Softmax of the last axis and MatMul make it one after the other, with the same bits. A head,
// or some rows of one, goes through all of it on one thread: its scores stay in that core's cache.
// Inputs: Q [… , rows, depth], K [… , depth, keys], V [… , keys, width], a number or none, the mask
// or none. Attributes order_q, order_k, order_v, order_y: the axes as a Transpose of that operand
// (or of the result) would arrange them; none: as they are. The last axis of Q and of the result
// stays the last.
enum Input : std::size_t { kQ, kK, kV, kFactor, kMask };

// A tensor's memory with its axes in another order, and ones in front.
struct View {
  const float* data = nullptr;
  std::vector<std::int64_t> dims, strides;  // of an axis that is repeated: 0

  View(const Tensor& x, std::vector<std::int64_t> order) : data(x.data<float>()) {
    if (order.empty()) {
      order.resize(static_cast<std::size_t>(x.rank()));
      std::iota(order.begin(), order.end(), 0);
    }
    if (static_cast<std::int64_t>(order.size()) != x.rank())
      throw bad_input("an order of " + std::to_string(order.size()) + " axes does not fit " +
                      x.str());
    for (const std::int64_t axis : order) {
      dims.push_back(x.shape()[axis]);
      strides.push_back(dims.back() == 1 ? 0 : x.shape().count(axis + 1, x.rank()));
    }
  }

  void extend(std::size_t rank) {
    const std::size_t missing = rank > dims.size() ? rank - dims.size() : 0;
    dims.insert(dims.begin(), missing, 1);
    strides.insert(strides.begin(), missing, 0);
  }
  std::size_t rank() const { return dims.size(); }
  // From the end: 1 is the last axis.
  std::int64_t dim(std::size_t back) const { return dims[dims.size() - back]; }
  std::int64_t stride(std::size_t back) const { return strides[strides.size() - back]; }
};

// Of index `head` among the leading axes `batch`, where in `strides` it lies.
std::int64_t offset_of(std::int64_t head, const Shape& batch,
                       std::span<const std::int64_t> strides) {
  std::int64_t offset = 0;
  for (std::int64_t axis = batch.rank(); axis-- > 0; head /= batch[axis])
    offset += head % batch[axis] * strides[static_cast<std::size_t>(axis)];
  return offset;
}

class AttentionByHeads {
 public:
  explicit AttentionByHeads(const NodeContext& node)
      : divides_(node.attributes().get_int("divides", 0) != 0),
        order_q_(node.attributes().get_ints("order_q")),
        order_k_(node.attributes().get_ints("order_k")),
        order_v_(node.attributes().get_ints("order_v")),
        order_y_(node.attributes().get_ints("order_y")) {}

  void operator()(RunContext& run) const {
    for (const std::size_t i : {kQ, kK, kV})
      if (run.input(i).dtype() != DType::kF32 || run.input(i).rank() < 2)
        throw unsupported("attention by heads on " + run.input(i).str());
    Job job{.q = {run.input(kQ), order_q_},
            .k = {run.input(kK), order_k_},
            .v = {run.input(kV), order_v_}};
    if (run.has_input(kMask)) job.mask.emplace(run.input(kMask), std::vector<std::int64_t>{});
    if (run.has_input(kFactor)) job.factor = run.input(kFactor).data<float>();
    find_sizes(job);
    place_result(job, run);
    compute(job, run);
  }

 private:
  struct Job {
    View q, k, v;
    std::optional<View> mask = {};
    const float* factor = nullptr;
    Shape batch = {};
    std::int64_t rows = 0, depth = 0, keys = 0, width = 0;
    float* y = nullptr;
    std::vector<std::int64_t> y_strides = {};  // by axis of [batch …, rows, width]
  };

  static void find_sizes(Job& job) {
    const std::size_t rank = std::max(
        {job.q.rank(), job.k.rank(), job.v.rank(), job.mask ? job.mask->rank() : std::size_t{2}});
    job.batch = Shape(std::vector<std::int64_t>(rank - 2, 1));
    const auto take_batch = [&](View& view) {
      view.extend(rank);
      job.batch = broadcast(job.batch, Shape(std::span(view.dims).first(rank - 2)));
    };
    for (View* view : {&job.q, &job.k, &job.v}) take_batch(*view);
    Shape scores{job.q.dim(2), job.k.dim(1)};
    if (job.mask) {
      take_batch(*job.mask);
      scores = broadcast(scores, Shape{job.mask->dim(2), job.mask->dim(1)});
    }
    job.rows = scores[0];
    job.keys = scores[1];
    job.depth = job.q.dim(1);
    job.width = job.v.dim(1);
    if (job.depth != job.k.dim(2) || job.keys != job.v.dim(2))
      throw bad_input("queries of " + Shape(job.q.dims).str() + ", keys of " +
                      Shape(job.k.dims).str() + " and values of " + Shape(job.v.dims).str() +
                      " do not multiply");
  }

  void place_result(Job& job, RunContext& run) const {
    std::vector<std::int64_t> made(job.batch.begin(), job.batch.end());
    made.insert(made.end(), {job.rows, job.width});
    std::vector<std::int64_t> order = order_y_;
    if (order.empty()) {
      order.resize(made.size());
      std::iota(order.begin(), order.end(), 0);
    }
    if (order.size() != made.size())
      throw bad_input("a result of rank " + std::to_string(made.size()) +
                      " cannot be given the order of " + std::to_string(order.size()) + " axes");
    std::vector<std::int64_t> dims;
    for (const std::int64_t axis : order) dims.push_back(made[static_cast<std::size_t>(axis)]);
    Tensor& y = run.output(0, DType::kF32, Shape(dims));
    job.y = y.mutable_data<float>();
    job.y_strides.resize(made.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      job.y_strides[static_cast<std::size_t>(order[i])] =
          y.shape().count(static_cast<std::int64_t>(i) + 1, y.rank());
  }

  void compute(const Job& job, RunContext& run) const {
    // Scores that a second-level cache holds beside the keys; each part packs its keys and values
    // for itself, which some dozens of rows pay for.
    constexpr std::int64_t kScores = 64 * 1024, kFewestRows = 64;
    const std::int64_t part = std::clamp(kScores / std::max<std::int64_t>(1, job.keys), kFewestRows,
                                         std::max(kFewestRows, job.rows));
    const std::int64_t parts = (job.rows + part - 1) / part;
    run.threads.parallel_for(
        job.batch.count() * parts, 1, [&](std::int64_t begin, std::int64_t end) {
          Threads one(1);
          PackedF32 keys, values;
          AlignedBuffer<float> scores(
              static_cast<std::size_t>(std::min(part, job.rows) * job.keys));
          for (std::int64_t i = begin; i < end; ++i) {
            const std::int64_t head = i / parts, first = i % parts * part;
            const std::int64_t rows = std::min(part, job.rows - first);
            if (i == begin || first == 0) {
              keys = packed(run, job.k, head, job);
              values = packed(run, job.v, head, job);
            }
            gemm_f32(rows, at(job.q, head, job) + first * job.q.stride(2), job.q.stride(2), keys,
                     scores.data(), job.keys, {}, one);
            weigh(job, head, first, rows, scores.data(), run.kernels, one);
            const std::int64_t row_step = job.y_strides[job.y_strides.size() - 2];
            gemm_f32(rows, scores.data(), job.keys, values,
                     job.y + offset_of(head, job.batch, job.y_strides) + first * row_step, row_step,
                     {}, one);
          }
        });
  }

  static const float* at(const View& view, std::int64_t head, const Job& job) {
    return view.data + offset_of(head, job.batch, view.strides);
  }

  static PackedF32 packed(const RunContext& run, const View& view, std::int64_t head,
                          const Job& job) {
    const bool is_keys = &view == &job.k;
    return PackedF32(*run.kernels.gemm_f32, MatrixF32{.data = at(view, head, job),
                                                      .channels = is_keys ? job.depth : job.keys,
                                                      .columns = is_keys ? job.keys : job.width,
                                                      .channel_stride = view.stride(2),
                                                      .column_stride = view.stride(1)});
  }

  // Scores become shares.
  void weigh(const Job& job, std::int64_t head, std::int64_t first, std::int64_t rows,
             float* scores, const KernelSet& kernels, Threads& one) const {
    const ElementwiseF32Functions& f = *kernels.elementwise_f32->functions;
    const BinaryF32 scaling = divides_ ? BinaryF32::kDivide : BinaryF32::kMultiply;
    if (job.factor != nullptr)
      f.binary_scalar_right[static_cast<int>(scaling)](scores, job.factor, scores, rows * job.keys);
    if (job.mask) {
      const bool is_row = job.mask->dim(1) > 1;
      const auto add =
          (is_row ? f.binary : f.binary_scalar_right)[static_cast<int>(BinaryF32::kAdd)];
      const float* mask = at(*job.mask, head, job) + first * job.mask->stride(2);
      for (std::int64_t i = 0; i < rows; ++i)
        add(scores + i * job.keys, mask + i * job.mask->stride(2), scores + i * job.keys, job.keys);
    }
    if (job.keys > 0) softmax_f32(kernels, rows, job.keys, scores, scores, one);
  }

  bool divides_;
  std::vector<std::int64_t> order_q_, order_k_, order_v_, order_y_;
};

OpFunction make_attention(const NodeContext& node) {
  return AttentionByHeads(node);
}

constexpr OpRow kRows[] = {
    {"q8", "AttentionByHeads", make_attention},
};

}  // namespace

std::span<const OpRow> attention_by_heads_operators() {
  return kRows;
}

}  // namespace q8

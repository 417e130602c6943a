#include "recover/round_weights.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rounding.h"
#include "kernels/f32/gemm.h"

namespace q8 {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Sweeps over all weights; a few do nearly all of it, and each lowers the error.
constexpr int kSweeps = 8;
// A move must gain more than FP32 sums could be off by, or sweeps would go to and fro.
constexpr float kLeastGain = 1e-3f;

// Channels that are compensated side by side.
constexpr std::int64_t kBlock = 16;
// Weights of a channel that are compensated before what they all do to those behind is summed up, a
// product of matrices. More leave more to the sums within, fewer make it a narrow product.
constexpr std::int64_t kSteps = 32;

}  // namespace

// [channels, depth], row by row.
struct WeightRounder::Rows {
  const std::vector<float>& weights;
  float limit = 127;
  std::vector<float> errors = std::vector<float>(weights.size());    // ŵ − w
  std::vector<float> gradient = std::vector<float>(weights.size());  // errors · H
  std::vector<float> energy = {};  // by channel: errors · H · errorsᵀ

  float rounded(std::size_t at, float shift) const {
    return std::clamp(round_half_even(weights[at] - shift), -limit, limit) - weights[at];
  }
};

WeightRounder::WeightRounder(const std::vector<double>& gram, std::int64_t depth,
                             const KernelSet& kernels)
    : depth_(depth) {
  Q8_ASSERT(static_cast<std::int64_t>(gram.size()) == depth * depth);
  // H = RRᵀ with R upper triangular: the Cholesky factor of H in reverse order, turned back. Then
  // e H eᵀ = Σ_k (R_kk e_k + Σ_{j<k} e_j R_jk)², which is made small one k after the other.
  const Eigen::Map<const Matrix> h(gram.data(), depth, depth);
  unit_ = h.diagonal().mean();
  const Eigen::LLT<Matrix> factor(h.reverse());
  Q8_ASSERT(factor.info() == Eigen::Success);
  const Matrix l = factor.matrixL();
  gram_.resize(gram.size());
  feedback_.resize(gram.size());
  for (std::int64_t k = 0; k < depth; ++k) {
    const double diagonal = l(depth - 1 - k, depth - 1 - k);
    for (std::int64_t j = 0; j < depth; ++j) {
      const auto at = static_cast<std::size_t>(k * depth + j);
      gram_[at] = static_cast<float>(gram[at] / unit_);
      if (j < k) feedback_[at] = static_cast<float>(l(depth - 1 - j, depth - 1 - k) / diagonal);
    }
  }
  packed_gram_ = PackedF32(*kernels.gemm_f32, matrix_f32(gram_.data(), depth, depth, depth));
}

// Weights that are compensated one after the other.
struct WeightRounder::Stretch {
  std::int64_t begin = 0, end = 0;
  std::vector<float> shifts = {};  // [channels, end − begin]: what errors before `begin` count

  std::int64_t size() const { return end - begin; }
};

// Of `count` channels, at most kBlock.
void WeightRounder::compensate(Rows& rows, const Stretch& stretch, std::int64_t first,
                               std::int64_t count) const {
  float errors[kSteps][kBlock] = {};
  for (std::int64_t i = 0; i < stretch.size(); ++i) {
    const std::int64_t k = stretch.begin + i;
    float shift[kBlock] = {};
    for (std::int64_t c = 0; c < count; ++c)
      shift[c] = stretch.shifts[static_cast<std::size_t>((first + c) * stretch.size() + i)];
    const float* feedback = feedback_.data() + k * depth_ + stretch.begin;
    for (std::int64_t j = 0; j < i; ++j)
      for (std::int64_t c = 0; c < kBlock; ++c) shift[c] += feedback[j] * errors[j][c];
    for (std::int64_t c = 0; c < count; ++c) {
      const auto at = static_cast<std::size_t>((first + c) * depth_ + k);
      errors[i][c] = rows.errors[at] = rows.rounded(at, shift[c]);
    }
  }
}

void WeightRounder::compensate(Rows& rows, Threads& threads) const {
  const std::int64_t channels = std::ssize(rows.weights) / depth_;
  for (std::int64_t begin = 0; begin < depth_; begin += kSteps) {
    Stretch stretch{.begin = begin, .end = std::min(begin + kSteps, depth_)};
    stretch.shifts.resize(static_cast<std::size_t>(channels * stretch.size()));
    if (begin > 0) {
      const MatrixF32 feedback =
          matrix_f32(feedback_.data() + begin * depth_, begin, stretch.size(), depth_, true);
      gemm_f32(channels, rows.errors.data(), depth_, PackedF32(packed_gram_.row(), feedback),
               stretch.shifts.data(), stretch.size(), {}, threads);
    }
    const std::int64_t blocks = (channels + kBlock - 1) / kBlock;
    threads.parallel_for(blocks, 1, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t b = from; b < to; ++b)
        compensate(rows, stretch, b * kBlock, std::min(kBlock, channels - b * kBlock));
    });
  }
}

// Of one channel, from its gradient.
void WeightRounder::descend(Rows& rows, std::int64_t channel) const {
  const auto first = static_cast<std::size_t>(channel * depth_);
  const float* weights = rows.weights.data() + first;
  float *errors = rows.errors.data() + first, *gradient = rows.gradient.data() + first;
  bool moved = true;
  for (int sweep = 0; sweep < kSweeps && moved; ++sweep) {
    moved = false;
    for (std::int64_t k = 0; k < depth_; ++k) {
      const float step = gradient[k] > 0 ? -1.0f : 1.0f;
      const float* row = gram_.data() + k * depth_;
      // The error changes by 2·step·gradient + H_kk.
      if (row[k] * (1 + kLeastGain) >= 2 * std::abs(gradient[k])) continue;
      if (std::abs(weights[k] + errors[k] + step) > rows.limit + 0.5f) continue;
      errors[k] += step;
      for (std::int64_t j = 0; j < depth_; ++j) gradient[j] += step * row[j];
      moved = true;
    }
  }
  float energy = 0;
  for (std::int64_t k = 0; k < depth_; ++k) energy += gradient[k] * errors[k];
  rows.energy[static_cast<std::size_t>(channel)] = energy;
}

void WeightRounder::descend(Rows& rows, Threads& threads) const {
  const std::int64_t channels = std::ssize(rows.weights) / depth_;
  rows.energy.resize(static_cast<std::size_t>(channels));
  gemm_f32(channels, rows.errors.data(), depth_, packed_gram_, rows.gradient.data(), depth_, {},
           threads);
  threads.parallel_for(channels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) descend(rows, c);
  });
}

std::vector<std::int8_t> WeightRounder::round(const std::vector<float>& weights,
                                              std::int64_t channels, int limit,
                                              Threads& threads) const {
  Q8_ASSERT(std::ssize(weights) == channels * depth_);
  Rows nearest{.weights = weights, .limit = static_cast<float>(limit)};
  Rows compensated{.weights = weights, .limit = static_cast<float>(limit)};
  for (std::size_t at = 0; at < weights.size(); ++at) nearest.errors[at] = nearest.rounded(at, 0);
  compensate(compensated, threads);
  descend(nearest, threads);
  descend(compensated, threads);
  std::vector<std::int8_t> integers(weights.size());
  for (std::size_t at = 0; at < weights.size(); ++at) {
    const std::size_t c = at / static_cast<std::size_t>(depth_);
    const Rows& best = compensated.energy[c] < nearest.energy[c] ? compensated : nearest;
    integers[at] = static_cast<std::int8_t>(round_half_even(weights[at] + best.errors[at]));
  }
  return integers;
}

double WeightRounder::error(const float* weights, const std::int8_t* integers) const {
  double sum = 0;
  for (std::int64_t i = 0; i < depth_; ++i)
    for (std::int64_t j = 0; j < depth_; ++j)
      sum += static_cast<double>(gram_[static_cast<std::size_t>(i * depth_ + j)]) *
             (static_cast<double>(integers[i]) - weights[i]) *
             (static_cast<double>(integers[j]) - weights[j]);
  return sum * unit_;
}

}  // namespace q8

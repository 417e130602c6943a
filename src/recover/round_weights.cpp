#include "recover/round_weights.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/rounding.h"

namespace q8 {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Sweeps over all weights; a few do nearly all of it, and each lowers the error.
constexpr int kSweeps = 8;
// A move must gain more than FP32 sums could be off by, or sweeps would go to and fro.
constexpr float kLeastGain = 1e-3f;

}  // namespace

// Channels side by side: [depth][kBlock].
struct WeightRounder::Block {
  explicit Block(std::int64_t depth)
      : weights(static_cast<std::size_t>(depth * kBlock)),
        errors(weights.size()),
        gradient(weights.size()) {}

  std::vector<float> weights, errors;  // errors: ŵ − w
  std::vector<float> gradient;         // errors · H
  float limit = 127;
  float energy[kBlock] = {};

  float rounded(std::size_t at, float shift) const {
    return std::clamp(round_half_even(weights[at] - shift), -limit, limit) - weights[at];
  }
};

WeightRounder::WeightRounder(std::vector<double> gram, std::int64_t depth) : depth_(depth) {
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
}

void WeightRounder::compensate(Block& block) const {
  for (std::int64_t k = 0; k < depth_; ++k) {
    float shift[kBlock] = {};
    const float* feedback = feedback_.data() + k * depth_;
    const float* errors = block.errors.data();
    for (std::int64_t j = 0; j < k; ++j)
      for (std::int64_t c = 0; c < kBlock; ++c) shift[c] += feedback[j] * errors[j * kBlock + c];
    for (std::int64_t c = 0; c < kBlock; ++c) {
      const auto at = static_cast<std::size_t>(k * kBlock + c);
      block.errors[at] = block.rounded(at, shift[c]);
    }
  }
}

void WeightRounder::descend(Block& block) const {
  float* gradient = block.gradient.data();
  for (std::int64_t k = 0; k < depth_; ++k) {
    float sum[kBlock] = {};
    const float* row = gram_.data() + k * depth_;
    for (std::int64_t j = 0; j < depth_; ++j)
      for (std::int64_t c = 0; c < kBlock; ++c)
        sum[c] += row[j] * block.errors[static_cast<std::size_t>(j * kBlock + c)];
    std::copy(sum, sum + kBlock, gradient + k * kBlock);
  }
  std::vector<float> slope(static_cast<std::size_t>(depth_));  // of one channel
  for (std::int64_t c = 0; c < kBlock; ++c) {
    for (std::int64_t k = 0; k < depth_; ++k)
      slope[static_cast<std::size_t>(k)] = gradient[k * kBlock + c];
    bool moved = true;
    for (int sweep = 0; sweep < kSweeps && moved; ++sweep) {
      moved = false;
      for (std::int64_t k = 0; k < depth_; ++k) {
        const auto at = static_cast<std::size_t>(k * kBlock + c);
        const float here = slope[static_cast<std::size_t>(k)];
        const float step = here > 0 ? -1.0f : 1.0f;
        const float* row = gram_.data() + k * depth_;
        // The error changes by 2·step·here + H_kk.
        if (row[k] * (1 + kLeastGain) >= 2 * std::abs(here)) continue;
        if (std::abs(block.weights[at] + block.errors[at] + step) > block.limit + 0.5f) continue;
        block.errors[at] += step;
        for (std::int64_t j = 0; j < depth_; ++j)
          slope[static_cast<std::size_t>(j)] += step * row[j];
        moved = true;
      }
    }
    float energy = 0;
    for (std::int64_t k = 0; k < depth_; ++k)
      energy += slope[static_cast<std::size_t>(k)] *
                block.errors[static_cast<std::size_t>(k * kBlock + c)];
    block.energy[c] = energy;
  }
}

std::vector<std::int8_t> WeightRounder::round(const std::vector<float>& weights,
                                              std::int64_t channels, int limit) const {
  std::vector<std::int8_t> integers(static_cast<std::size_t>(channels * depth_));
  for (std::int64_t first = 0; first < channels; first += kBlock) {
    const std::int64_t count = std::min(kBlock, channels - first);
    Block nearest(depth_);
    nearest.limit = static_cast<float>(limit);
    for (std::int64_t k = 0; k < depth_; ++k)
      for (std::int64_t c = 0; c < count; ++c)
        nearest.weights[static_cast<std::size_t>(k * kBlock + c)] =
            weights[static_cast<std::size_t>((first + c) * depth_ + k)];
    Block compensated = nearest;
    for (std::size_t at = 0; at < nearest.errors.size(); ++at)
      nearest.errors[at] = nearest.rounded(at, 0);
    compensate(compensated);
    descend(nearest);
    descend(compensated);
    for (std::int64_t c = 0; c < count; ++c) {
      const Block& best = compensated.energy[c] < nearest.energy[c] ? compensated : nearest;
      for (std::int64_t k = 0; k < depth_; ++k) {
        const auto at = static_cast<std::size_t>(k * kBlock + c);
        integers[static_cast<std::size_t>((first + c) * depth_ + k)] =
            static_cast<std::int8_t>(round_half_even(best.weights[at] + best.errors[at]));
      }
    }
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

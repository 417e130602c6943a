#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "kernels/f32/packed.h"
#include "kernels/kernel_set.h"

namespace q8 {

// Rounds weights to integers so that ‖(ŵ − w)X‖² = (ŵ − w) H (ŵ − w)ᵀ is small, H the Gram matrix
// of the inputs. Each channel is a problem of its own:
//   1. one weight after the other is rounded so that it makes good for the errors of those before
//      it (the triangular factor of H says how much), as GPTQ does (Frantar et al. 2023, arXiv
//      2210.17323);
//   2. from there, and from rounding to nearest, single weights are moved by one step while that
//      lowers the error; the better of the two is taken.
// So by this measure the result is never worse than rounding to nearest.
class WeightRounder {
 public:
  // H [depth, depth], symmetric and positive definite; only its proportions matter.
  WeightRounder(const std::vector<double>& gram, std::int64_t depth, const KernelSet& kernels);

  // `weights` [channels, depth] in units of the scale, row by row. Integers in [−limit, limit], the
  // same for any threads and kernels.
  std::vector<std::int8_t> round(const std::vector<float>& weights, std::int64_t channels,
                                 int limit, Threads& threads) const;
  // (ŵ − w) H (ŵ − w)ᵀ of one channel, in the units of H.
  double error(const float* weights, const std::int8_t* integers) const;

 private:
  struct Rows;
  struct Stretch;
  void compensate(Rows& rows, const Stretch& stretch, std::int64_t first, std::int64_t count) const;
  void compensate(Rows& rows, Threads& threads) const;
  void descend(Rows& rows, std::int64_t channel) const;
  void descend(Rows& rows, Threads& threads) const;

  std::int64_t depth_;
  double unit_;                  // mean of H's diagonal
  std::vector<float> gram_;      // H / unit
  PackedF32 packed_gram_;        // the same
  std::vector<float> feedback_;  // [k][j < k]: how much the error of weight j counts in weight k
};

}  // namespace q8

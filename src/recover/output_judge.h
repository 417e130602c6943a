#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "exec/token_mask.h"
#include "recover/recover.h"

namespace q8 {

// 10·log₁₀(signal / noise); infinite where there is no noise.
double decibels(double signal, double noise);

// The error of INT8 models at their outputs, measured by running them against the FP32 graph on the
// judging samples. Positions that context.mask marks as padding do not count. Sums are taken in
// double, in the order of samples, outputs and elements.
class OutputJudge {
 public:
  // Runs the FP32 graph; `context` must outlive this.
  OutputJudge(const Graph& fp32, const RecoveryContext& context);

  // Σ fp32² of all samples.
  double signal() const;
  std::size_t samples() const { return references_.size(); }
  // Σ (fp32 − int8)² over all outputs where FP32 is finite, for each of the samples from `begin` to
  // before `end`. Infinite where INT8 is not, or where an output has another shape.
  std::vector<double> noises(const PlannedGraph& model, std::size_t begin, std::size_t end) const;
  // For all samples.
  std::vector<double> noises(const PlannedGraph& model) const {
    return noises(model, 0, samples());
  }
  // 10·log₁₀(Σ fp32² / noise) over all samples, or over the first ones; infinite where there is no
  // noise.
  double sqnr_db(double noise) const;
  double sqnr_db(std::span<const double> noises) const;

 private:
  const RecoveryContext& context_;
  std::vector<std::vector<std::vector<Tensor>>>
      references_;               // by sample, output: what counts of it
  std::vector<double> signals_;  // by sample: Σ fp32²
  TokenMask mask_;
};

}  // namespace q8

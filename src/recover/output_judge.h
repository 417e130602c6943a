#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "exec/token_mask.h"
#include "plan/decided_values.h"
#include "recover/recover.h"

namespace q8 {

// 10·log₁₀(signal / noise); infinite where there is no noise.
double decibels(double signal, double noise);

// The error of INT8 models at their outputs, measured by running them against the FP32 graph on the
// judging samples. Positions that context.mask marks as padding do not count; nor do outputs of
// integers (indices, classes) where there are others. In the place of outputs that
// NonMaxSuppression and its like decide stands what they are decided by (plan/decided_values.h).
// Sums are taken in double, in the order of samples, outputs and elements.
class OutputJudge {
 public:
  // Runs the FP32 graph; `context` must outlive this.
  OutputJudge(const Graph& fp32, const RecoveryContext& context);

  // Σ fp32² of all samples.
  double signal() const;
  std::size_t samples() const { return references_.size(); }
  // Σ (fp32 − int8)² over what counts, where FP32 is finite, for each of the samples from `begin`
  // to before `end`. Infinite where INT8 is not, or where an output has another shape.
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
  // By output: its parts that no mask covers; none where the output does not count.
  using Outputs = std::vector<std::vector<Tensor>>;
  void choose_outputs(const Outputs& outputs);

  const RecoveryContext& context_;
  std::vector<NodeInput> also_;  // judged too, behind the graph's outputs
  Graph fp32_;                   // has those as outputs
  TokenMask mask_;
  std::vector<bool> counts_;         // by output
  std::vector<Outputs> references_;  // by sample
  std::vector<double> signals_;      // by sample: Σ fp32²
};

}  // namespace q8

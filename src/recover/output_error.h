#pragma once

#include <vector>

#include "recover/recover.h"

namespace q8 {

// The error of INT8 models at their outputs, measured by running them against the FP32 graph on the
// judging samples. Sums are taken in double, in the order of samples, outputs and elements.
class OutputError {
 public:
  // Runs the FP32 graph; `context` must outlive this.
  OutputError(const Graph& fp32, const RecoveryContext& context);

  // Σ (fp32 − int8)² over all outputs where FP32 is finite. Infinite where INT8 is not, or where an
  // output has another shape.
  double noise(const PlannedGraph& model) const;
  // 10·log₁₀(Σ fp32² / noise); infinite where there is no noise.
  double sqnr_db(double noise) const;

 private:
  const RecoveryContext& context_;
  std::vector<std::vector<Tensor>> references_;  // by sample, output
  double signal_ = 0;
};

}  // namespace q8

#pragma once

#include <string>
#include <vector>

#include "exec/session.h"

namespace q8 {

// How far a tensor of a quantized model is from the float model's.
struct TensorError {
  std::string value;
  double db = 0;         // SQNR; in a body, of all its runs
  double before_db = 0;  // the least of what it is computed from; infinite for the model's inputs
};

// Runs both models on a sample and compares every float value that has the same name in both, in
// the order of computing, those in bodies of If, Loop and Scan included.
//   planned    the float graph that the quantized one was made of
std::vector<TensorError> tensor_errors(const Graph& planned, const Graph& quantized,
                                       const std::vector<Tensor>& sample, SessionOptions options);

}  // namespace q8

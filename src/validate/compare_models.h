#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/progress.h"
#include "data/dataset.h"
#include "exec/session.h"
#include "graph/graph.h"
#include "q8/validate.h"

namespace q8 {

struct CompareOptions {
  SessionOptions machine = {};
  bool check_overflow = false;  // of the INT8 model
  // The model's output index of class 0: 1 where the model has a background class in front.
  std::int64_t label_offset = 0;
  // The models' input that marks padding (exec/token_mask.h), whose positions are not compared;
  // empty: none.
  std::string mask = {};
  Progress progress = {};
  std::stop_token stop = {};
};

// Runs both models, side by side, on the samples and measures everything but the gates. Output 0
// is taken as the scores of the classes where it is a row. Memory does not depend on the number of
// samples. Throws bad_input where the models differ in inputs or outputs, or a label is outside of
// the scores (naming the sample), and kInterrupted when stopped.
Validation compare_models(const Graph& fp32, const Graph& int8, const Dataset& dataset,
                          const std::vector<std::int64_t>& samples, const CompareOptions& options);

}  // namespace q8

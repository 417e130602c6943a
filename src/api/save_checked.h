#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "api/model_file.h"
#include "plan/plan.h"
#include "q8/host.h"

namespace q8 {

// What a quantized model is held against before it is written.
struct QuantizationCheck {
  const ModelFile& source;
  const Graph& planned;  // in float, after recovery: what the quantized graph was made of
  const QuantizationPlan& plan;
  // A sample that calibration saw. Without one, inputs are made up, and only loading, running and
  // the results' shapes are judged.
  std::optional<std::vector<Tensor>> sample;
};

// Saves the model beside its place, reads it back, runs it and the float one, and only then moves
// it there. Throws Error(kInternal), and leaves nothing, where it does not load or run, or its
// results have NaN or infinities that the float model's have not, or other shapes than numbers can
// decide (plan/decided_values.h). Warns of results
// with an SQNR below 10 dB, and of tensors that fall below 20 dB by more than 15 in one step, with
// the scale that they share, if they do. Models with more than 1 GB of weights
// are read back but not run, which would take several times their size in memory; a warning says
// so. Returns the bytes written, external data included.
std::int64_t save_checked(Model quantized, const std::filesystem::path& output,
                          const QuantizationCheck& check, const Host& host);

// Above it a model is not run where nobody asked for that.
constexpr std::uint64_t kRunBelowBytes = std::uint64_t{1} << 30;

}  // namespace q8

#include "commands.h"

namespace q8::cli {
namespace {

constexpr CommandRow kCommands[] = {
    {"calibrate", "observe a model's activations on samples, in one pass", add_calibrate},
    {"quantize", "plan, recover accuracy and write a quantized ONNX model", add_quantize},
    {"validate", "compare INT8 with FP32 on samples that calibration did not see, and judge",
     add_validate},
    {"inspect", "say what is in a model, a profile or a report", add_inspect},
    {"diff", "say what tells two models apart: scales, weights, structure, metadata", add_diff},
    {"bench", "measure latency and memory, of two models side by side", add_bench},
    {"run", "run a model on arrays from an .npz file", add_run},
};

}  // namespace

std::span<const CommandRow> commands() {
  return kCommands;
}

}  // namespace q8::cli

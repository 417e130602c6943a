#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "q8/data.h"
#include "q8/host.h"

namespace q8 {

struct QuantizeJob {
  std::filesystem::path model;        // empty: the one that the profile was made of
  std::filesystem::path calibration;  // empty: the only *.q8cal in the working directory
  DataPaths data;                     // instead of a profile: calibrate on it first …
  std::string mask;                   // … as CalibrateJob::mask
  bool per_channel = true;            // weights
  // auto: tried on samples; minmax, percentile, entropy, mse …; auto:4: tensor by tensor, clipping
  // counted so many times
  std::string observer = "auto";
  double percentile = 99.99;
  std::string weight_observer = "auto";  // auto, minmax, mse
  // NAME=OBSERVER[:NUMBER], for the value of that very name; as trials of auto choose
  std::vector<std::string> observer_of;
  std::vector<std::string> observer_for;  // PATTERN=OBSERVER[:PERCENTILE], over value names
  std::string weights = "s8";             // s8, s4
  std::optional<std::int64_t>
      block_size;                     // of s4 weights: inputs that share a scale; 0: a channel's
  std::int64_t opset = 13;            // the result's at least; 16 and 4 bits need 21
  std::vector<std::string> type_for;  // PATTERN=u8|s8|u16|s16|float, over value names
  std::string mode = "static";        // static; dynamic, weights: no calibration
  std::string format = "qdq";         // qdq, qoperator
  std::string target = "onnxruntime-x86";
  std::vector<std::string> exclude;  // patterns (* and ?) of node names that stay float
  std::vector<std::string> dynamic;  // such of nodes that quantize their input while they run
  bool float16_islands = false;      // what stays float is stored and computed in float16
  std::vector<std::string>
      recover;  // accuracy-recovery passes by name; {"none"}: none; empty: the default ones
  std::int64_t recover_samples = 192;  // of those that calibration saw; two thirds to fit
  // What nodes may add to the estimated time that recovery computes in float for accuracy's sake.
  double float_budget_percent = 25;
  std::filesystem::path plan_output;  // where the plan goes as JSON; empty: nowhere
  std::filesystem::path use_plan;     // such a file, perhaps edited, instead of planning
  bool plan_only = false;             // nothing is written; the result has the plan as text
  std::vector<std::pair<std::string, std::string>> metadata;  // added to the model's
  std::filesystem::path output;  // empty: <model's stem>.int8.onnx in the working directory
};

struct QuantizeResult {
  std::filesystem::path model = {};
  std::int64_t float_bytes = 0, int8_bytes = 0;
  // Of those that compute: in integers, in float with quantized weights, in float alone.
  std::int64_t integer_nodes = 0, weight_nodes = 0, float_nodes = 0;
  std::string plan = {};                 // as text, one line a fact
  std::vector<std::string> floats = {};  // nodes left in float: "Softmax 'name': reason"
  std::string ranges = {};  // what auto chose: "ranges: mse, 12 values by other observers, …\n"
  std::vector<std::string> range_trials = {};  // "auto:16: 24.10 dB", the best first
  std::string recovery = {};  // "rounding: kept, 19.40 to 23.12 dB", a line for each pass that ran
};

// What an option may be set to: a row of the library's list of such things.
struct ChoiceHelp {
  std::string_view name, help;
  bool by_default = false;
};
std::vector<ChoiceHelp> list_observers();
std::vector<ChoiceHelp> list_targets();
std::vector<ChoiceHelp> list_recovery_passes();

// Throws Error; usage for unknown names, bad_input for profiles that belong to another model.
QuantizeResult quantize_model(const QuantizeJob& job, const Host& host);

}  // namespace q8

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "q8/host.h"
#include "q8/validate.h"

namespace q8 {

// Milliseconds of one run, over all runs after the warm-up.
struct Latency {
  double median = 0, p90 = 0, p99 = 0, least = 0, mean = 0;
};

// The middle value (or the mean of both), and percentiles by nearest rank. Throws usage_error for
// no times at all.
Latency latency_of(std::vector<double> times_ms);

// What a node, or all nodes of one type, took of a run: the least over the profiled runs.
struct OperatorTime {
  std::string name = {};   // the node's; empty for a type
  std::string type = {};   // as the Session runs it, after fusion: "q8.Conv" is channels last
  std::int64_t nodes = 1;  // of that type
  double ms = 0;
};

struct BenchedModel {
  std::string file = {};
  std::int64_t bytes = 0;
  Latency latency_ms = {};
  double samples_per_second = 0;  // at the median
  // What the process needed on top at most, from loading the model to the end of its first run;
  // nothing where the system does not tell.
  std::optional<std::int64_t> peak_bytes = {};
  double load_ms = 0;                      // from the file to a session that is ready to run
  std::vector<OperatorTime> profile = {};  // by node in the order they run; asked for only
};

// The sums by type, largest first.
std::vector<OperatorTime> by_type(const std::vector<OperatorTime>& nodes);

struct BenchJob {
  std::filesystem::path fp32 = {};
  std::filesystem::path int8 = {};         // empty: one model alone
  std::int64_t runs = 50, warmup = 5;      // of each model, taken in turns
  std::optional<std::int64_t> batch = {};  // for first dimensions that are open
  // Shapes of inputs by name; open dimensions of the others are 1.
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes = {};
  bool profile = false;                    // time every node, in runs of their own
  std::optional<double> min_speedup = {};  // gate: fp32's median by int8's
};

struct BenchResult {
  BenchedModel fp32 = {};
  std::optional<BenchedModel> int8 = {};
  std::int64_t runs = 0, batch = 1;
  int threads = 0;
  std::string isa = {};
  std::optional<double> speedup = {};  // with two models
  std::optional<Gate> gate = {};
};

// Runs both models on the same made-up inputs: floats evenly from 0…1, integers 1, booleans true.
// Throws usage_error for shapes that name no input or do not fit the model.
BenchResult bench_models(const BenchJob& job, const Host& host);

std::string bench_text(const BenchResult& result);
std::string bench_json(const BenchResult& result);
void save_bench(const BenchResult& result, const std::filesystem::path& path);  // as JSON

// One profiled run of each model as Chrome trace events, for trace viewers: a process for each
// model, its nodes one after the other.
std::string bench_trace(const BenchResult& result);
void save_bench_trace(const BenchResult& result, const std::filesystem::path& path);

}  // namespace q8

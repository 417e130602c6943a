#include "q8/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "api/bench_inputs.h"
#include "api/model_file.h"
#include "api/peak_memory.h"
#include "base/threads.h"
#include "exec/fold.h"
#include "report/model_summary.h"

namespace q8 {
namespace {

// A float model runs as validate and calibrate run it; a quantized one as it stands in its file.
Model model_to_run(const std::filesystem::path& path) {
  Model model = load_checked(path);
  if (!is_quantized(model.graph)) canonicalize(model.graph);
  return model;
}

double ms_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

double run_ms(const Session& session, const std::vector<Tensor>& inputs) {
  const auto begin = std::chrono::steady_clock::now();
  session.run(inputs);
  return ms_since(begin);
}

// The least of each node's times: one run is short enough that some pass undisturbed.
std::vector<OperatorTime> profile_of(const Session& session, const std::vector<Tensor>& inputs,
                                     std::int64_t runs) {
  std::vector<OperatorTime> nodes;
  for (const NodeTime& node : session.profile(inputs))
    nodes.push_back({.name = node.name, .type = node.type, .ms = node.ms});
  for (std::int64_t i = 1; i < runs; ++i) {
    const auto times = session.profile(inputs);
    for (std::size_t n = 0; n < nodes.size(); ++n) nodes[n].ms = std::min(nodes[n].ms, times[n].ms);
  }
  return nodes;
}

// One model under measurement.
class Runner {
 public:
  Runner(const std::filesystem::path& path, const BenchJob& job, const SessionOptions& machine)
      : path_(path), begin_(std::chrono::steady_clock::now()) {
    Model model = model_to_run(path);
    bytes_ = size_on_disk(path, model);
    inputs_ = bench_inputs(model.graph, job);
    session_.emplace(std::move(model.graph), machine);
    load_ms_ = ms_since(begin_);
  }

  void profile(std::int64_t runs) { profile_ = profile_of(*session_, inputs_, runs); }
  void warm_up() { run_ms(*session_, inputs_); }
  void measure() { times_.push_back(run_ms(*session_, inputs_)); }

  std::int64_t batch() const {
    return inputs_.empty() || inputs_[0].rank() == 0 ? 1 : inputs_[0].shape()[0];
  }
  BenchedModel result(std::optional<std::int64_t> peak_bytes) const {
    const Latency latency = latency_of(times_);
    return {.file = path_.filename().string(),
            .bytes = bytes_,
            .latency_ms = latency,
            .samples_per_second = 1000 * static_cast<double>(batch()) / latency.median,
            .peak_bytes = peak_bytes,
            .load_ms = load_ms_,
            .profile = profile_};
  }

 private:
  std::filesystem::path path_;
  std::chrono::steady_clock::time_point begin_;
  std::vector<Tensor> inputs_;
  std::optional<Session> session_;
  std::int64_t bytes_ = 0;  // of the file and its external data
  double load_ms_ = 0;
  std::vector<OperatorTime> profile_;
  std::vector<double> times_;
};

// By a session of its own, so that two models do not stand in each other's figure.
std::optional<std::int64_t> measure_memory(const std::filesystem::path& path, const BenchJob& job,
                                           const SessionOptions& machine) {
  const PeakMemory memory;
  Runner(path, job, machine).warm_up();
  return memory.bytes();
}

double nearest_rank(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

Latency latency_of(std::vector<double> times_ms) {
  if (times_ms.empty()) throw usage_error("there are no runs to measure");
  std::ranges::sort(times_ms);
  const std::size_t size = times_ms.size();
  return {
      .median = (times_ms[(size - 1) / 2] + times_ms[size / 2]) / 2,
      .p90 = nearest_rank(times_ms, 0.9),
      .p99 = nearest_rank(times_ms, 0.99),
      .least = times_ms.front(),
      .mean = std::accumulate(times_ms.begin(), times_ms.end(), 0.0) / static_cast<double>(size)};
}

std::vector<OperatorTime> by_type(const std::vector<OperatorTime>& nodes) {
  std::map<std::string, OperatorTime> sums;
  for (const OperatorTime& node : nodes) {
    OperatorTime& sum = sums.try_emplace(node.type, OperatorTime{.nodes = 0}).first->second;
    sum.type = node.type;
    sum.nodes += node.nodes;
    sum.ms += node.ms;
  }
  std::vector<OperatorTime> types;
  for (auto& [type, sum] : sums) types.push_back(std::move(sum));
  std::ranges::stable_sort(types, std::greater<>{}, &OperatorTime::ms);
  return types;
}

BenchResult bench_models(const BenchJob& job, const Host& host) {
  if (job.min_speedup && job.int8.empty())
    throw usage_error("--min-speedup compares two models: q8 bench FLOAT INT8");
  const SessionOptions machine = session_options(host);
  std::vector<std::filesystem::path> paths = {job.fp32};
  if (!job.int8.empty()) paths.push_back(job.int8);
  measure_memory(paths.back(), job, machine);  // what the process allocates once for all is there
  std::vector<std::optional<std::int64_t>> peaks;
  for (const auto& path : paths) peaks.push_back(measure_memory(path, job, machine));
  std::vector<std::unique_ptr<Runner>> runners;
  for (const auto& path : paths) runners.push_back(std::make_unique<Runner>(path, job, machine));

  for (std::int64_t i = 0; i < job.warmup; ++i)
    for (const auto& runner : runners) runner->warm_up();
  for (std::int64_t i = 0; i < job.runs; ++i) {
    if (host.stop.stop_requested()) throw interrupted();
    for (const auto& runner : runners) runner->measure();
    std::ranges::reverse(runners);  // neither model is always the second
    if (host.progress) host.progress("bench", i + 1, job.runs);
  }
  if (job.runs % 2 == 1) std::ranges::reverse(runners);

  if (job.profile)
    for (const auto& runner : runners) runner->profile(job.runs);

  BenchResult result{.fp32 = runners[0]->result(peaks[0]),
                     .runs = job.runs,
                     .batch = runners[0]->batch(),
                     .threads = Threads(machine.threads).count(),
                     .isa = std::string(isa_name(std::min(machine.isa, best_isa())))};
  if (runners.size() == 2) {
    result.int8 = runners[1]->result(peaks[1]);
    result.speedup = result.fp32.latency_ms.median / result.int8->latency_ms.median;
  }
  if (job.min_speedup)
    result.gate = Gate{.name = "min-speedup",
                       .value = *result.speedup,
                       .limit = *job.min_speedup,
                       .unit = "times",
                       .passed = *result.speedup >= *job.min_speedup};
  return result;
}

}  // namespace q8

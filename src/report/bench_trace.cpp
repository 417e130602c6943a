#include <nlohmann/json.hpp>

#include "base/file.h"
#include "q8/bench.h"
#include "report/json_text.h"

// The trace event format of Chrome's about:tracing, which Perfetto and speedscope read too:
// complete events ("X") in microseconds.
// https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

void add_model(Json& events, const BenchedModel& model, int process) {
  events.push_back(
      {{"name", "process_name"}, {"ph", "M"}, {"pid", process}, {"args", {{"name", model.file}}}});
  double begin_us = 0;  // nodes run one after the other
  for (const OperatorTime& node : model.profile) {
    const double us = 1000 * node.ms;
    events.push_back({{"name", node.name},
                      {"cat", node.type},
                      {"ph", "X"},
                      {"ts", begin_us},
                      {"dur", us},
                      {"pid", process},
                      {"tid", 1},
                      {"args", {{"type", node.type}}}});
    begin_us += us;
  }
}

}  // namespace

std::string bench_trace(const BenchResult& result) {
  Json events = Json::array();
  add_model(events, result.fp32, 1);
  if (result.int8) add_model(events, *result.int8, 2);
  const Json trace = {{"traceEvents", events}, {"displayTimeUnit", "ms"}};
  return json_text(trace, 1);
}

void save_bench_trace(const BenchResult& result, const std::filesystem::path& path) {
  write_file_atomically(path, bench_trace(result));
}

}  // namespace q8

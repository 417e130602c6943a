#include "q8/bench.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "report/figures.h"
#include "report/json_text.h"
#include "report/text_table.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

std::string milliseconds(double value) {
  return small_number(value) + " ms";
}

std::string times(double value) {
  return small_number(value) + "×";
}

std::string memory(const BenchedModel& model) {
  return model.peak_bytes ? byte_size(*model.peak_bytes) : "not known";
}

Json model_json(const BenchedModel& model) {
  const Latency& latency = model.latency_ms;
  Json json = {{"file", model.file},
               {"bytes", model.bytes},
               {"latency_ms",
                {{"median", latency.median},
                 {"p90", latency.p90},
                 {"p99", latency.p99},
                 {"min", latency.least},
                 {"mean", latency.mean}}},
               {"samples_per_second", model.samples_per_second},
               {"peak_memory_bytes", model.peak_bytes ? Json(*model.peak_bytes) : Json(nullptr)},
               {"load_ms", model.load_ms}};
  if (model.profile.empty()) return json;
  json["profile"] = {{"types", Json::array()}, {"nodes", Json::array()}};
  for (const OperatorTime& type : by_type(model.profile))
    json["profile"]["types"].push_back(
        {{"type", type.type}, {"nodes", type.nodes}, {"ms", type.ms}});
  for (const OperatorTime& node : model.profile)
    json["profile"]["nodes"].push_back({{"name", node.name}, {"type", node.type}, {"ms", node.ms}});
  return json;
}

std::string profile_text(const BenchedModel& model) {
  constexpr std::size_t kSlowest = 20;  // a screen
  double total = 0;
  for (const OperatorTime& node : model.profile) total += node.ms;
  if (total <= 0) return {};
  const auto share = [total](double ms) { return percent(ms / total); };
  TextTable types("lrrr"), nodes("llrr");
  types.add({"type", "nodes", "time", "share"});
  for (const OperatorTime& type : by_type(model.profile))
    types.add(
        {printable(type.type), std::to_string(type.nodes), milliseconds(type.ms), share(type.ms)});
  std::vector<OperatorTime> slowest = model.profile;
  std::ranges::stable_sort(slowest, std::greater<>{}, &OperatorTime::ms);
  if (slowest.size() > kSlowest) slowest.resize(kSlowest);
  nodes.add({"slowest nodes", "type", "time", "share"});
  for (const OperatorTime& node : slowest)
    nodes.add({printable(node.name), printable(node.type), milliseconds(node.ms), share(node.ms)});
  return "\n" + printable(model.file) + "\n\n" + types.str() + "\n" + nodes.str();
}

}  // namespace

std::string bench_text(const BenchResult& result) {
  const BenchedModel& a = result.fp32;
  const BenchedModel b = result.int8.value_or(BenchedModel{});
  TextTable table("lrrr");
  const auto add = [&](const char* name, const std::string& first, const std::string& second,
                       const std::string& ratio) {
    if (result.int8)
      table.add({name, first, second, ratio});
    else
      table.add({name, first});
  };
  const auto latency = [&](const char* name, double Latency::*member) {
    add(name, milliseconds(a.latency_ms.*member), milliseconds(b.latency_ms.*member),
        times(a.latency_ms.*member / b.latency_ms.*member));
  };
  add("", printable(a.file), printable(b.file), "faster, smaller");
  latency("median", &Latency::median);
  latency("p90", &Latency::p90);
  latency("p99", &Latency::p99);
  add("samples a second", small_number(a.samples_per_second), small_number(b.samples_per_second),
      "");
  const bool both = a.peak_bytes && b.peak_bytes && *b.peak_bytes > 0;
  add("peak memory", memory(a), memory(b), both ? times_smaller(*a.peak_bytes, *b.peak_bytes) : "");
  add("load", milliseconds(a.load_ms), milliseconds(b.load_ms), "");
  add("file", byte_size(a.bytes), byte_size(b.bytes),
      result.int8 ? times_smaller(a.bytes, b.bytes) : "");
  std::string text = std::to_string(result.runs) + " runs, batch " + std::to_string(result.batch) +
                     ", " + std::to_string(result.threads) +
                     (result.threads == 1 ? " thread, " : " threads, ") + result.isa + "\n\n" +
                     table.str();
  constexpr double kSlower = 0.95;  // medians of two equal models differ by less
  if (result.speedup && *result.speedup < kSlower) text += "\n  INT8 is slower than FP32 here\n";
  text += profile_text(a) + profile_text(b);
  if (result.gate)
    text += "\n  min-speedup  " + times(result.gate->value) + "  ≥ " + times(result.gate->limit) +
            (result.gate->passed ? "  passed\n" : "  FAILED\n");
  return text;
}

std::string bench_json(const BenchResult& result) {
  Json json = {{"runs", result.runs},
               {"batch", result.batch},
               {"threads", result.threads},
               {"isa", result.isa},
               {"fp32", model_json(result.fp32)}};
  if (result.int8) {
    json["int8"] = model_json(*result.int8);
    json["speedup"] = *result.speedup;
  }
  json["gates"] = Json::array();
  if (result.gate)
    json["gates"].push_back({{"name", result.gate->name},
                             {"value", result.gate->value},
                             {"limit", result.gate->limit},
                             {"passed", result.gate->passed}});
  return json_text(json);
}

void save_bench(const BenchResult& result, const std::filesystem::path& path) {
  write_file_atomically(path, bench_json(result));
}

}  // namespace q8

#include "q8/bench.h"

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "report/figures.h"
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
  return {{"file", model.file},
          {"bytes", model.bytes},
          {"latency_ms",
           {{"median", latency.median},
            {"p90", latency.p90},
            {"p99", latency.p99},
            {"min", latency.least},
            {"mean", latency.mean}}},
          {"samples_per_second", model.samples_per_second},
          {"peak_memory_bytes", model.peak_bytes ? Json(*model.peak_bytes) : Json(nullptr)}};
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
  add("file", byte_size(a.bytes), byte_size(b.bytes),
      result.int8 ? times_smaller(a.bytes, b.bytes) : "");
  std::string text = std::to_string(result.runs) + " runs, batch " + std::to_string(result.batch) +
                     ", " + std::to_string(result.threads) +
                     (result.threads == 1 ? " thread, " : " threads, ") + result.isa + "\n\n" +
                     table.str();
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
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void save_bench(const BenchResult& result, const std::filesystem::path& path) {
  write_file_atomically(path, bench_json(result));
}

}  // namespace q8

#include "api/recorded_settings.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "base/error.h"

namespace q8 {
namespace {

template <typename T>
T number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw unsupported("'" + text + "' is no number");
  return value;
}

// "PATTERN=OBSERVER:NUMBER", of which only percentile and auto take the number back.
std::string observer_for(const std::string& text) {
  const std::size_t colon = text.rfind(':'), equals = text.rfind('=');
  const std::string observer = text.substr(equals + 1);
  const bool takes_number = observer.starts_with("percentile") || observer.starts_with("auto:");
  return takes_number || colon < equals ? text : text.substr(0, colon);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

struct Setting {
  std::string_view name;
  void (*read)(QuantizeJob& job, const std::string& value);
};

constexpr Setting kSettings[] = {
    {"mode", [](QuantizeJob& job, const std::string& v) { job.mode = v; }},
    {"granularity",
     [](QuantizeJob& job, const std::string& v) { job.per_channel = v == "per-channel"; }},
    {"observer", [](QuantizeJob& job, const std::string& v) { job.observer = v; }},
    {"percentile",
     [](QuantizeJob& job, const std::string& v) { job.percentile = number<double>(v); }},
    {"weight-observer", [](QuantizeJob& job, const std::string& v) { job.weight_observer = v; }},
    // What has no line has its default, but for the blocks of 4-bit weights: none.
    {"weights",
     [](QuantizeJob& job, const std::string& v) {
       job.weights = v;
       job.block_size = 0;
     }},
    {"block-size",
     [](QuantizeJob& job, const std::string& v) { job.block_size = number<std::int64_t>(v); }},
    {"opset", [](QuantizeJob& job, const std::string& v) { job.opset = number<std::int64_t>(v); }},
    {"dynamic", [](QuantizeJob& job, const std::string& v) { job.dynamic.push_back(v); }},
    {"float16-islands",
     [](QuantizeJob& job, const std::string& v) { job.float16_islands = v == "yes"; }},
    {"exclude", [](QuantizeJob& job, const std::string& v) { job.exclude.push_back(v); }},
    {"observer-of",
     [](QuantizeJob& job, const std::string& v) { job.observer_of.push_back(observer_for(v)); }},
    {"observer-for",
     [](QuantizeJob& job, const std::string& v) { job.observer_for.push_back(observer_for(v)); }},
    {"type-for", [](QuantizeJob& job, const std::string& v) { job.type_for.push_back(v); }},
    {"target", [](QuantizeJob& job, const std::string& v) { job.target = v; }},
    {"format", [](QuantizeJob& job, const std::string& v) { job.format = v; }},
    {"recover", [](QuantizeJob& job, const std::string& v) { job.recover = split(v); }},
    {"float-budget",
     [](QuantizeJob& job, const std::string& v) { job.float_budget_percent = number<double>(v); }},
    {"recover-samples",
     [](QuantizeJob& job, const std::string& v) { job.recover_samples = number<std::int64_t>(v); }},
};

}  // namespace

std::string recorded_settings(const QuantizeJob& job, const QuantizationPlan& plan,
                              const std::vector<RecoveryEffect>& effects) {
  std::string text = plan.settings + "target " + plan.target + "\nformat " + job.format + "\n";
  std::string passes;
  for (const RecoveryEffect& effect : effects) passes += (passes.empty() ? "" : ",") + effect.pass;
  text += "recover " + (passes.empty() ? "none" : passes) + "\n";
  if (passes.empty()) return text;
  std::ostringstream budget;
  budget << job.float_budget_percent;
  text += "float-budget " + budget.str() + "\n";
  text += "recover-samples " + std::to_string(job.recover_samples) + "\n";
  return text;
}

QuantizeJob job_of_settings(const std::string& text) {
  QuantizeJob job;
  job.recover = {"none"};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space),
                      value = space == std::string::npos ? "" : line.substr(space + 1);
    const auto row = std::ranges::find(kSettings, name, &Setting::name);
    if (row == std::end(kSettings))
      throw unsupported("the setting '" + line + "' is not known to this version");
    row->read(job, value);
  }
  return job;
}

}  // namespace q8

#include "report/json_reader.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace q8 {
namespace {

using Json = nlohmann::json;

// null stands for an infinity: no error at all, or nothing but error.
double decibels_of(const Json& json, bool identical) {
  if (json.is_number()) return json.get<double>();
  const double infinity = std::numeric_limits<double>::infinity();
  return identical ? infinity : -infinity;
}

ReportedModel model_of(const Json& json) {
  return {.file = json.at("file").get<std::string>(),
          .sha256 = json.at("sha256").get<std::string>(),
          .bytes = json.at("bytes").get<std::int64_t>()};
}

std::optional<Accuracy> accuracy_of(const Json& json) {
  if (json.at("top1").is_null()) return std::nullopt;
  return Accuracy{.top1 = json.at("top1").get<double>(), .top5 = json.at("top5").get<double>()};
}

ClassResult class_of(const Json& json) {
  const auto samples = json.at("samples").get<std::int64_t>();
  const auto count = [&](const char* key) {
    return std::llround(json.at(key).get<double>() * static_cast<double>(samples));
  };
  return {.index = json.at("index").get<std::int64_t>(),
          .name = json.at("name").get<std::string>(),
          .samples = samples,
          .fp32_correct = count("fp32"),
          .int8_correct = count("int8")};
}

OutputResult output_of(const Json& json) {
  return {.name = json.at("name").get<std::string>(),
          .sqnr_db = decibels_of(json.at("sqnr_db"), json.at("identical").get<bool>()),
          .max_abs_difference = json.at("max_abs_difference").get<double>(),
          .not_finite = json.at("not_finite").get<std::int64_t>(),
          .not_compared = json.at("not_compared").get<std::int64_t>()};
}

Validation validation_of(const Json& json) {
  Validation v{.samples = json.at("samples").get<std::int64_t>(),
               .labelled = json.at("labelled").get<std::int64_t>(),
               .has_class_scores = json.at("has_class_scores").get<bool>(),
               .fp32 = accuracy_of(json.at("fp32")),
               .int8 = accuracy_of(json.at("int8")),
               .max_abs_difference = json.at("max_abs_difference").get<double>()};
  if (!json.at("agreement").is_null()) v.agreement = json.at("agreement").get<double>();
  v.sqnr_db = decibels_of(json.at("sqnr_db"), v.max_abs_difference == 0);
  for (const Json& entry : json.at("classes")) v.classes.push_back(class_of(entry));
  for (const Json& entry : json.at("outputs")) v.outputs.push_back(output_of(entry));
  for (const Json& entry : json.at("gates")) {
    const auto name = entry.at("name").get<std::string>();
    v.gates.push_back({.name = name,
                       .value = decibels_of(entry.at("value"), v.max_abs_difference == 0),
                       .limit = entry.at("limit").get<double>(),
                       .unit = entry.at("unit").get<std::string>(),
                       .passed = entry.at("passed").get<bool>(),
                       .subject = entry.value("class", "")});
  }
  return v;
}

}  // namespace

ValidationReport parse_json_report(std::string_view text, std::string_view source) {
  try {
    const Json json = Json::parse(text);
    return {.validation = validation_of(json),
            .fp32 = model_of(json.at("fp32")),
            .int8 = model_of(json.at("int8")),
            .q8_version = json.at("q8").get<std::string>(),
            .per_class = true};
  } catch (const Json::exception& error) {
    // "[json.exception.out_of_range.403] key 'samples' not found": the number is the library's.
    const std::string what = error.what();
    throw bad_input(std::string(source) +
                    ": not a report of q8 validate: " + what.substr(what.find("] ") + 2));
  }
}

}  // namespace q8

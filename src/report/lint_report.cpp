#include "report/lint_report.h"

#include <map>
#include <nlohmann/json.hpp>

#include "report/json_text.h"
#include "report/text_table.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

constexpr FindingLevel kLevels[] = {FindingLevel::kError, FindingLevel::kWarning,
                                    FindingLevel::kNote};

std::string counts_text(const LintResult& result) {
  std::string text;
  for (const FindingLevel level : kLevels) {
    const std::size_t count = result.count(level);
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " +
            std::string(level_name(level)) + (count == 1 ? "" : "s");
  }
  return text;
}

}  // namespace

std::string lint_text(const LintResult& result, const Target& target, const std::string& file) {
  constexpr std::size_t kShown = 20;  // of one rule at one level: more say nothing new
  std::map<std::pair<FindingLevel, std::string_view>, std::size_t> seen;
  TextTable table("lll");
  const auto add = [&](const Finding& finding, const std::string& message) {
    table.add(
        {std::string(level_name(finding.level)), std::string(finding.rule), printable(message)});
  };
  for (std::size_t i = 0; i < result.findings.size(); ++i) {
    const Finding& finding = result.findings[i];
    const std::size_t count = ++seen[{finding.level, finding.rule}];
    if (count <= kShown) add(finding, finding.message);
    const bool last = i + 1 == result.findings.size() ||
                      result.findings[i + 1].rule != finding.rule ||
                      result.findings[i + 1].level != finding.level;
    if (last && count > kShown)
      add(finding, "… and " + std::to_string(count - kShown) + " more (--json has all)");
  }
  const std::int64_t products = result.integer_products + result.float_products;
  return printable(file) + " for " + std::string(target.name) + ": " +
         std::to_string(result.integer_products) + " of " + std::to_string(products) +
         " Conv, Gemm, MatMul in integers, " + std::to_string(result.pairs) + " Q/DQ pairs, " +
         std::to_string(result.float_islands) + " float islands\n" + table.str() +
         counts_text(result) + "\nthe target's facts: " + std::string(target.documentation) + "\n";
}

std::string lint_json(const LintResult& result, const Target& target, const std::string& file) {
  Json json = {{"kind", "lint"},
               {"file", file},
               {"target", target.name},
               {"documentation", target.documentation},
               {"integer_products", result.integer_products},
               {"float_products", result.float_products},
               {"pairs", result.pairs},
               {"float_islands", result.float_islands}};
  for (const FindingLevel level : kLevels)
    json[std::string(level_name(level)) + "s"] = result.count(level);
  json["findings"] = Json::array();
  for (const Finding& finding : result.findings)
    json["findings"].push_back({{"level", level_name(finding.level)},
                                {"rule", finding.rule},
                                {"node", finding.node},
                                {"message", finding.message}});
  return json_text(json);
}

}  // namespace q8

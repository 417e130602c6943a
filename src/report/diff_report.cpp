#include "report/diff_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/figures.h"
#include "report/json_text.h"
#include "report/text_table.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

// One kind of difference: a line that counts, and its rows; nothing where there are none.
template <typename Row, typename Cells>
std::string section(const std::string& title, const std::vector<Row>& rows, Cells&& cells) {
  constexpr std::size_t kShown = 20;
  if (rows.empty()) return {};
  TextTable table("lll");
  for (std::size_t i = 0; i < std::min(rows.size(), kShown); ++i) {
    std::vector<std::string> row = cells(rows[i]);
    for (std::string& cell : row) cell = printable(cell);
    table.add(std::move(row));
  }
  std::string text = title + "\n" + table.str();
  if (rows.size() > kShown)
    text += "  … and " + std::to_string(rows.size() - kShown) + " more (--json has all)\n";
  return text;
}

std::string or_none(const std::string& text) {
  return text.empty() ? "–" : text;
}

std::string first_line(const std::string& text) {
  const std::size_t end = text.find('\n');
  return or_none(end == std::string::npos ? text : text.substr(0, end) + " …");
}

std::string count(std::size_t differing, std::int64_t compared, const std::string& what) {
  return std::to_string(differing) + " differences among " + std::to_string(compared) + " " + what;
}

std::vector<std::string> constant_cells(const ConstantDifference& d) {
  if (d.elements == 0) return {d.value, or_none(d.a), or_none(d.b)};
  return {d.value, d.a,
          std::to_string(d.differing) + " of " + std::to_string(d.elements) + " differ, by up to " +
              small_number(d.largest)};
}

}  // namespace

std::string diff_text(const ModelDiff& diff, const std::string& a, const std::string& b) {
  const std::string both = printable(a) + " and " + printable(b);
  if (diff.same())
    return both + " are the same: " + std::to_string(diff.compared_nodes) + " nodes, " +
           std::to_string(diff.compared_parameters) + " scales and zero points, " +
           std::to_string(diff.compared_constants) + " other constants\n";
  return both + " differ\n" +
         section(count(diff.structure.size(), diff.compared_nodes, "nodes"), diff.structure,
                 [](const StructureDifference& d) -> std::vector<std::string> {
                   return {d.what, d.how};
                 }) +
         section(count(diff.parameters.size(), diff.compared_parameters, "scales and zero points"),
                 diff.parameters,
                 [](const ParameterDifference& d) -> std::vector<std::string> {
                   return {d.value, or_none(d.a), or_none(d.b)};
                 }) +
         section(count(diff.constants.size(), diff.compared_constants, "weights and constants"),
                 diff.constants, constant_cells) +
         section(std::to_string(diff.metadata.size()) + " differences in the metadata",
                 diff.metadata, [](const MetadataDifference& d) -> std::vector<std::string> {
                   return {d.key, first_line(d.a), first_line(d.b)};
                 });
}

std::string diff_json(const ModelDiff& diff, const std::string& a, const std::string& b) {
  Json json = {{"kind", "diff"},
               {"a", a},
               {"b", b},
               {"same", diff.same()},
               {"same_graph", diff.same_graph()},
               {"compared",
                {{"nodes", diff.compared_nodes},
                 {"parameters", diff.compared_parameters},
                 {"constants", diff.compared_constants}}},
               {"structure", Json::array()},
               {"parameters", Json::array()},
               {"constants", Json::array()},
               {"metadata", Json::array()}};
  for (const StructureDifference& d : diff.structure)
    json["structure"].push_back({{"what", d.what}, {"how", d.how}});
  for (const ParameterDifference& d : diff.parameters)
    json["parameters"].push_back(
        {{"value", d.value}, {"a", d.a}, {"b", d.b}, {"scale_ratio", d.scale_ratio}});
  for (const ConstantDifference& d : diff.constants)
    json["constants"].push_back({{"value", d.value},
                                 {"a", d.a},
                                 {"b", d.b},
                                 {"elements", d.elements},
                                 {"differing", d.differing},
                                 {"largest", d.largest}});
  for (const MetadataDifference& d : diff.metadata)
    json["metadata"].push_back({{"key", d.key}, {"a", d.a}, {"b", d.b}});
  return json_text(json);
}

}  // namespace q8

#include "data/csv.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace q8 {
namespace {

// Empty result: a quote was opened and not closed.
std::vector<std::string> split_line(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) fields.clear();
  return fields;
}

}  // namespace

int Csv::column(std::string_view name) const {
  const auto it = std::ranges::find(columns, name);
  return it == columns.end() ? -1 : static_cast<int>(it - columns.begin());
}

Csv read_csv(const std::filesystem::path& path) {
  std::string text = read_text_file(path);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // UTF-8's byte order mark
  std::istringstream lines(text);
  Csv csv;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const auto place = [&] { return path.string() + ": line " + std::to_string(number) + ": "; };
    std::vector<std::string> fields = split_line(line);
    if (fields.empty()) throw bad_input(place() + "a quote is not closed");
    if (csv.columns.empty()) {
      csv.columns = std::move(fields);
      continue;
    }
    if (fields.size() != csv.columns.size())
      throw bad_input(place() + std::to_string(csv.columns.size()) + " fields expected, found " +
                      std::to_string(fields.size()));
    csv.rows.push_back({number, std::move(fields)});
  }
  return csv;
}

}  // namespace q8

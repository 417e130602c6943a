#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace q8 {

// A table of text: the first line names the columns. Fields are separated by commas; one in double
// quotes may hold commas, and quotes written twice (RFC 4180). Empty lines do not count.
struct Csv {
  struct Row {
    int line = 0;                     // in the file, from 1
    std::vector<std::string> fields;  // as many as columns
  };
  std::vector<std::string> columns;
  std::vector<Row> rows;

  int column(std::string_view name) const;  // −1 where there is none
};

// Throws bad_input, naming file and line, for rows of another length and for open quotes.
Csv read_csv(const std::filesystem::path& path);

}  // namespace q8

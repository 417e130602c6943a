#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace q8 {

// Columns of text for a terminal: as wide as they must be, two spaces between them, counted in
// terminal cells and not in bytes.
class TextTable {
 public:
  // One letter a column: 'l' left or 'r' right; rows may be shorter.
  explicit TextTable(std::string alignment) : alignment_(std::move(alignment)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string str() const;  // each line indented by two spaces and ended

 private:
  std::string alignment_;
  std::vector<std::vector<std::string>> rows_;
};

// Terminal cells that UTF-8 text takes: combining marks none, East Asian wide characters two.
std::size_t display_width(std::string_view text);

// Control characters, which could move a terminal's cursor or colour it, become '?'.
std::string printable(std::string_view text);

}  // namespace q8

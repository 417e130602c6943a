#include "report/text_table.h"

#include <algorithm>
#include <cstdint>

namespace q8 {
namespace {

struct CodePoints {
  std::uint32_t first, last;
};
// Blocks of combining marks and of East Asian wide characters (Unicode Standard Annex 11).
constexpr CodePoints kCombining[] = {{0x0300, 0x036F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
                                     {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F},
                                     {0xFE20, 0xFE2F}};
constexpr CodePoints kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},  {0x3041, 0xA4CF},
                                {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},
                                {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                                {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <std::size_t N>
bool in(const CodePoints (&blocks)[N], std::uint32_t code) {
  return std::ranges::any_of(
      blocks, [&](const CodePoints& block) { return block.first <= code && code <= block.last; });
}

std::size_t cells(std::uint32_t code) {
  return in(kCombining, code) ? 0 : in(kWide, code) ? 2 : 1;
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    std::uint32_t code = lead < 0x80   ? lead
                         : lead < 0xE0 ? lead & 0x1Fu
                         : lead < 0xF0 ? lead & 0x0Fu
                                       : lead & 0x07u;
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0u) == 0x80u)
      code = (code << 6) | (static_cast<unsigned char>(text[i++]) & 0x3Fu);
    width += cells(code);
  }
  return width;
}

std::string printable(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return result;
}

std::string TextTable::str() const {
  std::vector<std::size_t> widths(alignment_.size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string fill(widths[i] - display_width(row[i]), ' ');
      line += "  " + (alignment_[i] == 'r' ? fill + row[i] : row[i] + fill);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace q8

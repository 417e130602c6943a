#pragma once

#include <CLI/CLI.hpp>

namespace q8::cli {

// How --help writes an option: its names and what its value is. The parser's own words for types
// and the list of options that exclude it are left out; an error says those when they matter.
class HelpFormat final : public CLI::Formatter {
 private:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
  std::string make_option_opts(const CLI::Option* option) const override;
};

}  // namespace q8::cli

#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace q8::cli {

// q8.toml. What stands there is passed over where the command line has an option that excludes it:
// the command line wins over a file that is there for all runs.
class ConfigFile final : public CLI::ConfigBase {
 public:
  explicit ConfigFile(const CLI::App& app) : app_(app) {}

  // Called when the command line is parsed and nothing of the file has been taken yet.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

  // " (from q8.toml: observer)" for a message on options that were not given on the command
  // line; empty for others.
  std::string origin_of_options(const std::string& message) const;

 private:
  const CLI::App& app_;
  mutable std::vector<std::string> taken_;  // names of options; from_config() is const by its base
};

}  // namespace q8::cli

#pragma once

#include <CLI/CLI.hpp>

namespace q8::cli {

// q8.toml. What stands there is passed over where the command line has an option that excludes it:
// the command line wins over a file that is there for all runs.
class ConfigFile final : public CLI::ConfigBase {
 public:
  explicit ConfigFile(const CLI::App& app) : app_(app) {}

  // Called when the command line is parsed and nothing of the file has been taken yet.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

 private:
  const CLI::App& app_;
};

}  // namespace q8::cli

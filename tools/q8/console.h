#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "q8/host.h"

namespace q8::cli {

struct GlobalOptions {
  bool quiet = false, verbose = false;
  int threads = 0;
  std::string color = "auto", isa;
};

// Where the program speaks: results to stdout, progress, warnings and errors to stderr.
class Console {
 public:
  Console(const GlobalOptions& options, std::stop_token stop);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  Host host();                          // what jobs are given
  void print(const std::string& text);  // a result, to stdout, as it is
  void info(const std::string& text);   // not with --quiet
  void warn(const std::string& text);
  void error(const std::string& text);
  bool is_verbose() const { return options_.verbose; }

 private:
  using Clock = std::chrono::steady_clock;
  void show_progress(std::string_view what, std::int64_t done, std::int64_t total);
  void clear_bar();

  GlobalOptions options_;
  std::stop_token stop_;
  bool is_terminal_ = false;
  bool bar_shown_ = false;
  std::string step_;
  Clock::time_point step_began_ = {}, last_shown_ = {};
};

}  // namespace q8::cli

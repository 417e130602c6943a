#include "console.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "q8/error.h"

namespace q8::cli {

Console::Console(const GlobalOptions& options, std::stop_token stop)
    : options_(options), stop_(std::move(stop)), is_terminal_(isatty(STDERR_FILENO) == 1) {
  const auto mode = options.color == "always"  ? spdlog::color_mode::always
                    : options.color == "never" ? spdlog::color_mode::never
                                               : spdlog::color_mode::automatic;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(mode);
  auto logger = std::make_shared<spdlog::logger>("q8", std::move(sink));
  logger->set_pattern("%^%l%$: %v");
  logger->set_level(options.quiet     ? spdlog::level::err
                    : options.verbose ? spdlog::level::debug
                                      : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

Console::~Console() {
  clear_bar();
}

Host Console::host() {
  Host host;
  host.threads = options_.threads;
  host.isa = options_.isa;
  host.stop = stop_;
  host.warn = [this](const std::string& text) { warn(text); };
  if (!options_.quiet)
    host.progress = [this](std::string_view what, std::int64_t done, std::int64_t total) {
      show_progress(what, done, total);
    };
  return host;
}

void Console::print(const std::string& text) {
  clear_bar();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw resource_error("the result cannot be written to stdout: " +
                         std::generic_category().message(errno));
}

void Console::info(const std::string& text) {
  clear_bar();
  spdlog::info("{}", text);
}

void Console::warn(const std::string& text) {
  clear_bar();
  spdlog::warn("{}", text);
}

void Console::error(const std::string& text) {
  clear_bar();
  spdlog::error("{}", text);
}

void Console::clear_bar() {
  if (!bar_shown_) return;
  std::fputs("\r\x1b[K", stderr);
  bar_shown_ = false;
}

// A bar that is redrawn on a terminal, a line every few seconds elsewhere.
void Console::show_progress(std::string_view what, std::int64_t done, std::int64_t total) {
  const auto now = Clock::now();
  if (what != step_) {
    step_ = what;
    step_began_ = now;
    last_shown_ = now;
  }
  const auto pause = is_terminal_ ? std::chrono::milliseconds(80) : std::chrono::seconds(5);
  if (now - last_shown_ < pause) return;
  last_shown_ = now;
  const double elapsed = std::chrono::duration<double>(now - step_began_).count();
  const double left =
      done > 0 ? elapsed * static_cast<double>(total - done) / static_cast<double>(done) : 0;
  if (!is_terminal_) {
    fmt::print(stderr, "{} {}/{}, {:.0f} s left\n", what, done, total, left);
    return;
  }
  constexpr std::int64_t kWidth = 30;
  const std::int64_t filled = total > 0 ? kWidth * done / total : 0;
  fmt::print(stderr, "\r{} [{:=<{}}{:<{}}] {}/{} {:.0f} s left\x1b[K", what, "", filled, "",
             kWidth - filled, done, total, left);
  std::fflush(stderr);
  bar_shown_ = true;
}

}  // namespace q8::cli

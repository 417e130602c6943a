#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>

#include "commands.h"
#include "config_file.h"
#include "help_format.h"
#include "interrupt.h"
#include "parse_errors.h"
#include "q8/error.h"
#include "version.h"

namespace q8::cli {
namespace {

using Runs = std::map<const CLI::App*, CommandRun>;

// The one place where errors become exit codes.
int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInternal:
      return 1;
    case ErrorKind::kUsage:
      return 2;
    case ErrorKind::kBadInput:
    case ErrorKind::kUnsupported:
    case ErrorKind::kResource:
      return 3;
    case ErrorKind::kInterrupted:
      return 130;
  }
  return 1;
}

void add_globals(CLI::App& app, GlobalOptions& options) {
  app.add_flag("-q,--quiet", options.quiet, "errors only");
  app.add_flag("-v,--verbose", options.verbose, "say more");
  app.add_option("--threads", options.threads, "threads to compute with (default: one per core)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--color", options.color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_option("--isa", options.isa, "use no better instruction set than this one")
      ->type_name("NAME");
}

// An empty value is a variable that a script forgot to set, and no wish for the default.
void refuse_empty_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options())
    if (option->get_expected_min() > 0)
      option->check(
          [](const std::string& text) { return text.empty() ? "its value is empty" : ""; }, "");
}

// The whole command line; `runs` gets what each subcommand does.
void declare(CLI::App& app, GlobalOptions& globals, bool& version, Runs& runs) {
  add_globals(app, globals);
  app.add_flag("--version", version, "the version; with --verbose also what this CPU runs");
  app.set_config("--config", "q8.toml",
                 "options by their subcommand's name (default: q8.toml, where there is one)")
      ->type_name("FILE");
  app.allow_config_extras(CLI::config_extras_mode::error);  // a typo there is one as well
  app.fallthrough();  // global options may stand behind the subcommand
  for (const CommandRow& row : commands()) {
    CLI::App* command = app.add_subcommand(row.name, row.help);
    command->fallthrough();
    runs[command] = row.add(*command);
    refuse_empty_values(*command);
  }
  refuse_empty_values(app);
  app.require_subcommand(0, 1);
  app.footer(
      "q8 COMMAND --help has the options of a command, and examples.\n"
      "exit codes: 0 done and every gate held, 1 internal error, 2 usage, 3 bad or unsupported "
      "input, 4 a gate failed, 130 interrupted");
}

// Does the work; the one place that catches what it throws.
int carry_out(const CommandRun& work, Console& console, const ConfigFile& config) {
  try {
    return work(console);
  } catch (const Error& error) {
    const bool is_usage = error.kind() == ErrorKind::kUsage;
    console.error(error.what() + (is_usage ? config.origin_of_options(error.what()) : ""));
    return exit_code(error.kind());
  } catch (const std::filesystem::filesystem_error& error) {
    console.error(error.path1().string() + ": " + error.code().message());
    return exit_code(ErrorKind::kResource);
  } catch (const std::bad_alloc&) {
    console.error("out of memory");
    return exit_code(ErrorKind::kResource);
  } catch (const std::exception& error) {
    console.error(std::string("internal error: ") + error.what() + "; please report it");
    return exit_code(ErrorKind::kInternal);
  }
}

int run(int argc, char** argv) {
  const std::stop_token stop = stop_on_signals();
  GlobalOptions globals;
  CLI::App app(
      "Post-training INT8 quantization of ONNX models: calibrate, quantize, validate.\n"
      "  q8 calibrate model.onnx --data images/\n"
      "  q8 quantize --per-channel\n"
      "  q8 validate --per-class",
      "q8");
  app.formatter(std::make_shared<HelpFormat>());  // of all subcommands, as the next line
  const auto config = std::make_shared<ConfigFile>(app);
  app.config_formatter(config);
  bool version = false;
  Runs runs;
  declare(app, globals, version, runs);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (asks_for_help(app)) {
      std::cout << app.help();
      return 0;
    }
    const std::string message =
        message_of(app, error, std::span(argv, static_cast<std::size_t>(argc)));
    std::cerr << "error: " << message << config->origin_of_options(message) << " (q8 --help)\n";
    return exit_code(ErrorKind::kUsage);
  }
  Console console(globals, stop);
  CommandRun work;
  if (version)
    work = [&](Console& to) {
      to.print(version_text(globals.verbose));
      return 0;
    };
  else if (const auto chosen = app.get_subcommands(); !chosen.empty())
    work = runs.at(chosen[0]);
  if (work) return carry_out(work, console, *config);
  std::cerr << app.help();
  return exit_code(ErrorKind::kUsage);
}

}  // namespace
}  // namespace q8::cli

int main(int argc, char** argv) {
  // Where stdout is closed, the next file opened would get its number, and what is printed.
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", O_RDONLY);
  return q8::cli::run(argc, argv);
}

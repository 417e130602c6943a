#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <map>

#include "commands.h"
#include "config_file.h"
#include "help_format.h"
#include "interrupt.h"
#include "q8/error.h"
#include "suggest.h"
#include "version.h"

namespace q8::cli {
namespace {

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

// The key of the configuration file that nobody knows, or the name of its section; empty for other
// errors.
std::string unknown_key(const CLI::ParseError& error) {
  const std::string_view kBefore = "INI was not able to parse ", kSection = ".++";
  std::string key = error.what();
  if (!key.starts_with(kBefore)) return {};
  key.erase(0, kBefore.size());
  return key.substr(0, key.find(kSection));
}

std::string message_of(const CLI::App& app, const CLI::ParseError& error) {
  if (const std::string key = unknown_key(error); !key.empty())
    return app.get_config_ptr()->as<std::string>() + ": there is no option '" + key + "'";
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::vector<std::string> extras = app.remaining(true);
    const std::string& first = extras.at(0);
    if (first[0] == '-') return "no such option: " + first;
    if (app.get_subcommands().empty()) return "no such command: " + first;
    return "unexpected argument: " + first;
  }
  std::string message = error.what();
  while (!message.empty() && message.back() == '\n') message.pop_back();
  std::replace(message.begin(), message.end(), '\n', ' ');
  // The parser's own words for these two speak of types and counts.
  const std::string option = message.substr(0, message.find(':'));
  if (message.ends_with(" missing")) return option + ": its value is missing";
  if (message.find(": At Most 1 ") != std::string::npos) return option + " is given more than once";
  return message;
}

int report_parse_error(const CLI::App& app, const CLI::ParseError& error,
                       std::span<char*> arguments) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help
  const std::string key = unknown_key(error);
  const std::string hint = key.empty() ? suggestion(app, arguments) : key_suggestion(app, key);
  std::cerr << "error: " << message_of(app, error)
            << (hint.empty() ? "" : "; did you mean '" + hint + "'?") << " (q8 --help)\n";
  return exit_code(ErrorKind::kUsage);
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
  app.config_formatter(std::make_shared<ConfigFile>(app));
  add_globals(app, globals);
  bool version = false;
  app.add_flag("--version", version, "the version; with --verbose also what this CPU runs");
  app.set_config("--config", "q8.toml",
                 "options by their subcommand's name (default: q8.toml, where there is one)")
      ->type_name("FILE");
  app.allow_config_extras(CLI::config_extras_mode::error);  // a typo there is one as well
  app.fallthrough();  // global options may stand behind the subcommand
  std::map<const CLI::App*, CommandRun> runs;
  for (const CommandRow& row : commands()) {
    CLI::App* command = app.add_subcommand(row.name, row.help);
    command->fallthrough();
    runs[command] = row.add(*command);
  }
  app.require_subcommand(0, 1);
  app.footer(
      "q8 COMMAND --help has the options of a command, and examples.\n"
      "exit codes: 0 done and every gate held, 1 internal error, 2 usage, 3 bad or unsupported "
      "input, 4 a gate failed, 130 interrupted");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error, std::span(argv, static_cast<std::size_t>(argc)));
  }
  Console console(globals, stop);
  const auto chosen = app.get_subcommands();
  if (chosen.empty() && !version) {
    std::cerr << app.help();
    return exit_code(ErrorKind::kUsage);
  }
  try {
    if (version) {
      console.print(version_text(globals.verbose));
      return 0;
    }
    return runs.at(chosen[0])(console);
  } catch (const Error& error) {
    console.error(error.what());
    return exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    console.error("out of memory");
    return exit_code(ErrorKind::kResource);
  } catch (const std::exception& error) {
    console.error(std::string("internal error: ") + error.what() + "; please report it");
    return exit_code(ErrorKind::kInternal);
  }
}

}  // namespace
}  // namespace q8::cli

int main(int argc, char** argv) {
  // Where stdout is closed, the next file opened would get its number, and what is printed.
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor)
    if (fcntl(descriptor, F_GETFD) < 0) open("/dev/null", O_RDONLY);
  return q8::cli::run(argc, argv);
}

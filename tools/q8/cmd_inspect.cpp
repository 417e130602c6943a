#include "commands.h"
#include "json_output.h"
#include "q8/error.h"
#include "q8/inspect.h"
#include "q8/output_file.h"

namespace q8::cli {
namespace {

struct Options {
  std::filesystem::path file;
  JsonOutput json;
  std::string target;
  bool strict = false, verify = false;
  VerifyOptions provenance;
  std::string html, format, output;
  std::optional<std::string> observer;
};

int check(const Inspection& inspection, const JsonOutput& json, Console& console) {
  json.deliver(inspection.text, console);
  return inspection.passed ? 0 : 4;
}

int run(const Options& options, Console& console) {
  const bool other = !options.html.empty() || !options.format.empty();
  if (options.json.is_asked_for() && other)
    throw usage_error("--json excludes --html and --export");
  if (options.format.empty() && !options.output.empty()) throw usage_error("-o goes with --export");
  if (options.format.empty() && options.observer)
    throw usage_error("--observer goes with --export");
  if (options.strict && options.target.empty()) throw usage_error("--strict goes with --target");
  if (!options.verify &&
      (options.provenance.calibration || options.provenance.source || options.provenance.plan))
    throw usage_error("--calibration, --source and --plan go with --verify");
  check_outputs({options.json.file(),
                 {.option = "--html", .path = options.html, .may_be_stdout = true},
                 {.option = "-o", .path = options.output, .may_be_stdout = true}},
                {options.file});
  if (options.verify) {
    if (other || !options.target.empty())
      throw usage_error("--verify excludes --target, --html and --export");
    VerifyOptions provenance = options.provenance;
    provenance.json = options.json.is_asked_for();
    return check(verify_file(options.file, provenance, console.host()), options.json, console);
  }
  if (!options.target.empty()) {
    if (other) throw usage_error("--target excludes --html and --export");
    const LintOptions lint{options.target, options.strict, options.json.is_asked_for()};
    return check(lint_file(options.file, lint), options.json, console);
  }
  if (!options.html.empty()) deliver(console, options.html, profile_page(options.file));
  if (!options.format.empty())
    deliver(console, options.output,
            export_profile(options.file, options.format, options.observer.value_or("auto")));
  if (!other)
    options.json.deliver(inspect_file(options.file, options.json.is_asked_for()), console);
  return 0;
}

}  // namespace

CommandRun add_inspect(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("file", options->file, "ONNX model, calibration profile or JSON report")
      ->type_name("FILE")
      ->required();
  options->json.add_to(command);
  command
      .add_option("--target", options->target,
                  "of a quantized model: what does not suit this runtime (see quantize --help)")
      ->type_name("NAME");
  command.add_flag("--strict", options->strict, "with --target: warnings fail too");
  command.add_flag("--verify", options->verify,
                   "of a model that q8 quantized: recompute the hashes of what it was made of");
  command
      .add_option("--calibration", options->provenance.calibration,
                  "with --verify: the profile (default: the only one beside the model)")
      ->type_name("FILE");
  command
      .add_option("--source", options->provenance.source,
                  "with --verify: the float model (default: the profile's)")
      ->type_name("FILE");
  command
      .add_option("--plan", options->provenance.plan,
                  "with --verify: the edited plan that quantize was given by --use-plan")
      ->type_name("FILE");
  command
      .add_option("--html", options->html,
                  "of a profile: a page with histograms and ranges drawn; - is stdout")
      ->type_name("FILE");
  command
      .add_option("--export", options->format,
                  "of a profile: its ranges for another quantizer, ort-json or tensorrt-cache")
      ->type_name("FORMAT");
  command.add_option("--observer", options->observer, "whose ranges to export (default: auto)")
      ->type_name("NAME");
  command.add_option("-o,--output", options->output, "where --export writes (default: stdout)")
      ->type_name("FILE");
  command.footer(
      "examples:\n"
      "  q8 inspect model.int8.onnx\n"
      "  q8 inspect --target tensorrt model.int8.onnx\n"
      "  q8 inspect model.q8cal --html model.html\n"
      "  q8 inspect model.q8cal --export tensorrt-cache --observer entropy -o model.cache\n"
      "exit code 4: --target found an error, or --verify a difference");
  return [options](Console& console) { return run(*options, console); };
}

}  // namespace q8::cli

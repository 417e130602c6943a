#include "commands.h"
#include "json_output.h"
#include "q8/inspect.h"

namespace q8::cli {
namespace {

struct Options {
  std::filesystem::path a, b;
  DiffOptions diff;
  JsonOutput json;
};

}  // namespace

CommandRun add_diff(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("a", options->a, "ONNX model, quantized or not")
      ->type_name("FILE")
      ->required();
  command.add_option("b", options->b, "the one to compare it with")->type_name("FILE")->required();
  command.add_flag("--ignore-metadata", options->diff.ignore_metadata,
                   "models that differ in their metadata alone are the same");
  options->json.add_to(command);
  command.footer(
      "examples:\n"
      "  q8 diff yesterday.int8.onnx today.int8.onnx\n"
      "exit code 4: they differ");
  return [options](Console& console) {
    check_outputs({options->json.file()}, {options->a, options->b});
    options->diff.json = options->json.is_asked_for();
    const Inspection inspection = diff_files(options->a, options->b, options->diff);
    options->json.deliver(inspection.text, console);
    return inspection.passed ? 0 : 4;
  };
}

}  // namespace q8::cli

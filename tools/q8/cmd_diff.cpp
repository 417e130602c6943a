#include "commands.h"
#include "q8/inspect.h"

namespace q8::cli {
namespace {

struct Options {
  std::filesystem::path a, b;
  DiffOptions diff;
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
  command.add_flag("--json", options->diff.json, "as JSON");
  command.footer(
      "examples:\n"
      "  q8 diff yesterday.int8.onnx today.int8.onnx\n"
      "exit code 4: they differ");
  return [options](Console& console) {
    const Inspection inspection = diff_files(options->a, options->b, options->diff);
    console.print(inspection.text);
    return inspection.passed ? 0 : 4;
  };
}

}  // namespace q8::cli

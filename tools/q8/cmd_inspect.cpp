#include "commands.h"
#include "q8/inspect.h"

namespace q8::cli {
namespace {

struct Options {
  std::filesystem::path file;
  bool json = false;
};

}  // namespace

CommandRun add_inspect(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("file", options->file, "ONNX model, calibration profile or JSON report")
      ->required();
  command.add_flag("--json", options->json, "as JSON");
  command.footer("example: q8 inspect model.int8.onnx");
  return [options](Console& console) {
    console.print(inspect_file(options->file, options->json));
    return 0;
  };
}

}  // namespace q8::cli

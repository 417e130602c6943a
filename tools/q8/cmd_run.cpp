#include "commands.h"
#include "q8/run.h"

namespace q8::cli {

CommandRun add_run(CLI::App& command) {
  auto job = std::make_shared<RunJob>();
  command.add_option("model", job->model, "ONNX model, float or quantized")
      ->type_name("FILE")
      ->required();
  command.add_option("--inputs", job->inputs, ".npz with one array per model input")
      ->type_name("FILE")
      ->required();
  command.add_option("-o,--output", job->output, ".npz for the outputs")
      ->type_name("FILE")
      ->required();
  command.add_flag("!--no-optimize", job->optimize, "run every node as it stands in the file");
  command.footer("example: q8 run model.onnx --inputs in.npz -o out.npz");
  return [job](Console& console) {
    run_model(*job, console.host());
    return 0;
  };
}

}  // namespace q8::cli

#include <charconv>

#include "commands.h"
#include "number_checks.h"
#include "q8/bench.h"
#include "q8/error.h"
#include "q8/output_file.h"

namespace q8::cli {
namespace {

struct Options {
  BenchJob job;
  std::vector<std::string> shapes;
  std::filesystem::path json, trace;
};

// "image=1x3x224x224". The name may hold an equals sign itself.
std::pair<std::string, std::vector<std::int64_t>> parse_shape(const std::string& text) {
  const Error wrong = usage_error("--shape " + text + ": expected NAME=1x3x224x224");
  const std::size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) throw wrong;
  std::vector<std::int64_t> dims;
  const char* at = text.data() + equals + 1;
  const char* end = text.data() + text.size();
  while (true) {
    std::int64_t dim = 0;
    const auto parsed = std::from_chars(at, end, dim);
    if (parsed.ec != std::errc() || dim < 1) throw wrong;
    dims.push_back(dim);
    at = parsed.ptr;
    if (at == end) return {text.substr(0, equals), dims};
    if (*at++ != 'x') throw wrong;
  }
}

}  // namespace

CommandRun add_bench(CLI::App& command) {
  auto options = std::make_shared<Options>();
  BenchJob& job = options->job;
  command.add_option("model", job.fp32, "ONNX model")->type_name("FILE")->required();
  command.add_option("int8", job.int8, "its INT8 model, measured in turns with it")
      ->type_name("FILE");
  command.add_option("--runs", job.runs, "how many runs of each model (default 50)")
      ->check(whole_number(1));
  command.add_option("--warmup", job.warmup, "runs before those (default 5)")
      ->check(whole_number(0));
  command.add_option("--batch", job.batch, "size of first dimensions that are open (default 1)")
      ->check(whole_number(1));
  command.add_option("--shape", options->shapes, "shape of an input; may be repeated")
      ->type_name("NAME=1x3x224x224")
      ->allow_extra_args(false);
  command
      .add_option("--min-speedup", job.min_speedup,
                  "gate: how many times faster INT8 must be, by the medians")
      ->check(finite_number());
  command.add_flag("--profile", job.profile, "also the time of every node and operator type");
  command.add_option("--json", options->json, "write results for machines; - is stdout")
      ->type_name("FILE");
  command
      .add_option("--trace", options->trace,
                  "write that profile as a Chrome trace, for trace viewers; implies --profile")
      ->type_name("FILE");
  command.footer(
      "examples:\n"
      "  q8 bench model.onnx model.int8.onnx --threads 1\n"
      "  q8 bench model.onnx model.int8.onnx --batch 8 --min-speedup 2 --json bench.json");
  return [options](Console& console) {
    for (const std::string& shape : options->shapes)
      options->job.shapes.push_back(parse_shape(shape));
    if (!options->trace.empty()) options->job.profile = true;
    check_outputs({{.option = "--json", .path = options->json, .may_be_stdout = true},
                   {.option = "--trace", .path = options->trace}},
                  {options->job.fp32, options->job.int8});
    const BenchResult result = bench_models(options->job, console.host());
    if (options->json == "-")
      console.print(bench_json(result));
    else
      console.print(bench_text(result));
    if (!options->json.empty() && options->json != "-") save_bench(result, options->json);
    if (!options->trace.empty()) save_bench_trace(result, options->trace);
    return result.gate && !result.gate->passed ? 4 : 0;
  };
}

}  // namespace q8::cli

#include <fmt/format.h>

#include "commands.h"
#include "data_options.h"
#include "number_checks.h"
#include "q8/calibrate.h"
#include "q8/error.h"

namespace q8::cli {
namespace {

struct Options {
  CalibrateJob job;
  std::vector<std::filesystem::path> merge;
  std::string shard;
};

void parse_shard(const std::string& text, CalibrateJob& job) {
  if (text.empty()) return;
  int consumed = 0;
  if (std::sscanf(text.c_str(), "%ld/%ld%n", &job.shard, &job.shards, &consumed) != 2 ||
      static_cast<std::size_t>(consumed) != text.size() || job.shard < 1 || job.shard > job.shards)
    throw usage_error("--shard " + text + ": expected I/N with 1 <= I <= N, for example 1/3");
}

CalibrateResult run(Options& options, Console& console) {
  if (!options.merge.empty()) {
    if (!options.job.model.empty()) throw usage_error("--merge takes profiles, not a model");
    if (options.job.output.empty()) throw usage_error("--merge needs -o OUT.q8cal");
    return merge_profile_files(options.merge, options.job.output, options.job.stamp);
  }
  if (options.job.model.empty()) throw usage_error("calibrate needs a model (or --merge)");
  parse_shard(options.shard, options.job);
  return calibrate_model(options.job, console.host());
}

}  // namespace

CommandRun add_calibrate(CLI::App& command) {
  auto options = std::make_shared<Options>();
  CalibrateJob& job = options->job;
  command.add_option("model", job.model, "ONNX model in FP32")->type_name("FILE");
  add_data_options(command, job.data);
  command
      .add_option("--samples", job.samples,
                  "at most so many, spread over the classes where there are labels (default 500)")
      ->check(whole_number(1));
  command.add_option("--seed", job.seed, "choose them at random, the same for the same number")
      ->check(whole_number(0));
  command.add_option("--shard", options->shard, "only every N-th sample, from the I-th")
      ->type_name("I/N");
  add_mask_option(command, job.mask);
  auto* merge = command.add_option("--merge", options->merge, "make one profile of several")
                    ->type_name("FILE");
  command.add_flag("--profile-cost", job.profile_cost,
                   "also run every sample without statistics, and say what they cost");
  command.add_flag("--resume", job.resume, "go on from an interrupted profile");
  command.add_flag("--stamp", job.stamp, "write the date and time into the profile");
  for (const char* option : {"--data", "--manifest", "--labels", "--preprocess", "--samples",
                             "--seed", "--shard", "--mask", "--profile-cost", "--resume"})
    merge->excludes(command.get_option(option));
  command.add_option("-o,--output", job.output, "profile to write (default: <model>.q8cal)")
      ->type_name("FILE");
  command.footer(
      "examples:\n"
      "  q8 calibrate model.onnx --data images/\n"
      "  q8 calibrate model.onnx --data a.npz-folder/ --samples 200 --seed 1 -o model.q8cal\n"
      "  q8 calibrate --merge part1.q8cal part2.q8cal -o model.q8cal");
  return [options](Console& console) {
    const CalibrateResult result = run(*options, console);
    console.print(fmt::format("{}: {} samples, {} tensors\n", result.profile.string(),
                              result.samples, result.tensors));
    if (result.forward_ms && result.observed_ms)
      console.print(fmt::format(
          "forward pass {:.2f} ms, with statistics {:.2f} ms: {:.2f} times (medians of a sample)\n",
          *result.forward_ms, *result.observed_ms, *result.observed_ms / *result.forward_ms));
    return 0;
  };
}

}  // namespace q8::cli

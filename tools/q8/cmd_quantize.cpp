#include <fmt/format.h>

#include "commands.h"
#include "data_options.h"
#include "q8/error.h"
#include "q8/quantize.h"

namespace q8::cli {
namespace {

struct Options {
  QuantizeJob job;
  bool per_tensor = false, per_channel = false;
  std::vector<std::string> metadata;
};

void parse_metadata(const std::vector<std::string>& entries, QuantizeJob& job) {
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw usage_error("--metadata " + entry + ": expected KEY=VALUE");
    job.metadata.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
}

void check_percentile(const QuantizeJob& job, const CLI::Option& percentile) {
  const bool used =
      job.observer == "percentile" || job.observer == "auto" || !job.observer_for.empty();
  if (percentile.count() > 0 && !used)
    throw usage_error("--percentile plays no part in --observer " + job.observer);
}

std::string summary(const QuantizeResult& result) {
  const auto before = static_cast<double>(result.float_bytes);
  const auto after = static_cast<double>(result.int8_bytes);
  // Nodes that quantize weigh more than small weights do.
  const bool smaller = after <= before;
  const std::string weights =
      result.weight_nodes > 0
          ? fmt::format(", {} with quantized weights alone", result.weight_nodes)
          : "";
  return fmt::format("{}: {} of {} nodes in integers{}, {:.1f} → {:.1f} KB ({:.2f}x {})\n",
                     result.model.string(), result.integer_nodes,
                     result.integer_nodes + result.weight_nodes + result.float_nodes, weights,
                     before / 1024, after / 1024, smaller ? before / after : after / before,
                     smaller ? "smaller" : "larger");
}

std::string recover_help() {
  std::string text = "none, or accuracy-recovery passes, with commas between them:";
  for (const RecoveryPassHelp& row : list_recovery_passes())
    text += "\n" + std::string(row.name) + (row.by_default ? " (default): " : ": ") +
            std::string(row.help);
  return text;
}

std::string target_help() {
  std::string text = "runtime to write for:";
  for (const TargetHelp& row : list_targets())
    text += "\n" + std::string(row.name) + ": " + std::string(row.help);
  return text;
}

}  // namespace

CommandRun add_quantize(CLI::App& command) {
  auto options = std::make_shared<Options>();
  QuantizeJob& job = options->job;
  command.add_option("model", job.model, "ONNX model in FP32 (default: the profile's)");
  command.add_option("--calibration", job.calibration,
                     "profile of q8 calibrate (default: the only *.q8cal here)");
  add_data_options(command, job.data);
  add_mask_option(command, job.mask);
  auto* per_tensor =
      command.add_flag("--per-tensor", options->per_tensor, "one scale per weight tensor");
  command.add_flag("--per-channel", options->per_channel, "one scale per output channel (default)")
      ->excludes(per_tensor);
  command.add_option("--observer", job.observer, "auto, minmax, percentile, entropy, mse …");
  auto* percentile =
      command
          .add_option("--percentile", job.percentile, "of --observer percentile (default 99.99)")
          ->check(CLI::Range(50.0, 100.0));
  command
      .add_option("--weight-observer", job.weight_observer,
                  "of weight channels: minmax (default) or mse")
      ->check(CLI::IsMember({"minmax", "mse"}));
  command
      .add_option("--observer-for", job.observer_for,
                  "PATTERN=OBSERVER of value names, such as 'head/*=percentile:99.9'")
      ->allow_extra_args(false);
  command
      .add_option("--type-for", job.type_for,
                  "PATTERN=u8, s8, u16, s16 or float, of value names; 16 bits need --opset 21")
      ->allow_extra_args(false);
  command
      .add_option("--weights", job.weights,
                  "type of weights: s8 (default), or s4, which needs --opset 21")
      ->check(CLI::IsMember({"s8", "s4"}));
  command
      .add_option("--block-size", job.block_size,
                  "inputs of a channel that share a scale of s4 weights; 0: all of them (default: "
                  "32 in --mode weights, else 0)")
      ->check(CLI::Range(0, 65536));
  command
      .add_option("--opset", job.opset,
                  "convert the model to at least this opset (default 13, which QDQ needs)")
      ->check(CLI::Range(13, 21));
  command
      .add_option("--mode", job.mode,
                  "static; dynamic or weights, which need no profile: ranges taken while it runs, "
                  "or for size alone")
      ->check(CLI::IsMember({"static", "dynamic", "weights"}));
  command.add_option("--format", job.format, "qdq or qoperator");
  command.add_option("--target", job.target, target_help());
  command.add_option("--exclude", job.exclude, "pattern of node names that stay float")
      ->allow_extra_args(false);
  command
      .add_option(
          "--dynamic", job.dynamic,
          "pattern of node names that quantize their input while they run, by its own range")
      ->allow_extra_args(false);
  command.add_flag("--float16-islands", job.float16_islands,
                   "store and compute in float16 what stays float, where its range allows it");
  command.add_option("--recover", job.recover, recover_help())
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--recover-samples", job.recover_samples,
                  "samples of calibration that the passes use (default 192)")
      ->check(CLI::Range(2, 1000000));
  command
      .add_option("--float-budget", job.float_budget_percent,
                  "percent of the estimated time that the placement pass may add by computing in "
                  "float (default 25)")
      ->check(CLI::Range(0.0, 1000.0));
  command.add_option("--metadata", options->metadata, "KEY=VALUE to add to the model's metadata")
      ->allow_extra_args(false);
  command.add_option("--plan", job.plan_output, "file to write the plan to, as JSON");
  command.add_option("--use-plan", job.use_plan,
                     "plan of --plan, perhaps edited, instead of making one");
  command.add_flag("--plan-only", job.plan_only, "print the plan and write nothing");
  command.add_option("-o,--output", job.output, "model to write (default: <model>.int8.onnx)");
  command.footer(
      "examples:\n"
      "  q8 quantize --per-channel\n"
      "  q8 quantize model.onnx --calibration model.q8cal --observer entropy -o small.onnx\n"
      "  q8 quantize model.onnx --data images/ --exclude 'head/*'");
  constexpr const char* kPlanned[] = {
      "--per-tensor", "--per-channel",     "--observer", "--percentile", "--observer-for",
      "--type-for",   "--weight-observer", "--mode",     "--target",     "--exclude",
      "--weights",    "--block-size",      "--opset",    "--dynamic",    "--float16-islands"};
  for (const char* option : kPlanned)
    command.get_option("--use-plan")->excludes(command.get_option(option));
  return [options, percentile](Console& console) {
    check_percentile(options->job, *percentile);
    options->job.per_channel = !options->per_tensor;
    parse_metadata(options->metadata, options->job);
    const QuantizeResult result = quantize_model(options->job, console.host());
    if (options->job.plan_only) {
      console.print(result.plan);
      return 0;
    }
    console.print(summary(result) + result.ranges + result.recovery);
    if (console.is_verbose())
      for (const std::string& trial : result.range_trials) console.info("tried " + trial);
    if (console.is_verbose())
      for (const std::string& node : result.floats) console.info("float: " + node);
    return 0;
  };
}

}  // namespace q8::cli

#include <fmt/format.h>

#include "commands.h"
#include "data_options.h"
#include "q8/error.h"
#include "q8/quantize.h"

namespace q8::cli {
namespace {

struct Options {
  QuantizeJob job;
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

// A line for each of an option's choices.
std::string help_of(std::string text, const std::vector<ChoiceHelp>& choices) {
  for (const ChoiceHelp& row : choices)
    text += "\n" + std::string(row.name) + (row.by_default ? " (default): " : ": ") +
            std::string(row.help);
  return text;
}

// What is quantized, and where its samples or their profile are.
void add_input_options(CLI::App& command, QuantizeJob& job) {
  command.add_option("model", job.model, "ONNX model in FP32 (default: the profile's)")
      ->type_name("FILE");
  auto* calibration = command
                          .add_option("--calibration", job.calibration,
                                      "profile of q8 calibrate (default: the only *.q8cal here)")
                          ->type_name("FILE");
  add_data_options(command, job.data);
  for (const char* option : {"--data", "--manifest"})
    calibration->excludes(command.get_option(option));
  add_mask_option(command, job.mask);
}

void add_weight_options(CLI::App& command, QuantizeJob& job) {
  auto* per_channel = command.add_flag("--per-channel", job.per_channel,
                                       "one weight scale for each output channel (default)");
  command.add_flag("!--per-tensor", job.per_channel, "one weight scale for each tensor")
      ->excludes(per_channel);
  command
      .add_option(
          "--weight-observer", job.weight_observer,
          "how the scale of a weight channel is chosen: minmax, mse, or auto (default): mse for "
          "s4 weights of all but convolutions")
      ->check(CLI::IsMember({"auto", "minmax", "mse"}));
  command
      .add_option("--weights", job.weights,
                  "type of weights: s8 (default), or s4, which needs --opset 21")
      ->check(CLI::IsMember({"s8", "s4"}));
  command
      .add_option("--block-size", job.block_size,
                  "inputs of a channel that share a scale of s4 weights; 0: all of them (default: "
                  "32 in --mode weights, else 0)")
      ->check(CLI::Range(0, 65536));
}

CLI::Option& add_range_options(CLI::App& command, QuantizeJob& job) {
  command
      .add_option("--observer", job.observer, help_of("how ranges are chosen:", list_observers()))
      ->type_name("NAME");
  auto* percentile =
      command
          .add_option("--percentile", job.percentile, "of --observer percentile (default 99.99)")
          ->check(CLI::Range(50.0, 100.0));
  command
      .add_option("--observer-for", job.observer_for,
                  "another observer for values by name, such as 'head/*=percentile:99.9'")
      ->type_name("PATTERN=NAME")
      ->allow_extra_args(false);
  return *percentile;
}

// Where integers go, and how they are written.
void add_form_options(CLI::App& command, QuantizeJob& job) {
  command
      .add_option("--mode", job.mode,
                  "static (default); dynamic: ranges are taken while the model runs; weights: for "
                  "size alone; the last two need no profile")
      ->check(CLI::IsMember({"static", "dynamic", "weights"}));
  command.add_option("--format", job.format, "qdq (default) or qoperator")->type_name("NAME");
  command.add_option("--target", job.target, help_of("runtime to write for:", list_targets()))
      ->type_name("NAME");
  command
      .add_option("--opset", job.opset,
                  "convert the model to at least this opset (default 13, which QDQ needs)")
      ->check(CLI::Range(13, 21));
  command
      .add_option("--type-for", job.type_for,
                  "u8, s8, u16, s16 or float for values by name; 16 bits need --opset 21")
      ->type_name("PATTERN=TYPE")
      ->allow_extra_args(false);
  command.add_option("--exclude", job.exclude, "nodes that stay float, by name")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  command
      .add_option("--dynamic", job.dynamic,
                  "nodes, by name, that quantize their input by its own range while they run")
      ->type_name("PATTERN")
      ->allow_extra_args(false);
  command.add_flag("--float16-islands", job.float16_islands,
                   "store and compute in float16 what stays float, where its range allows it");
}

void add_recovery_options(CLI::App& command, QuantizeJob& job) {
  command
      .add_option("--recover", job.recover,
                  help_of("none, or accuracy-recovery passes, with commas between them:",
                          list_recovery_passes()))
      ->type_name("LIST")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--recover-samples", job.recover_samples,
                  "samples of calibration that the passes use (default 192)")
      ->check(CLI::Range(2, 1000000));
  command
      .add_option("--float-budget", job.float_budget_percent,
                  "percent of the estimated time that the smoothing and placement passes may add "
                  "by computing in float (default 25)")
      ->check(CLI::Range(0.0, 1000.0));
}

void add_plan_options(CLI::App& command, QuantizeJob& job) {
  command.add_option("--plan", job.plan_output, "write the plan as JSON")->type_name("FILE");
  auto* use_plan = command
                       .add_option("--use-plan", job.use_plan,
                                   "plan of --plan, perhaps edited, instead of making one")
                       ->type_name("FILE");
  command.add_flag("--plan-only", job.plan_only, "print the plan and write nothing");
  constexpr const char* kPlanned[] = {
      "--per-tensor", "--per-channel",     "--observer", "--percentile", "--observer-for",
      "--type-for",   "--weight-observer", "--mode",     "--target",     "--exclude",
      "--weights",    "--block-size",      "--opset",    "--dynamic",    "--float16-islands"};
  for (const char* option : kPlanned) use_plan->excludes(command.get_option(option));
}

int run(const Options& options, Console& console) {
  const QuantizeResult result = quantize_model(options.job, console.host());
  if (options.job.plan_only) {
    console.print(result.plan);
    return 0;
  }
  console.print(summary(result) + result.ranges + result.recovery);
  if (console.is_verbose()) {
    for (const std::string& trial : result.range_trials) console.info("tried " + trial);
    for (const std::string& node : result.floats) console.info("float: " + node);
  }
  return 0;
}

}  // namespace

CommandRun add_quantize(CLI::App& command) {
  auto options = std::make_shared<Options>();
  QuantizeJob& job = options->job;
  add_input_options(command, job);
  add_weight_options(command, job);
  const CLI::Option& percentile = add_range_options(command, job);
  add_form_options(command, job);
  add_recovery_options(command, job);
  add_plan_options(command, job);
  command.add_option("--metadata", options->metadata, "an entry to add to the model's metadata")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("-o,--output", job.output, "model to write (default: <model>.int8.onnx)")
      ->type_name("FILE");
  command.footer(
      "examples:\n"
      "  q8 quantize --per-channel\n"
      "  q8 quantize model.onnx --calibration model.q8cal --observer entropy -o small.onnx\n"
      "  q8 quantize model.onnx --data images/ --exclude 'head/*'");
  return [options, &percentile](Console& console) {
    check_percentile(options->job, percentile);
    parse_metadata(options->metadata, options->job);
    return run(*options, console);
  };
}

}  // namespace q8::cli

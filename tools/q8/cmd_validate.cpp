#include "commands.h"
#include "data_options.h"
#include "number_checks.h"
#include "percentage.h"
#include "q8/validate.h"

namespace q8::cli {
namespace {

struct Options {
  ValidateJob job;
  std::string max_drop, min_class_accuracy, min_agreement;
  std::vector<ReportFile> reports;  // path empty where not asked for
};

std::optional<double> share(const char* option, const std::string& text, bool one_may_be_a_share) {
  if (text.empty()) return std::nullopt;
  return parse_percentage(option, text, one_may_be_a_share);
}

void add_gates(CLI::App& command, Options& options) {
  command
      .add_option("--max-drop", options.max_drop,
                  "gate: the most that top-1 may fall, in percentage points (default 1%)")
      ->type_name("P%");
  command
      .add_option("--min-class-accuracy", options.min_class_accuracy,
                  "gate: the least INT8 accuracy of any class")
      ->type_name("P%");
  command
      .add_option("--min-agreement", options.min_agreement,
                  "gate: how often both models must pick the same class at least")
      ->type_name("P%");
  command
      .add_option("--min-sqnr", options.job.gates.min_sqnr_db,
                  "gate: the least ratio of signal to quantization noise, in dB")
      ->check(finite_number());
}

void add_reports(CLI::App& command, Options& options) {
  for (const ReportFormat& format : report_formats())
    options.reports.push_back({.format = format.name, .path = {}});
  std::size_t i = 0;
  for (const ReportFormat& format : report_formats())
    command
        .add_option("--" + format.name, options.reports[i++].path,
                    "write " + format.help + "; - is stdout")
        ->type_name("FILE");
}

}  // namespace

CommandRun add_validate(CLI::App& command) {
  auto options = std::make_shared<Options>();
  ValidateJob& job = options->job;
  command.add_option("float", job.fp32, "ONNX model in FP32 (default: the profile's)")
      ->type_name("FILE");
  command.add_option("int8", job.int8, "its INT8 model (default: <model>.int8.onnx here)")
      ->type_name("FILE");
  command
      .add_option("--calibration", job.calibration,
                  "profile whose samples do not count (default: the *.q8cal of the model here)")
      ->type_name("FILE");
  add_data_options(command, job.data);
  add_mask_option(command, job.mask);
  command.add_option("--samples", job.samples, "at most so many (default: all)")
      ->check(whole_number(1));
  command
      .add_option("--label-offset", job.label_offset,
                  "output index of class 0: 1 where the model has a background class")
      ->check(CLI::Range(-1000000, 1000000));
  command
      .add_flag(
          "!--no-labels", job.data.use_labels,
          "sub-folders and labels.csv are not this model's classes: outputs are compared alone")
      ->excludes("--labels");
  command.add_flag("--allow-overlap", job.allow_overlap,
                   "samples that calibration saw are no error");
  command.add_flag("--per-class", job.per_class, "a table of all classes, the worst first");
  command.add_flag("--check-overflow", job.check_overflow,
                   "count, layer by layer, what would saturate in 16 bits (slower)");
  add_gates(command, *options);
  add_reports(command, *options);
  command.footer(
      "examples:\n"
      "  q8 validate --per-class\n"
      "  q8 validate model.onnx model.int8.onnx --data test/ --max-drop 0.5% --junit gates.xml\n"
      "exit code 4: a gate failed");
  return [options](Console& console) {
    GateLimits& gates = options->job.gates;
    gates.max_drop = share("--max-drop", options->max_drop, false);
    gates.min_class_accuracy = share("--min-class-accuracy", options->min_class_accuracy, true);
    gates.min_agreement = share("--min-agreement", options->min_agreement, true);
    for (const ReportFile& report : options->reports)
      if (!report.path.empty()) options->job.reports.push_back(report);
    const ValidateResult result = validate_models(options->job, console.host());
    console.print(result.output.empty() ? result.text : result.output);
    return result.validation.passed() ? 0 : 4;
  };
}

}  // namespace q8::cli

#include "q8/validate.h"

#include "api/calibration_data.h"
#include "api/held_out.h"
#include "api/job_outputs.h"
#include "api/provenance.h"
#include "api/validation_inputs.h"
#include "base/file.h"
#include "data/sampling.h"
#include "q8/version.h"
#include "report/formats.h"
#include "validate/compare_models.h"
#include "validate/gates.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

void warn(const Host& host, const std::string& text) {
  if (host.warn) host.warn(text);
}

void check_reports(const ValidateJob& job, const ValidationInputs& inputs) {
  std::vector<OutputFile> outputs;
  for (const ReportFile& file : job.reports) {
    find_report_format(file.format);
    outputs.push_back({.option = "--" + file.format, .path = file.path, .may_be_stdout = true});
  }
  std::vector<fs::path> read = input_files(inputs.fp32, job.data);
  for (const fs::path& path : input_files(inputs.int8)) read.push_back(path);
  read.push_back(inputs.profile_path);
  check_job_outputs(outputs, job.data, std::move(read));
  if (inputs.profile) check_samples_kept(outputs, *inputs.profile);
}

// For messages about a profile that is missing: those that are there.
std::string passed_over(const ValidationInputs& inputs) {
  std::string names;
  for (const fs::path& path : inputs.passed_over)
    names += (names.empty() ? "; of other models: " : ", ") + path.string();
  return names;
}

// The samples to run on, and that calibration did not see them.
std::vector<std::int64_t> choose_samples(const ValidateJob& job, const ValidationInputs& inputs,
                                         const Dataset& dataset, const Host& host) {
  if (job.data.empty()) return held_out_samples(dataset, *inputs.profile, job.samples, host);
  const auto samples = select_samples(dataset, {.count = job.samples});
  if (job.allow_overlap) return samples;
  if (!inputs.profile)
    warn(host, "no calibration profile was found (--calibration FILE" + passed_over(inputs) +
                   "), so it cannot be checked that calibration did not see these samples");
  else
    check_no_overlap(dataset, samples, *inputs.profile, host);
  return samples;
}

// The data that the job names, or that the profile was made of; preprocessed as the job or, for
// data of its own, a file beside it says, else as calibration did.
Dataset open_samples(const ValidateJob& job, const ValidationInputs& inputs, const Host& host) {
  const std::string mismatch = inputs.int8.path.filename().string() +
                               " was made with another profile than " +
                               inputs.profile_path.filename().string();
  if (!job.data.empty()) {
    if (!inputs.profile_matches)
      warn(host, mismatch + ", so samples that its calibration saw may go unnoticed");
    auto preprocess = find_preprocess(job.data, inputs.fp32);
    if (!preprocess && inputs.profile) preprocess = preprocess_of_profile(*inputs.profile);
    return open_data(job.data, inputs.fp32, std::move(preprocess));
  }
  if (!inputs.profile)
    throw usage_error("validate needs --data DIR (or the calibration profile, whose data it uses" +
                      passed_over(inputs) + ")");
  if (!inputs.profile_matches)
    throw bad_input(mismatch + ", so its held-out samples are not known; name data with --data");
  DataPaths data = data_of_profile(*inputs.profile);
  if (job.data.labels) data.labels = job.data.labels;
  data.use_labels = job.data.use_labels;
  return open_data(data, inputs.fp32,
                   job.data.preprocess ? read_preprocess_config(*job.data.preprocess)
                                       : preprocess_of_profile(*inputs.profile));
}

// Both models may be right about other images than those that the scales were made for.
void warn_of_preprocessing(const Dataset& dataset, const ValidationInputs& inputs,
                           const Host& host) {
  if (!inputs.profile || !dataset.preprocess_config()) return;
  const std::string now = dataset.preprocess_config()->str();
  if (!inputs.profile->preprocess.empty() && inputs.profile->preprocess != now)
    warn(host, "the samples are preprocessed in another way (" + now + ") than calibration did (" +
                   inputs.profile->preprocess + ")");
}

ReportedModel reported(const ModelFile& file) {
  return {.file = file.path.filename().string(), .sha256 = file.sha256, .bytes = file.bytes};
}

ValidationReport make_report(const ValidateJob& job, const ValidationInputs& inputs,
                             Validation validation) {
  ValidationReport report{.validation = std::move(validation),
                          .fp32 = reported(inputs.fp32),
                          .int8 = reported(inputs.int8),
                          .q8_version = version(),
                          .per_class = job.per_class};
  if (inputs.profile) {
    report.profile_sha256 = inputs.profile->sha256();
    report.calibration_samples = std::ssize(inputs.profile->samples);
  }
  for (const auto& entry : inputs.int8.model.metadata)
    if (entry.first.starts_with("q8.")) report.provenance.push_back(entry);
  return report;
}

// Labels that do not fit the model give an accuracy of next to nothing, in FP32 as well, and no
// drop at all: a gate that holds for the wrong reason.
void warn_of_labels(const Validation& validation, const Host& host) {
  if (validation.labelled > 0 && !validation.has_class_scores)
    warn(host,
         "the samples have labels, but the model's first output is not a row of class scores: "
         "accuracy is not measured");
  constexpr double kHardlyAny = 0.02;
  if (validation.fp32 && validation.fp32->top1 < kHardlyAny)
    warn(host,
         "the FP32 model itself is hardly ever right: are these its labels, and do its "
         "classes begin at output 0 (--label-offset)?");
}

void warn_of_results(const Validation& validation, const Host& host) {
  warn_of_labels(validation, host);
  for (const OutputResult& output : validation.outputs) {
    if (output.not_finite > 0)
      warn(host, "output '" + output.name + "': " + std::to_string(output.not_finite) +
                     " values are NaN or infinite in one model alone");
    if (output.not_compared > 0)
      warn(host, "output '" + output.name + "': the models gave different shapes for " +
                     std::to_string(output.not_compared) + " samples, which are not in its SQNR");
  }
}

}  // namespace

std::vector<ReportFormat> report_formats() {
  std::vector<ReportFormat> formats;
  for (const ReportFormatRow& row : report_format_rows())
    formats.push_back({.name = std::string(row.name), .help = std::string(row.help)});
  return formats;
}

ValidateResult validate_models(const ValidateJob& job, const Host& host) {
  CompareOptions options{.machine = session_options(host),
                         .check_overflow = job.check_overflow,
                         .label_offset = job.label_offset,
                         .progress = host.progress,
                         .stop = host.stop};
  const ValidationInputs inputs = find_validation_inputs(job);
  options.mask = job.mask.empty() && inputs.profile ? inputs.profile->mask : job.mask;
  check_reports(job, inputs);
  const Dataset dataset = open_samples(job, inputs, host);
  warn_of_preprocessing(dataset, inputs, host);
  const std::vector<std::int64_t> samples = choose_samples(job, inputs, dataset, host);
  Validation validation =
      compare_models(inputs.fp32.model.graph, inputs.int8.model.graph, dataset, samples, options);
  validation.gates = judge(validation, job.gates);
  warn_of_results(validation, host);

  const ValidationReport report = make_report(job, inputs, std::move(validation));
  ValidateResult result{.validation = report.validation, .text = render_text(report), .output = {}};
  for (const ReportFile& file : job.reports) {
    const std::string content = find_report_format(file.format).render(report);
    if (file.path == "-")
      result.output += content;
    else
      write_file_atomically(file.path, content);
  }
  return result;
}

}  // namespace q8

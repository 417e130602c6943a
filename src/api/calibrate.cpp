#include "q8/calibrate.h"

#include "api/calibration.h"
#include "api/job_outputs.h"
#include "api/model_file.h"
#include "base/timestamp.h"
#include "calib/profile.h"
#include "q8/output_file.h"
#include "q8/version.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

fs::path absolute_path(const fs::path& path) {
  return fs::absolute(path).lexically_normal();
}

DataSource source_of(const DataPaths& data, const Dataset& dataset) {
  DataSource source;
  for (const fs::path& folder : data.folders) source.folders.push_back(absolute_path(folder));
  if (data.manifest) source.manifest = absolute_path(*data.manifest);
  if (data.labels) source.labels = absolute_path(*data.labels);
  source.size = dataset.size();
  return source;
}

}  // namespace

Calibration calibrate_now(const CalibrateJob& job, const Host& host) {
  if (job.data.empty()) throw usage_error("calibrate needs --data DIR (or --manifest FILE)");
  const SessionOptions machine = session_options(host);
  ModelFile model = open_float_model(job.model);
  check_job_outputs({{.option = "-o", .path = job.output}}, job.data, input_files(model, job.data));
  const Dataset dataset = open_data(job.data, model, find_preprocess(job.data, model));
  CalibrateOptions options;
  options.q8_version = version();
  options.settings = {.samples = job.samples, .seed = job.seed};
  options.mask = job.mask;
  if (job.shards > 1) options.shard = Shard{.index = job.shard, .count = job.shards};
  options.threads = machine.threads;
  options.isa = machine.isa;
  options.progress = host.progress;
  options.stop = host.stop;
  options.measure_cost = job.profile_cost;
  if (job.resume && fs::exists(job.output)) options.resume = load_profile(job.output);
  Calibration done =
      calibrate(std::move(model.model.graph), {.path = model.path, .sha256 = model.sha256}, dataset,
                source_of(job.data, dataset), options);
  if (host.warn)
    for (const std::string& warning : done.warnings) host.warn(warning);
  return done;
}

CalibrateResult calibrate_model(const CalibrateJob& asked, const Host& host) {
  CalibrateJob job = asked;
  if (job.output.empty()) job.output = job.model.stem().replace_extension(".q8cal");
  const std::string stamp = job.stamp ? utc_timestamp() : "";
  Calibration done = calibrate_now(job, host);
  done.profile.stamp = stamp;
  save_profile(done.profile, job.output);
  const auto samples = static_cast<std::int64_t>(done.profile.samples.size());
  if (!done.profile.complete)
    throw Error(ErrorKind::kInterrupted, "interrupted after " + std::to_string(samples) +
                                             " samples; --resume goes on from " +
                                             job.output.string());
  CalibrateResult result{.profile = job.output,
                         .samples = samples,
                         .tensors = static_cast<std::int64_t>(done.profile.tensors.size())};
  if (done.cost) {
    result.forward_ms = done.cost->forward_ms;
    result.observed_ms = done.cost->observed_ms;
  }
  return result;
}

CalibrateResult merge_profile_files(const std::vector<fs::path>& profiles, const fs::path& output,
                                    bool stamp) {
  check_outputs({{.option = "-o", .path = output}}, profiles);
  std::vector<CalibrationProfile> parts;
  for (const fs::path& path : profiles) parts.push_back(load_profile(path));
  CalibrationProfile merged = merge_profiles(parts);
  if (stamp) merged.stamp = utc_timestamp();
  save_profile(merged, output);
  return {.profile = output,
          .samples = static_cast<std::int64_t>(merged.samples.size()),
          .tensors = static_cast<std::int64_t>(merged.tensors.size())};
}

}  // namespace q8

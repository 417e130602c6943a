#include "q8/quantize.h"

#include <algorithm>

#include "api/calibration.h"
#include "api/job_outputs.h"
#include "api/model_file.h"
#include "api/provenance.h"
#include "api/recorded_settings.h"
#include "api/recovery.h"
#include "api/save_checked.h"
#include "api/working_folder.h"
#include "base/file.h"
#include "base/sha256.h"
#include "inspect/digest.h"
#include "plan/check_plan.h"
#include "plan/make_plan.h"
#include "plan/overrides.h"
#include "q8/version.h"
#include "recover/scaling.h"
#include "report/plan_json.h"
#include "rewrite/apply_plan.h"
#include "rewrite/pad_depthwise.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

PlanConfig plan_config(const QuantizeJob& job) {
  PlanConfig config;
  config.per_channel = job.per_channel;
  const ObserverFor all = parse_observer(job.observer, "--observer '" + job.observer + "'");
  config.observer = all.observer;
  config.percentile = job.observer.find(':') == std::string::npos ? job.percentile : all.percentile;
  config.clip_weight = all.clip_weight;
  config.exclude = job.exclude;
  config.dynamic = job.dynamic;
  config.float16_islands = job.float16_islands;
  config.weight_observer = job.weight_observer;
  config.weights = job.weights;
  config.opset = job.opset;
  for (const std::string& text : job.observer_of)
    config.observer_of.push_back(parse_observer_for(text));
  for (const std::string& text : job.observer_for)
    config.observer_for.push_back(parse_observer_for(text));
  for (const std::string& text : job.type_for) config.type_for.push_back(parse_type_for(text));
  if (job.mode == "dynamic") config.mode = PlanMode::kDynamic;
  if (job.mode == "weights") config.mode = PlanMode::kWeights;
  // Blocks are what keeps 4 bits accurate; but whoever computes in integers has a scale a channel.
  constexpr std::int64_t kBlockSize = 32;
  const bool in_blocks = job.weights == "s4" && job.mode == "weights" && job.per_channel;
  config.block_size = job.block_size.value_or(in_blocks ? kBlockSize : 0);
  if (config.block_size > 0 && job.weights != "s4")
    throw usage_error("--block-size is of 4-bit weights: --weights s4");
  if (job.weights == "s4" && job.mode == "dynamic")
    throw usage_error("--weights s4: integer products of --mode dynamic need 8 bits");
  return config;
}

// Whether the ranges of activations play no part, and a profile is not asked for.
bool needs_no_profile(const QuantizeJob& job) {
  return (job.mode != "static" || !job.use_plan.empty()) && job.calibration.empty() &&
         job.data.empty() && !job.model.empty();
}

// The profile that the job names or that lies in the working directory; empty where none is read.
fs::path find_profile_file(const QuantizeJob& job) {
  if (job.model.extension() == ".q8cal")
    throw usage_error(job.model.string() +
                      " is a calibration profile, not a model: name it with --calibration");
  if (needs_no_profile(job)) return {};
  if (!job.data.empty()) {
    if (!job.calibration.empty()) throw usage_error("--calibration and --data exclude each other");
    if (job.model.empty()) throw usage_error("quantize --data needs the model");
    return {};
  }
  if (!job.mask.empty())
    throw usage_error("--mask goes with --data: a profile has been made with its mask already");
  return job.calibration.empty() ? only_file(".q8cal", "q8 calibrate", "--calibration")
                                 : job.calibration;
}

// That profile, or the one that is made now.
CalibrationProfile find_profile(const QuantizeJob& job, const fs::path& file, const Host& host) {
  if (!file.empty()) return load_profile(file);
  if (needs_no_profile(job)) {
    if (job.float16_islands)
      throw usage_error(
          "--float16-islands needs the ranges of a profile: --calibration FILE.q8cal or --data "
          "DIR");
    CalibrationProfile none;
    none.complete = true;
    return none;
  }
  return calibrate_now({.model = job.model, .data = job.data, .mask = job.mask}, host).profile;
}

// What ONNX Runtime of the last years reads: the IR version that goes with the opset.
std::int64_t ir_version_for(std::int64_t opset, std::int64_t at_least) {
  constexpr std::pair<std::int64_t, std::int64_t> kFirst[] = {{13, 7}, {15, 8}, {19, 9}, {21, 10}};
  std::int64_t version = std::max<std::int64_t>(at_least, 7);
  for (const auto& [first, ir] : kFirst)
    if (opset >= first) version = std::max(version, ir);
  return version;
}

void set_provenance(Metadata& metadata, const QuantizeJob& job, const ModelFile& source,
                    const CalibrationProfile& profile, const Recovery& recovered,
                    const Graph& graph) {
  const QuantizationPlan& plan = recovered.model.plan;
  const std::string recovery = describe(recovered.effects);
  set_metadata(metadata, provenance::kVersion, version());
  set_metadata(metadata, provenance::kSourceModel, source.sha256);
  if (!needs_no_profile(job)) {
    set_metadata(metadata, provenance::kProfile, profile.sha256());
    set_metadata(metadata, provenance::kData, profile.data_sha256());
    set_metadata(metadata, provenance::kSamples, std::to_string(profile.samples.size()));
  }
  set_metadata(metadata, provenance::kConfig, recorded_settings(job, plan, recovered.effects));
  set_metadata(metadata, provenance::kGraph, graph_digest(graph));
  set_metadata(metadata, provenance::kPlan, Sha256().add(describe(plan)).hex());
  if (!recovery.empty()) set_metadata(metadata, provenance::kRecovery, recovery);
  for (const auto& [key, value] : job.metadata) {
    if (key.starts_with("q8."))
      throw usage_error("--metadata " + key + ": names that begin with q8. are q8's own");
    set_metadata(metadata, key, value);
  }
}

PlannedGraph plan_graph(const QuantizeJob& job, const PlanConfig& config, const Graph& graph,
                        const CalibrationProfile& profile, const Target& target) {
  if (job.use_plan.empty()) return {graph, make_plan(graph, profile, config, target)};
  PlannedGraph planned{graph, read_plan_json(read_text_file(job.use_plan), job.use_plan.string())};
  try {
    scale_as_planned(planned.graph, planned.plan.scaled);
  } catch (const Error& error) {
    throw error.within(job.use_plan.string());
  }
  check_plan(planned.graph, planned.plan);
  return planned;
}

std::vector<OutputFile> outputs_of(const QuantizeJob& job, const fs::path& output) {
  return {{.option = "-o", .path = job.plan_only ? fs::path() : output},
          {.option = "--plan", .path = job.plan_output}};
}

void count_nodes(const QuantizationPlan& plan, QuantizeResult& result) {
  for (const NodePlan& node : plan.nodes) {
    if (node.mode == NodeMode::kInteger || node.mode == NodeMode::kDynamic) ++result.integer_nodes;
    if (node.mode == NodeMode::kWeightOnly) ++result.weight_nodes;
    if (node.mode != NodeMode::kFloat) continue;
    ++result.float_nodes;
    result.floats.push_back(node.op_type + " '" + node.node + "': " + node.reason);
  }
}

// The model of `written`, with where it comes from in its metadata: the plan before.
Model quantized_model(const QuantizeJob& job, const ModelFile& source,
                      const CalibrationProfile& profile, const Recovery& recovered,
                      const PlannedGraph& written, Format format) {
  Model model = source.model;
  model.graph = apply_plan(written.graph, written.plan, format);
  model.ir_version = ir_version_for(model.graph.opset(), source.model.ir_version);
  model.producer_name = "q8";
  model.producer_version = version();
  set_provenance(model.metadata, job, source, profile, recovered, model.graph);
  return model;
}

}  // namespace

QuantizeResult quantize_model(const QuantizeJob& job, const Host& host) {
  const Target& target = find_target(job.target);
  const Format format = find_format(job.format);
  const fs::path profile_file = find_profile_file(job);
  // Before it calibrates.
  check_job_outputs(outputs_of(job, job.output), job.data, {job.model, profile_file, job.use_plan});
  const CalibrationProfile profile = find_profile(job, profile_file, host);
  if (!profile.complete)
    throw bad_input("the profile is of an interrupted run; finish it with q8 calibrate --resume");
  const fs::path model_path = job.model.empty() ? model_of_profile(profile) : job.model;
  const ModelFile source = open_model(model_path);
  if (!needs_no_profile(job)) check_same_model(profile, profile_file, source);
  const fs::path output =
      job.output.empty() ? fs::path(model_path.stem().string() + ".int8.onnx") : job.output;
  std::vector<fs::path> read = input_files(source, job.data);
  read.insert(read.end(), {profile_file, job.use_plan});
  check_job_outputs(outputs_of(job, output), job.data, std::move(read));
  check_samples_kept(outputs_of(job, output), profile);

  const PlanConfig config = plan_config(job);
  const CalibrationData data(profile, source, job.data.preprocess);
  const Improvement improved =
      improve(job, config, target, data,
              plan_graph(job, config, source.model.graph, profile, target), host);
  const Recovery& recovered = improved.recovery;
  const QuantizationPlan& plan = recovered.model.plan;
  if (!job.plan_output.empty()) write_file_atomically(job.plan_output, plan_json(plan));
  if (host.warn)
    for (const std::string& warning : plan.warnings) host.warn(warning);
  QuantizeResult result{.model = output, .float_bytes = source.bytes, .plan = describe(plan)};
  if (improved.ranges) result.ranges = describe(*improved.ranges, improved.ranges_seconds);
  if (improved.ranges) result.range_trials = describe_trials(*improved.ranges);
  result.recovery = describe(recovered.effects);
  count_nodes(plan, result);
  if (job.plan_only) return result;
  PlannedGraph written = recovered.model;
  pad_depthwise_channels(written.graph, written.plan);
  result.int8_bytes = save_checked(
      quantized_model(job, source, profile, recovered, written, format), output,
      {.source = source, .planned = written.graph, .plan = plan, .sample = data.first_sample()},
      host);
  if (host.warn && result.integer_nodes + result.weight_nodes == 0)
    host.warn("no node is quantized; --plan-only says why, node by node");
  return result;
}

}  // namespace q8

#include "api/model_file.h"

#include <algorithm>

#include "base/file.h"
#include "base/sha256.h"
#include "exec/fold.h"
#include "graph/widen_half.h"
#include "onnx_io/load.h"
#include "onnx_io/tensor_bytes.h"
#include "ops/ops.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

std::string isa_list() {
  std::string list;
  for (const Isa isa : all_isas()) list += (list.empty() ? "" : ", ") + std::string(isa_name(isa));
  return list;
}

std::optional<fs::path> find_preprocess_file(const DataPaths& data, const ModelFile& model) {
  if (data.preprocess) return data.preprocess;
  constexpr const char* kName = "preprocessor_config.json";
  std::vector<fs::path> folders{model.path.parent_path()};
  folders.insert(folders.end(), data.folders.begin(), data.folders.end());
  for (const fs::path& folder : folders)
    if (fs::exists(folder / kName)) return folder / kName;
  return std::nullopt;
}

}  // namespace

std::string model_sha256(const fs::path& path, const Model& model) {
  if (model.external_files.empty()) return sha256_file(path);
  Sha256 all;
  all.add(sha256_file(path));
  for (const fs::path& file : model.external_files) all.add(sha256_file(file));
  return all.hex();
}

std::int64_t size_on_disk(const fs::path& path, const Model& model) {
  std::uintmax_t bytes = fs::file_size(path);
  for (const fs::path& file : model.external_files) bytes += fs::file_size(file);
  return static_cast<std::int64_t>(bytes);
}

Model load_checked(const fs::path& path) {
  Model model = load_model(path);
  try {
    check_operators(model.graph);
  } catch (const Error& error) {
    throw error.within(path.string());
  }
  return model;
}

ModelFile open_model_as_is(const fs::path& path) {
  ModelFile file{.model = load_checked(path), .path = fs::absolute(path).lexically_normal()};
  file.sha256 = model_sha256(path, file.model);
  file.bytes = size_on_disk(path, file.model);
  return file;
}

ModelFile open_model(const fs::path& path) {
  ModelFile file = open_model_as_is(path);
  try {
    widen_half(file.model.graph);
    canonicalize(file.model.graph);
  } catch (const Error& error) {
    throw error.within(path.string());
  }
  return file;
}

ModelFile open_float_model(const fs::path& path) {
  ModelFile file = open_model(path);
  for (const Node& node : file.model.graph.nodes())
    if (node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear" ||
        node.op_type.starts_with("QLinear"))
      throw bad_input(path.string() + ": the model is quantized already (" + node.op_type + " '" +
                      node.name + "'); calibration takes the float model");
  return file;
}

std::vector<fs::path> input_files(const ModelFile& model, const DataPaths& data) {
  std::vector<fs::path> files{model.path};
  files.insert(files.end(), model.model.external_files.begin(), model.model.external_files.end());
  if (const auto file = find_preprocess_file(data, model)) files.push_back(*file);
  return files;
}

std::vector<InputSpec> input_specs(const Graph& graph) {
  std::vector<InputSpec> specs;
  for (const ValueId id : graph.inputs()) {
    const Value& value = graph.value(id);
    specs.push_back({.name = value.name,
                     .dtype = value.type.dtype.value_or(DType::kF32),
                     .dims = value.type.dims});
  }
  return specs;
}

std::optional<PreprocessConfig> find_preprocess(const DataPaths& data, const ModelFile& model) {
  const std::optional<fs::path> file = find_preprocess_file(data, model);
  return file ? std::optional(read_preprocess_config(*file)) : std::nullopt;
}

Dataset open_data(const DataPaths& data, const ModelFile& model,
                  std::optional<PreprocessConfig> preprocess) {
  DatasetOptions options;
  options.folders = data.folders;
  options.manifest = data.manifest;
  options.labels = data.labels;
  options.use_labels = data.use_labels;
  options.preprocess = std::move(preprocess);
  options.inputs = input_specs(model.model.graph);
  options.read_tensor_proto = [](std::span<const std::byte> bytes) {
    auto [name, value] = parse_tensor(bytes);
    return NamedTensor{.name = std::move(name), .value = std::move(value)};
  };
  return Dataset::open(std::move(options));
}

SessionOptions session_options(const Host& host) {
  SessionOptions options;
  options.threads = host.threads;
  if (!host.isa.empty()) {
    const auto isa = parse_isa(host.isa);
    if (!isa)
      throw usage_error("--isa " + host.isa + ": no such instruction set; there are " + isa_list());
    if (!cpu_has(*isa)) throw usage_error("--isa " + host.isa + ": this CPU does not have it");
    options.isa = *isa;
  }
  return options;
}

}  // namespace q8

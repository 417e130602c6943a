#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "exec/session.h"
#include "graph/graph.h"
#include "q8/data.h"
#include "q8/host.h"

namespace q8 {

// A model as the jobs work on it: loaded, checked for operators that q8 does not have, and
// canonical.
struct ModelFile {
  Model model;
  std::filesystem::path path;  // absolute
  std::string sha256 = {};     // as model_sha256
  std::int64_t bytes = 0;      // of the file and its external data
};

// Of the file; where weights lie in files beside it, of its hash and theirs, one behind the other.
std::string model_sha256(const std::filesystem::path& path, const Model& model);

// Of the file and those beside it.
std::int64_t size_on_disk(const std::filesystem::path& path, const Model& model);

// Loaded and checked for operators that q8 does not have; not hashed, which takes as long as
// loading.
Model load_checked(const std::filesystem::path& path);

ModelFile open_model(const std::filesystem::path& path);
// The same for a model that shall be calibrated; throws bad_input where it is quantized already.
ModelFile open_float_model(const std::filesystem::path& path);
// The same without changing the graph: for quantized models and `q8 run`.
ModelFile open_model_as_is(const std::filesystem::path& path);

// The model's files, and the preprocessing that goes with it for that data.
std::vector<std::filesystem::path> input_files(const ModelFile& model, const DataPaths& data = {});

// What the model wants to be fed.
std::vector<InputSpec> input_specs(const Graph& graph);

// The preprocessing that DataPaths says or that is found beside the model or in the data; nothing
// where there is none.
std::optional<PreprocessConfig> find_preprocess(const DataPaths& data, const ModelFile& model);

// Opens the data for the model, preprocessed so.
Dataset open_data(const DataPaths& data, const ModelFile& model,
                  std::optional<PreprocessConfig> preprocess);

// The host's threads and ISA as a Session wants them. Throws usage_error for an ISA that there is
// not.
SessionOptions session_options(const Host& host);

}  // namespace q8

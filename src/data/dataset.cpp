#include "data/dataset.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "data/array_cache.h"
#include "data/array_rows.h"
#include "data/checked_cast.h"
#include "data/data_files.h"
#include "data/image_input.h"
#include "data/labels.h"
#include "data/npz.h"
#include "q8/nearest_name.h"

namespace q8 {
namespace {

std::string hash_of(const std::vector<InputSpec>& inputs, const std::vector<Tensor>& tensors) {
  Sha256 sum;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& t = tensors[i];
    sum.add(inputs[i].name + '\n' + t.str() + '\n');
    sum.add(std::span(t.bytes(), t.size_bytes()));
  }
  return sum.hex();
}

// "input_12.pb" → 12; −1 for other names.
std::int64_t number_of_input_file(const std::string& name) {
  constexpr std::string_view kBefore = "input_", kAfter = ".pb";
  if (!name.starts_with(kBefore) || !name.ends_with(kAfter)) return -1;
  const char* first = name.data() + kBefore.size();
  const char* last = name.data() + name.size() - kAfter.size();
  std::int64_t number = -1;
  const auto [end, problem] = std::from_chars(first, last, number);
  return problem == std::errc() && end == last && number >= 0 ? number : -1;
}

}  // namespace

struct Dataset::State {
  DatasetOptions options;
  DataFiles files;
  std::vector<DataItem> items;
  std::vector<std::string> classes;
  std::optional<ImageInput> image_input;
  std::vector<std::vector<RowLayout>> layouts;  // of array files: [file][input]
  mutable ArrayCache cache;
  mutable std::mutex hash_mutex;
  mutable std::vector<std::string> hashes;  // empty where not computed yet

  explicit State(DatasetOptions o) : options(std::move(o)) {
    if (options.inputs.empty()) throw bad_input("the model has no inputs to feed");
    files = find_data_files(options.folders, options.manifest);
    for (std::size_t f = 0; f < files.files.size(); ++f) {
      if (files.kind == DataKind::kNpy || files.kind == DataKind::kNpz)
        add_rows(f);
      else
        items.push_back({files.files[f].name, f, -1, {}});
    }
    if (items.empty())
      throw bad_input(files.files.front().path.string() + ": the arrays hold no samples");
    if (files.kind == DataKind::kImage) prepare_images();
    if (files.kind == DataKind::kTestData && !options.read_tensor_proto)
      throw unsupported("ONNX test data sets cannot be read here");
    if (options.use_labels) classes = assign_labels(items, files, options.folders, options.labels);
    hashes.resize(items.size());
  }

  void prepare_images() {
    if (options.inputs.size() != 1)
      throw bad_input("images can only be fed to a model with one input; this one has " +
                      std::to_string(options.inputs.size()) + " ('" + options.inputs[0].name +
                      "', '" + options.inputs[1].name +
                      "', …): give .npz files with one array for each");
    if (!options.preprocess)
      throw bad_input("the data are images (" + files.files.front().path.string() +
                      "), but nothing says how they become the model's input: put a "
                      "preprocessor_config.json beside the model or into the data folder, or name "
                      "one with --preprocess");
    image_input.emplace(options.inputs[0], *options.preprocess, options.size_mismatch);
  }

  // The array in the file for each of the model's inputs; its key in ArrayCache::Arrays.
  const std::string& key_of(const InputSpec& input) const {
    static const std::string kOnly;
    return files.kind == DataKind::kNpy ? kOnly : input.name;
  }

  std::map<std::string, ArrayInfo> infos_of(const DataFile& file) const {
    if (files.kind == DataKind::kNpz) return read_npz_info(file.path);
    if (options.inputs.size() != 1)
      throw bad_input(file.path.string() + ": a .npy file has one array, but the model has " +
                      std::to_string(options.inputs.size()) +
                      " inputs: use .npz files with one array for each");
    return {{"", read_npy_info(file.path)}};
  }

  void add_rows(std::size_t f) {
    const DataFile& file = files.files[f];
    const auto infos = infos_of(file);
    std::vector<RowLayout> of_inputs;
    const InputSpec* counted = nullptr;  // the input whose array gave the count
    std::int64_t count = 1;
    for (const InputSpec& input : options.inputs) {
      const auto it = infos.find(key_of(input));
      if (it == infos.end()) throw missing_array(file, input, infos);
      try {
        of_inputs.push_back(row_layout(it->second, input));
      } catch (const Error& error) {
        throw error.within(file.path.string());
      }
      if (of_inputs.back().kind == RowLayout::Kind::kConstant) continue;
      if (counted != nullptr && of_inputs.back().count != count)
        throw bad_input(file.path.string() + ": " + std::to_string(count) + " samples of '" +
                        counted->name + "', but " + std::to_string(of_inputs.back().count) +
                        " of '" + input.name + "'");
      counted = &input;
      count = of_inputs.back().count;
    }
    layouts.resize(files.files.size());
    layouts[f] = std::move(of_inputs);
    for (std::int64_t row = 0; row < count; ++row)
      items.push_back(
          {count == 1 ? file.name : file.name + "[" + std::to_string(row) + "]", f, row, {}});
  }

  static Error missing_array(const DataFile& file, const InputSpec& input,
                             const std::map<std::string, ArrayInfo>& infos) {
    std::vector<std::string_view> names;
    for (const auto& [name, info] : infos) names.push_back(name);
    return bad_input(file.path.string() + ": there is no array for " + input_text(input) +
                     (names.empty() ? "; the file is empty"
                                    : "; the nearest name is '" +
                                          std::string(nearest_name(input.name, names)) + "'"));
  }

  std::vector<Tensor> rows_of(const DataItem& item) const {
    const std::filesystem::path& path = files.files[item.file].path;
    const auto arrays = cache.get(path);
    std::vector<Tensor> rows;
    for (std::size_t i = 0; i < options.inputs.size(); ++i) {
      const InputSpec& input = options.inputs[i];
      try {
        rows.push_back(
            row_of(arrays->at(key_of(input)), layouts[item.file][i], item.row, input.dtype));
      } catch (const Error& error) {
        throw error.within(path.string() + ": sample " + std::to_string(item.row) + " of '" +
                           input.name + "'");
      }
    }
    return rows;
  }

  std::vector<Tensor> tensors_of_set(const DataItem& item) const {
    std::vector<std::optional<Tensor>> found(options.inputs.size());
    for (const auto& entry : std::filesystem::directory_iterator(files.files[item.file].path)) {
      const std::string file = entry.path().filename().string();
      const std::int64_t number = number_of_input_file(file);
      if (number < 0) continue;
      try {
        const MappedFile mapped(entry.path());
        NamedTensor tensor = options.read_tensor_proto(mapped.bytes());
        const auto it = std::ranges::find(options.inputs, tensor.name, &InputSpec::name);
        const std::int64_t index =
            it == options.inputs.end() ? number : it - options.inputs.begin();
        if (index >= std::ssize(options.inputs))
          throw bad_input("the model has only " + std::to_string(options.inputs.size()) +
                          " inputs, and none is named '" + tensor.name + "'");
        const auto i = static_cast<std::size_t>(index);
        if (found[i]) throw bad_input("a second tensor for " + input_text(options.inputs[i]));
        if (!fits(tensor.value.shape(), options.inputs[i]))
          throw bad_input("the tensor is " + tensor.value.str() + ", the model declares " +
                          input_text(options.inputs[i]));
        found[i] = checked_cast(tensor.value, options.inputs[i].dtype);
      } catch (const Error& error) {
        throw error.within(file);
      }
    }
    std::vector<Tensor> tensors;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i]) throw bad_input("there is no tensor for " + input_text(options.inputs[i]));
      tensors.push_back(std::move(*found[i]));
    }
    return tensors;
  }

  Sample load(std::int64_t index) const {
    const DataItem& item = items.at(static_cast<std::size_t>(index));
    const std::filesystem::path& path = files.files[item.file].path;
    Sample sample{item.name, {}, item.label, {}};
    if (files.kind == DataKind::kNpy || files.kind == DataKind::kNpz) {
      sample.inputs = rows_of(item);
      sample.sha256 = hash_of(options.inputs, sample.inputs);
    } else if (files.kind == DataKind::kImage) {
      const MappedFile file(path);
      try {
        sample.inputs.push_back(image_input->load(file.bytes()));
      } catch (const Error& error) {
        throw error.within(path.string());
      }
      sample.sha256 = sha256_hex(file.bytes());
    } else {
      try {
        sample.inputs = tensors_of_set(item);
        sample.sha256 = hash_of(options.inputs, sample.inputs);
      } catch (const Error& error) {
        throw error.within(path.string());
      }
    }
    keep_hash(index, sample.sha256);
    return sample;
  }

  void keep_hash(std::int64_t index, const std::string& hash) const {
    const std::lock_guard lock(hash_mutex);
    hashes[static_cast<std::size_t>(index)] = hash;
  }

  std::string hash(std::int64_t index) const {
    {
      const std::lock_guard lock(hash_mutex);
      if (!hashes.at(static_cast<std::size_t>(index)).empty())
        return hashes[static_cast<std::size_t>(index)];
    }
    if (files.kind != DataKind::kImage) return load(index).sha256;
    // Of an image only the bytes count: no need to decode it.
    std::string sum = sha256_file(files.files[items[static_cast<std::size_t>(index)].file].path);
    keep_hash(index, sum);
    return sum;
  }
};

Dataset::Dataset(std::unique_ptr<State> state) : state_(std::move(state)) {}
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;
Dataset::~Dataset() = default;

Dataset Dataset::open(DatasetOptions options) {
  return Dataset(std::make_unique<State>(std::move(options)));
}

std::int64_t Dataset::size() const {
  return std::ssize(state_->items);
}
Sample Dataset::sample(std::int64_t index) const {
  return state_->load(index);
}
const std::string& Dataset::name(std::int64_t index) const {
  return state_->items.at(static_cast<std::size_t>(index)).name;
}
std::optional<std::int64_t> Dataset::label(std::int64_t index) const {
  return state_->items.at(static_cast<std::size_t>(index)).label;
}
std::string Dataset::sha256(std::int64_t index) const {
  return state_->hash(index);
}
bool Dataset::has_labels() const {
  return std::ranges::any_of(state_->items, [](const DataItem& i) { return i.label.has_value(); });
}
const std::vector<std::string>& Dataset::class_names() const {
  return state_->classes;
}
const std::vector<InputSpec>& Dataset::inputs() const {
  return state_->options.inputs;
}
const std::optional<PreprocessConfig>& Dataset::preprocess_config() const {
  static const std::optional<PreprocessConfig> kNone;
  return state_->files.kind == DataKind::kImage ? state_->options.preprocess : kNone;
}

}  // namespace q8

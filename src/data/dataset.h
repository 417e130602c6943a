#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/preprocess.h"
#include "tensor/tensor.h"

namespace q8 {

// What a model declares of one input.
struct InputSpec {
  std::string name;
  DType dtype = DType::kF32;
  // −1 for a dimension that is not fixed; nothing where not even the rank is known.
  std::optional<std::vector<std::int64_t>> dims = {};
};

struct Sample {
  std::string name;                   // the file under its folder; with "[k]" for a row of arrays
  std::vector<Tensor> inputs;         // as the model's inputs, in their order and types
  std::optional<std::int64_t> label;  // the class
  std::string sha256;                 // see Dataset::sha256
};

struct NamedTensor {
  std::string name;  // may be empty
  Tensor value;
};

struct DatasetOptions {
  std::vector<std::filesystem::path> folders;
  // A text file with one file a line, relative to the text file's folder; lines that are empty or
  // begin with # do not count. Instead of folders or beside them.
  std::optional<std::filesystem::path> manifest;
  // Instead of each folder's labels.csv; its files are named as the samples are.
  std::optional<std::filesystem::path> labels;
  bool use_labels = true;                      // false: no sample has a label
  std::optional<PreprocessConfig> preprocess;  // must be there for images
  std::vector<InputSpec> inputs;               // what must be fed: without initializers
  // Decodes a serialized ONNX TensorProto (onnx_io has it; this layer knows no ONNX). Only needed
  // for test_data_set folders.
  std::function<NamedTensor(std::span<const std::byte>)> read_tensor_proto;
  // An image whose size after preprocessing is not the model's: an error, or resized to it.
  enum class SizeMismatch { kError, kResize };
  SizeMismatch size_mismatch = SizeMismatch::kError;
};

// The samples of some folders, in the order of their names, loaded when asked for.
//
// A folder (searched with its sub-folders; names that begin with a dot are passed over) holds one
// kind, and all folders of a dataset hold the same:
//   images        one sample a file; the model must have one input, [N,C,H,W] or [N,H,W,C] as the
//                 preprocessing's data_format says
//   .npz          one array per model input, by name; other arrays are passed over
//   .npy          the model's only input
//   test data     test_data_set_*/input_K.pb, one sample a set: by the tensor's name, else the K-th
//                 input, passed on as stored
//
// Rows of arrays. With r the rank of the model's input and a the array:
//   a.rank = r + 1                  the first axis is samples; each a[k] is fed as it is
//   a.rank = r, batch 1 or unknown  the first axis is samples; a[k:k+1] is fed
//   a.rank = r, batch fixed at B>1  one sample, when a's first axis is B
//   a.rank = r − 1                  one sample without its batch axis, which is added
//   a is a scalar                   the same for every sample of the file
// The arrays of one file must agree on the number of samples. Element types are cast where no value
// is lost but float precision; otherwise that is an error.
//
// Labels, from the first of: options.labels; the folder's labels.csv (`file,class_index` with files
// relative to the folder, or `index,class_index` counting the folder's samples from 0); for files
// in two or more sub-folders the name of the sub-folder, classes sorted by name. classes.txt (one
// name a line) names the classes, and gives sub-folders their number where it lists them. A sample
// that a labels file does not list has no label.
//
// Everything wrong is bad_input with its file: an empty or missing folder, mixed kinds, a label
// for a file that is not there, a class outside classes.txt, a file listed twice.
class Dataset {
 public:
  static Dataset open(DatasetOptions options);
  Dataset(Dataset&&) noexcept;
  Dataset& operator=(Dataset&&) noexcept;
  ~Dataset();

  std::int64_t size() const;
  // Reads, decodes and preprocesses. Thread-safe. Of array files the last few read stay in memory.
  Sample sample(std::int64_t index) const;

  const std::string& name(std::int64_t index) const;
  std::optional<std::int64_t> label(std::int64_t index) const;
  // Of images: of the file's bytes. Of the others: of each input's name, type, shape and bytes.
  // Reads the sample; kept afterwards. Thread-safe.
  std::string sha256(std::int64_t index) const;

  bool has_labels() const;                              // whether any sample has one
  const std::vector<std::string>& class_names() const;  // empty where nothing names them
  const std::vector<InputSpec>& inputs() const;
  const std::optional<PreprocessConfig>& preprocess_config() const;  // nothing unless images

 private:
  struct State;
  explicit Dataset(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace q8

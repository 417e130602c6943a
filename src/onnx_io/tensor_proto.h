#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "tensor/tensor.h"

namespace q8 {

// Finds external data: files inside the model's folder, each mapped once. Where the model is a
// symbolic link, as in caches of model hubs, its data may be links to where it leads.
class ExternalData {
 public:
  explicit ExternalData(const std::filesystem::path& model)
      : folder_(model.parent_path()), linked_folder_(behind_links(model).parent_path()) {}
  std::shared_ptr<const MappedFile> open(const std::string& location);
  std::vector<std::filesystem::path> files() const;  // opened so far, in the order of their names

 private:
  std::filesystem::path folder_, linked_folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

// ONNX TensorProto.DataType ↔ DType. Throws unsupported naming the type.
DType dtype_of_proto(int data_type);
int proto_of_dtype(DType dtype);

// Takes the data out of `proto` (large raw data is moved, not copied).
Tensor take_tensor(onnx::TensorProto& proto, ExternalData& external);
// The same for a tensor whose raw data lies in `file`. The tensor borrows it where it is aligned as
// its type needs it (weights in bytes always are), else has a copy. Its pages are given back when
// nobody needs them any more.
Tensor take_tensor(const onnx::TensorProto& proto, const std::shared_ptr<const MappedFile>& file,
                   std::span<const std::byte> raw_data);

// Fills everything but the name. Raw data, types of 4 and 2 bits packed.
void put_tensor(const Tensor& tensor, onnx::TensorProto& proto);
// Everything but the data.
void put_type(const Tensor& tensor, onnx::TensorProto& proto);
// The elements as ONNX stores them, and how many bytes that are. They lie in memory as they are
// stored, but for the types of 4 and 2 bits.
std::string raw_bytes(const Tensor& tensor);
std::size_t raw_size(const Tensor& tensor);
bool is_stored_as_it_lies(const Tensor& tensor);

}  // namespace q8

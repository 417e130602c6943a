#include "onnx_io/tensor_proto.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/error.h"
#include "tensor/onnx_type.h"

namespace q8 {
namespace {

namespace fs = std::filesystem;

std::string proto_type_name(int data_type) {
  constexpr std::array kOthers = {
      std::pair{0, "undefined"},   std::pair{8, "string"},          std::pair{14, "complex64"},
      std::pair{15, "complex128"}, std::pair{17, "float8e4m3fn"},   std::pair{18, "float8e4m3fnuz"},
      std::pair{19, "float8e5m2"}, std::pair{20, "float8e5m2fnuz"}, std::pair{23, "float4e2m1"},
      std::pair{24, "float8e8m0"},
  };
  for (const auto& [number, name] : kOthers)
    if (number == data_type) return name;
  return "number " + std::to_string(data_type);
}

// Several elements a byte, the first in the lowest bits.
bool is_packed(DType dtype) {
  return dtype_bits(dtype) < 8;
}
int elements_per_byte(DType dtype) {
  return 8 / dtype_bits(dtype);
}

// Throws bad_input for counts that no file can hold, so that sizes in bytes do not wrap around.
std::size_t stored_bytes(DType dtype, std::int64_t count) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 56;
  if (count > kLimit) throw bad_input("declares " + std::to_string(count) + " elements");
  if (!is_packed(dtype)) return static_cast<std::size_t>(count) * dtype_size(dtype);
  const int each = elements_per_byte(dtype);
  return static_cast<std::size_t>((count + each - 1) / each);
}

Tensor unpacked(DType dtype, Shape shape, std::span<const std::byte> packed) {
  Tensor t(dtype, std::move(shape));
  const int bits = dtype_bits(dtype), each = elements_per_byte(dtype);
  const bool is_signed = dtype == DType::kS4 || dtype == DType::kS2;
  const int levels = 1 << bits;
  for (std::int64_t i = 0; i < t.size(); ++i) {
    const auto byte = static_cast<int>(packed[static_cast<std::size_t>(i / each)]);
    const int code = (byte >> (i % each * bits)) & (levels - 1);
    const int value = is_signed && code >= levels / 2 ? code - levels : code;
    t.mutable_bytes()[i] = static_cast<std::byte>(value);
  }
  return t;
}

[[noreturn]] void size_mismatch(std::size_t found, std::size_t expected, const Shape& shape,
                                DType dtype) {
  throw bad_input("holds " + std::to_string(found) + " bytes where " +
                  std::string(dtype_name(dtype)) + shape.str() + " needs " +
                  std::to_string(expected));
}

Tensor copied(DType dtype, Shape shape, std::span<const std::byte> bytes) {
  if (is_packed(dtype)) return unpacked(dtype, std::move(shape), bytes);
  Tensor t(dtype, std::move(shape));
  if (!bytes.empty()) std::memcpy(t.mutable_bytes(), bytes.data(), bytes.size());
  return t;
}

std::uint64_t parse_number(const std::string& text, const char* what) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size())
    throw bad_input("has external data with the " + std::string(what) + " '" + text + "'");
  return number;
}

// Whose pages are given back when nobody needs them any more.
std::shared_ptr<const std::byte> borrowed(const std::shared_ptr<const MappedFile>& file,
                                          std::span<const std::byte> bytes) {
  return {bytes.data(), [file, bytes](const std::byte*) { file->forget(bytes); }};
}

Tensor external_tensor(const onnx::TensorProto& proto, DType dtype, Shape shape,
                       ExternalData& external) {
  std::string location;
  std::uint64_t offset = 0;
  const std::size_t needed = stored_bytes(dtype, shape.count());
  std::uint64_t length = needed;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = parse_number(entry.value(), "offset");
    if (entry.key() == "length") length = parse_number(entry.value(), "length");
  }
  const auto file = external.open(location);
  const std::size_t size = file->bytes().size();
  if (length != needed) size_mismatch(length, needed, shape, dtype);
  if (offset > size || length > size - offset)
    throw bad_input("wants bytes " + std::to_string(offset) + " to " +
                    std::to_string(offset + length) + " of the external data file '" + location +
                    "', which has " + std::to_string(size));
  const auto bytes = file->bytes().subspan(offset, needed);
  const auto source = borrowed(file, bytes);
  if (is_packed(dtype) || offset % dtype_size(dtype) != 0) return copied(dtype, shape, bytes);
  return Tensor(dtype, std::move(shape), source);
}

Tensor raw_tensor(onnx::TensorProto& proto, DType dtype, Shape shape) {
  const std::size_t needed = stored_bytes(dtype, shape.count());
  if (proto.raw_data().size() != needed)
    size_mismatch(proto.raw_data().size(), needed, shape, dtype);
  constexpr std::size_t kCopyBelow = 4096;  // below it a move saves nothing
  if (is_packed(dtype) || needed < kCopyBelow)
    return copied(dtype, std::move(shape), std::as_bytes(std::span(proto.raw_data())));
  const std::shared_ptr<std::string> owner(proto.release_raw_data());
  return Tensor(
      dtype, std::move(shape),
      std::shared_ptr<const std::byte>(owner, reinterpret_cast<const std::byte*>(owner->data())));
}

// Typed fields, each element widened to the field's type.
template <typename Field>
Tensor field_tensor(const Field& field, DType dtype, Shape shape) {
  const std::int64_t count = shape.count();
  const auto stored =
      is_packed(dtype) ? static_cast<std::int64_t>(stored_bytes(dtype, count)) : count;
  if (field.size() != stored)
    throw bad_input("holds " + std::to_string(field.size()) + " values where " +
                    std::string(dtype_name(dtype)) + shape.str() + " needs " +
                    std::to_string(stored));
  std::string bytes;
  const std::size_t width = dtype_size(dtype);
  bytes.reserve(static_cast<std::size_t>(stored) * width);
  for (const auto value : field) bytes.append(reinterpret_cast<const char*>(&value), width);
  return copied(dtype, std::move(shape), std::as_bytes(std::span(bytes)));
}

Tensor take_any_tensor(onnx::TensorProto& proto, ExternalData& external) {
  const DType dtype = dtype_of_proto(proto.data_type());
  if (proto.has_segment()) throw unsupported("a tensor in segments is not supported");
  Shape shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
  if (proto.data_location() == onnx::TensorProto::EXTERNAL)
    return external_tensor(proto, dtype, std::move(shape), external);
  if (proto.has_raw_data()) return raw_tensor(proto, dtype, std::move(shape));
  switch (dtype) {
    case DType::kF32:
      return field_tensor(proto.float_data(), dtype, std::move(shape));
    case DType::kF64:
      return field_tensor(proto.double_data(), dtype, std::move(shape));
    case DType::kS64:
      return field_tensor(proto.int64_data(), dtype, std::move(shape));
    case DType::kU64:
    case DType::kU32:
      return field_tensor(proto.uint64_data(), dtype, std::move(shape));
    default:
      return field_tensor(proto.int32_data(), dtype, std::move(shape));
  }
}

// A bool that is neither 0 nor 1 is undefined behaviour to read.
Tensor cleaned(Tensor tensor) {
  if (tensor.dtype() != DType::kBool) return tensor;
  Tensor clean(DType::kBool, tensor.shape());
  std::transform(tensor.bytes(), tensor.bytes() + tensor.size(), clean.mutable_data<bool>(),
                 [](std::byte b) { return b != std::byte{0}; });
  return clean;
}

fs::path canonical_folder(const fs::path& folder, std::error_code& error) {
  return fs::weakly_canonical(folder.empty() ? fs::path(".") : folder, error);
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

}  // namespace

std::shared_ptr<const MappedFile> ExternalData::open(const std::string& location) {
  if (location.empty()) throw bad_input("has external data without a location");
  if (const auto it = files_.find(location); it != files_.end()) return it->second;
  std::error_code error;
  const fs::path root = canonical_folder(folder_, error);
  const fs::path linked = error ? fs::path() : canonical_folder(linked_folder_, error);
  const fs::path file = error ? fs::path() : fs::weakly_canonical(root / location, error);
  if (error || location.find('\0') != std::string::npos)
    throw bad_input("wants external data from '" + location + "', which cannot be found" +
                    (error ? ": " + error.message() : std::string()));
  if (fs::path(location).is_absolute() || !is_inside((root / location).lexically_normal(), root) ||
      (!is_inside(file, root) && !is_inside(file, linked)))
    throw bad_input("wants external data from '" + location +
                    "', which is outside the model's folder");
  return files_[location] = std::make_shared<const MappedFile>(file);
}

std::vector<std::filesystem::path> ExternalData::files() const {
  std::vector<std::filesystem::path> paths;
  for (const auto& [location, file] : files_) paths.push_back(folder_ / location);
  return paths;
}

DType dtype_of_proto(int data_type) {
  if (const auto dtype = dtype_of_onnx(data_type)) return *dtype;
  throw unsupported("element type " + proto_type_name(data_type) + " is not supported");
}

int proto_of_dtype(DType dtype) {
  return static_cast<int>(onnx_code(dtype));
}

Tensor take_tensor(onnx::TensorProto& proto, ExternalData& external) {
  return cleaned(take_any_tensor(proto, external));
}

Tensor take_tensor(const onnx::TensorProto& proto, const std::shared_ptr<const MappedFile>& file,
                   std::span<const std::byte> raw_data) {
  const DType dtype = dtype_of_proto(proto.data_type());
  Shape shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
  const std::size_t needed = stored_bytes(dtype, shape.count());
  if (raw_data.size() != needed) size_mismatch(raw_data.size(), needed, shape, dtype);
  const bool is_aligned =
      reinterpret_cast<std::uintptr_t>(raw_data.data()) % dtype_size(dtype) == 0;
  const auto source = borrowed(file, raw_data);  // also where it is copied: its pages are done with
  if (is_packed(dtype) || !is_aligned) return cleaned(copied(dtype, std::move(shape), raw_data));
  return cleaned(Tensor(dtype, std::move(shape), source));
}

bool is_stored_as_it_lies(const Tensor& tensor) {
  return !is_packed(tensor.dtype());
}

std::size_t raw_size(const Tensor& tensor) {
  return stored_bytes(tensor.dtype(), tensor.size());
}

std::string raw_bytes(const Tensor& tensor) {
  const auto* bytes = reinterpret_cast<const char*>(tensor.bytes());
  if (!is_packed(tensor.dtype())) return std::string(bytes, tensor.size_bytes());
  std::string packed(stored_bytes(tensor.dtype(), tensor.size()), '\0');
  const int bits = dtype_bits(tensor.dtype()), each = elements_per_byte(tensor.dtype());
  for (std::int64_t i = 0; i < tensor.size(); ++i) {
    const int code = (bytes[i] & ((1 << bits) - 1)) << (i % each * bits);
    char& byte = packed[static_cast<std::size_t>(i / each)];
    byte = static_cast<char>(byte | code);
  }
  return packed;
}

void put_type(const Tensor& tensor, onnx::TensorProto& proto) {
  proto.set_data_type(proto_of_dtype(tensor.dtype()));
  for (const std::int64_t dim : tensor.shape()) proto.add_dims(dim);
}

void put_tensor(const Tensor& tensor, onnx::TensorProto& proto) {
  put_type(tensor, proto);
  proto.set_raw_data(raw_bytes(tensor));
}

}  // namespace q8

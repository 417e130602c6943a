#include "onnx_io/parse.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <optional>
#include <string>

#include "base/error.h"

namespace q8 {
namespace {

constexpr std::size_t kProtobufLimit = 0x7fffffff;

// protobuf reports to stderr on its own; q8's errors say it better.
struct SilentProtobuf {
  google::protobuf::LogHandler* old = google::protobuf::SetLogHandler(nullptr);
  ~SilentProtobuf() { google::protobuf::SetLogHandler(old); }
};

// Why protobuf could not read the bytes: a field that runs past the end means that the file was
// cut.
std::string parse_failure(std::string_view bytes) {
  const auto varint = [&](std::size_t& at) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes[at++]);
      value |= static_cast<std::uint64_t>(byte & 127u) << shift;
      if (byte < 128) return value;
    }
    return std::nullopt;
  };
  std::size_t at = 0;
  bool looks_like_model = false;
  while (at < bytes.size()) {
    const auto tag = varint(at);
    if (!tag || (*tag >> 3) == 0 || (*tag >> 3) > 30) break;
    if ((*tag & 7) == 0) {
      if (!varint(at)) break;
    } else if ((*tag & 7) == 2) {
      const auto length = varint(at);
      if (!length) break;
      looks_like_model |= (*tag >> 3) == 7;  // ModelProto.graph
      if (*length > bytes.size() - at) {
        if (!looks_like_model) break;
        return "the file is truncated: " + std::to_string(*length - (bytes.size() - at)) +
               " bytes are missing";
      }
      at += *length;
    } else {
      break;
    }
  }
  return "not an ONNX model: protobuf cannot read it";
}

}  // namespace

onnx::ModelProto parse_model(std::string_view bytes) {
  if (bytes.empty()) throw bad_input("not an ONNX model: the file is empty");
  if (bytes.size() > kProtobufLimit)
    throw bad_input(
        "larger than 2 GB in one file, which protobuf cannot read; save it with external data");
  const SilentProtobuf silent;
  onnx::ModelProto proto;
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  if (!proto.ParseFromZeroCopyStream(&stream)) throw bad_input(parse_failure(bytes));
  return proto;
}

onnx::TensorProto parse_tensor_proto(std::string_view bytes) {
  const SilentProtobuf silent;
  onnx::TensorProto proto;
  if (bytes.size() > kProtobufLimit ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw bad_input("not an ONNX tensor: protobuf cannot read it");
  return proto;
}

}  // namespace q8

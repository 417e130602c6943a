#include "onnx_io/large_weights.h"

#include <cstdint>

namespace q8 {
namespace {

// Smaller ones, and all of their nodes, make no model large.
constexpr std::size_t kLarge = std::size_t{4} << 10;

// Numbers of onnx.proto.
constexpr std::uint64_t kModelGraph = 7, kGraphInitializer = 5, kTensorRawData = 9;

// One field of a serialized message; `content` without the length, where it has one.
struct Field {
  std::uint64_t number;
  bool has_length;
  std::string_view whole, content;
};

// Walks the fields of a message.
class Fields {
 public:
  explicit Fields(std::string_view message) : rest_(message) {}

  bool done() const { return rest_.empty() || is_broken_; }
  bool is_broken() const { return is_broken_; }

  Field next() {
    const std::string_view begin = rest_;
    const std::uint64_t tag = varint();
    Field field{.number = tag >> 3, .has_length = (tag & 7) == 2, .whole = {}, .content = {}};
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        field.content = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:  // groups are not used by ONNX
        is_broken_ = true;
    }
    field.whole = begin.substr(0, begin.size() - rest_.size());
    return field;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 127u) << shift;
      if (byte < 128) return value;
    }
    is_broken_ = true;
    return 0;
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) {
      is_broken_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool is_broken_ = false;
};

void append_field(std::string& message, std::uint64_t number, std::string_view content) {
  message += static_cast<char>(number << 3 | 2);
  std::uint64_t size = content.size();
  for (; size >= 128; size >>= 7) message += static_cast<char>((size & 127) | 128);
  message += static_cast<char>(size);
  message += content;
}

// The message without its large raw_data, which goes to `weights`. False where it is not
// well-formed.
bool split_tensor(std::string_view tensor, std::string& rest, std::span<const std::byte>& weights) {
  Fields fields(tensor);
  while (!fields.done()) {
    const Field field = fields.next();
    if (field.number == kTensorRawData && field.has_length && field.content.size() >= kLarge) {
      if (!weights.empty()) return false;
      weights = std::as_bytes(std::span(field.content));
    } else {
      rest += field.whole;
    }
  }
  return !fields.is_broken();
}

bool split_graph(const MappedFile& file, std::string_view graph, SplitModel& split,
                 std::string& rest) {
  Fields fields(graph);
  int index = 0;
  while (!fields.done()) {
    const Field field = fields.next();
    if (field.number != kGraphInitializer || !field.has_length || field.content.size() < kLarge) {
      index += field.number == kGraphInitializer;
      rest += field.whole;
      continue;
    }
    std::string tensor;
    std::span<const std::byte> weights;
    if (!split_tensor(field.content, tensor, weights)) return false;
    if (!weights.empty()) {
      split.weights[index] = weights;
      file.forget(weights);  // reading what stands beside them has mapped their pages
    }
    append_field(rest, kGraphInitializer, tensor);
    ++index;
  }
  return !fields.is_broken();
}

}  // namespace

std::optional<SplitModel> split_large_weights(const MappedFile& file) {
  SplitModel split;
  Fields fields(file.text());
  int graphs = 0;
  while (!fields.done()) {
    const Field field = fields.next();
    if (field.number != kModelGraph || !field.has_length) {
      split.rest += field.whole;
      continue;
    }
    std::string graph;
    if (++graphs > 1 || !split_graph(file, field.content, split, graph)) return std::nullopt;
    append_field(split.rest, kModelGraph, graph);
  }
  if (fields.is_broken() || split.weights.empty()) return std::nullopt;
  return split;
}

}  // namespace q8

#include "onnx_io/large_weights.h"

#include <cstdint>

namespace q8 {
namespace {

// Smaller ones, and all of their nodes, make no model large.
constexpr std::size_t kLarge = std::size_t{4} << 10;

// Numbers of onnx.proto.
constexpr std::uint64_t kModelGraph = 7, kGraphNode = 1, kGraphInitializer = 5, kNodeOutput = 2,
                        kNodeOpType = 4, kNodeAttribute = 5, kNodeDomain = 7, kAttributeTensor = 5,
                        kTensorDataType = 2, kTensorFloatData = 4, kTensorName = 8,
                        kTensorRawData = 9;
constexpr std::string_view kIsFloat = "\x10\x01";  // the whole field TensorProto.data_type

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

// What a message is made of when some of its fields have gone elsewhere.
struct Part {
  std::string rest;
  std::string_view name;               // of the value that the message defines
  std::span<const std::byte> weights;  // empty: nothing large was found
};

class Splitter {
 public:
  Splitter(const MappedFile& file, SplitModel& split) : file_(file), split_(split) {}

  // Each function is false where the message is not well-formed.
  bool split_model(std::string_view model) {
    Fields fields(model);
    int graphs = 0;
    while (!fields.done()) {
      const Field field = fields.next();
      if (field.number != kModelGraph || !field.has_length) {
        split_.rest += field.whole;
        continue;
      }
      std::string graph;
      if (++graphs > 1 || !split_graph(field.content, graph)) return false;
      append_field(split_.rest, kModelGraph, graph);
    }
    return !fields.is_broken();
  }

 private:
  bool split_graph(std::string_view graph, std::string& rest) {
    Fields fields(graph);
    while (!fields.done()) {
      const Field field = fields.next();
      Part part;
      const bool is_tensor = field.number == kGraphInitializer,
                 is_node = field.number == kGraphNode;
      if (!field.has_length || field.content.size() < kLarge || !(is_tensor || is_node)) {
        rest += field.whole;
        continue;
      }
      if (!(is_tensor ? split_tensor(field.content, part) : split_node(field.content, part)))
        return false;
      if (!part.weights.empty()) {
        if (part.name.empty() || !split_.weights.emplace(part.name, part.weights).second)
          return false;
        file_.forget(part.weights);  // reading what stands beside them has mapped their pages
      }
      append_field(rest, field.number, part.rest);
    }
    return !fields.is_broken();
  }

  static bool split_tensor(std::string_view tensor, Part& part) {
    Fields fields(tensor);
    bool is_float = false;
    while (!fields.done()) {
      const Field field = fields.next();
      if (field.number == kTensorName) part.name = field.content;
      if (field.number == kTensorDataType) is_float = field.whole == kIsFloat;
      const bool has_bytes =
          field.number == kTensorRawData || (field.number == kTensorFloatData && is_float);
      if (has_bytes && field.has_length && field.content.size() >= kLarge) {
        if (!part.weights.empty()) return false;
        part.weights = std::as_bytes(std::span(field.content));
      } else {
        part.rest += field.whole;
      }
    }
    return !fields.is_broken();
  }

  // The tensor of a Constant. Others keep theirs: functions hand attributes on.
  static bool split_node(std::string_view node, Part& part) {
    std::string_view type, domain;
    int outputs = 0, attributes = 0;
    for (Fields fields(node); !fields.done();) {
      const Field field = fields.next();
      if (field.number == kNodeOpType) type = field.content;
      if (field.number == kNodeDomain) domain = field.content;
      if (field.number == kNodeOutput && ++outputs == 1) part.name = field.content;
      attributes += field.number == kNodeAttribute;
    }
    const bool is_constant = type == "Constant" && (domain.empty() || domain == "ai.onnx") &&
                             outputs == 1 && attributes == 1;
    Fields fields(node);
    while (!fields.done()) {
      const Field field = fields.next();
      if (!is_constant || field.number != kNodeAttribute || !field.has_length) {
        part.rest += field.whole;
        continue;
      }
      Part attribute;
      if (!split_attribute(field.content, attribute)) return false;
      append_field(part.rest, kNodeAttribute, attribute.rest);
      part.weights = attribute.weights;
    }
    return !fields.is_broken();
  }

  static bool split_attribute(std::string_view attribute, Part& part) {
    Fields fields(attribute);
    while (!fields.done()) {
      const Field field = fields.next();
      if (field.number != kAttributeTensor || !field.has_length) {
        part.rest += field.whole;
        continue;
      }
      Part tensor;
      if (!part.weights.empty() || !split_tensor(field.content, tensor)) return false;
      append_field(part.rest, kAttributeTensor, tensor.rest);
      part.weights = tensor.weights;
    }
    return !fields.is_broken();
  }

  const MappedFile& file_;
  SplitModel& split_;
};

}  // namespace

std::optional<SplitModel> split_large_weights(const MappedFile& file) {
  SplitModel split;
  if (!Splitter(file, split).split_model(file.text()) || split.weights.empty()) return std::nullopt;
  return split;
}

}  // namespace q8

#pragma once

#include <onnx/onnx_pb.h>

#include "graph/graph.h"

namespace q8 {

// metadata_props of graphs, nodes, values and tensors came with IR version 10; the installed
// library may not know them and then keeps them as unknown fields. Their number in each message:
constexpr int metadata_field(const onnx::GraphProto&) {
  return 16;
}
constexpr int metadata_field(const onnx::NodeProto&) {
  return 9;
}
constexpr int metadata_field(const onnx::ValueInfoProto&) {
  return 4;
}
constexpr int metadata_field(const onnx::TensorProto&) {
  return 16;
}

template <typename Message>
MetadataProps read_metadata(const Message& proto) {
  MetadataProps metadata;
  const auto& fields = proto.unknown_fields();
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    onnx::StringStringEntryProto entry;
    if (field.number() == metadata_field(proto) &&
        field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED &&
        entry.ParseFromString(field.length_delimited()))
      metadata.emplace_back(entry.key(), entry.value());
  }
  return metadata;
}

template <typename Message>
void put_metadata(const MetadataProps& metadata, Message& proto) {
  for (const auto& [key, value] : metadata) {
    onnx::StringStringEntryProto entry;
    entry.set_key(key);
    entry.set_value(value);
    proto.mutable_unknown_fields()->AddLengthDelimited(metadata_field(proto),
                                                       entry.SerializeAsString());
  }
}

}  // namespace q8

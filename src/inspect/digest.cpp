#include "inspect/digest.h"

#include <algorithm>

#include "base/sha256.h"

namespace q8 {
namespace {

// Every piece with its length, so that no two lists of pieces look alike.
class Digest {
 public:
  Digest& add(std::string_view text) {
    sha_.add(std::to_string(text.size()) + ":").add(text);
    return *this;
  }
  Digest& add(std::int64_t number) { return add(std::to_string(number)); }
  Digest& add(float number) { return add(std::as_bytes(std::span(&number, 1))); }
  Digest& add(std::span<const std::byte> bytes) {
    sha_.add(std::to_string(bytes.size()) + ":").add(bytes);
    return *this;
  }
  template <typename T>
  Digest& add(const std::vector<T>& list) {
    add(static_cast<std::int64_t>(list.size()));
    for (const T& item : list) add(item);
    return *this;
  }
  Digest& add(const Tensor& tensor) { return add(tensor_digest(tensor)); }
  Digest& add(const std::shared_ptr<const Graph>& graph) { return add(graph_digest(*graph)); }
  std::string hex() { return sha_.hex(); }

 private:
  Sha256 sha_;
};

std::string name_of(const Graph& graph, ValueId id) {
  return id == kNoValue ? "" : graph.value(id).name;
}

void add_interface(Digest& digest, const Graph& graph, const std::vector<ValueId>& values) {
  digest.add(static_cast<std::int64_t>(values.size()));
  for (const ValueId id : values) {
    const Value& value = graph.value(id);
    digest.add(value.name);
    digest.add(value.type.dtype ? dtype_name(*value.type.dtype) : std::string_view("?"));
    digest.add(value.type.dims.value_or(std::vector<std::int64_t>{}));
  }
}

}  // namespace

std::string tensor_digest(const Tensor& tensor) {
  Digest digest;
  digest.add(std::string_view(tensor.str()));
  digest.add(std::span(tensor.bytes(), tensor.size_bytes()));
  return digest.hex();
}

std::string node_digest(const Graph& graph, const Node& node) {
  Digest digest;
  digest.add(node.name).add(node.domain).add(node.op_type);
  for (const auto* list : {&node.inputs, &node.outputs}) {
    digest.add(static_cast<std::int64_t>(list->size()));
    for (const ValueId id : *list) digest.add(std::string_view(name_of(graph, id)));
  }
  for (const auto& [name, attribute] : node.attributes) {
    digest.add(std::string_view(name)).add(static_cast<std::int64_t>(attribute.index()));
    std::visit([&](const auto& value) { digest.add(value); }, attribute);
  }
  return digest.hex();
}

std::string graph_digest(const Graph& graph) {
  Digest digest;
  for (const auto& [domain, version] : graph.opsets)
    digest.add(std::string_view(domain)).add(version);
  add_interface(digest, graph, graph.inputs());
  add_interface(digest, graph, graph.outputs());
  for (const Node& node : graph.nodes()) digest.add(std::string_view(node_digest(graph, node)));
  const Uses uses(graph);
  std::vector<ValueId> constants;
  for (ValueId id = 0; id < graph.value_count(); ++id)
    if (graph.constant(id) != nullptr && (!uses.consumers(id).empty() || graph.is_output(id)))
      constants.push_back(id);
  std::ranges::sort(constants, {}, [&](ValueId id) { return graph.value(id).name; });
  for (const ValueId id : constants)
    digest.add(std::string_view(graph.value(id).name)).add(*graph.constant(id));
  return digest.hex();
}

}  // namespace q8

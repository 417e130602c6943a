#include "rewrite/constants.h"

#include <map>

#include "base/sha256.h"
#include "graph/bodies.h"

namespace q8 {
namespace {

// Below it a constant costs about as much as the name of another one.
constexpr std::size_t kLarge = 1024;

bool is_large(const Graph& graph, ValueId id) {
  return graph.constant(id) != nullptr && graph.constant(id)->size_bytes() >= kLarge;
}

}  // namespace

std::string content_key(const Tensor& tensor) {
  constexpr std::size_t kFew = 64;
  const std::span bytes(tensor.bytes(), tensor.size_bytes());
  if (bytes.size() > kFew) return tensor.str() + Sha256().add(bytes).hex();
  return tensor.str() + std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void give_outer_constants(Graph& graph) {
  std::map<std::string, ValueId> given;
  for (NodeId id = 0; id < graph.node_count(); ++id)
    edit_bodies(graph.node(id), [&](Graph& body) {
      give_outer_constants(body);
      for (ValueId inner = 0; inner < body.value_count(); ++inner) {
        if (!is_large(body, inner) || body.is_output(inner)) continue;
        const auto [outer, is_new] =
            given.try_emplace(content_key(*body.constant(inner)), kNoValue);
        if (is_new)
          outer->second = graph.add_constant(body.value(inner).name, *body.constant(inner));
        body.value(inner).constant.reset();
        body.add_capture({.outer = outer->second, .inner = inner});
      }
    });
}

}  // namespace q8

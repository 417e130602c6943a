#include "graph/attribute.h"

namespace q8 {
namespace {

template <typename T>
const T* typed(const Attributes& attributes, std::string_view name) {
  const Attribute* attribute = attributes.find(name);
  if (attribute == nullptr) return nullptr;
  if (const T* value = std::get_if<T>(attribute)) return value;
  throw bad_input("attribute '" + std::string(name) + "' has the wrong type");
}

template <typename T>
const T& needed(const Attributes& attributes, std::string_view name) {
  if (const T* value = typed<T>(attributes, name)) return *value;
  throw bad_input("the required attribute '" + std::string(name) + "' is missing");
}

template <typename T>
T value_or(const Attributes& attributes, std::string_view name, T fallback) {
  const T* value = typed<T>(attributes, name);
  return value != nullptr ? *value : std::move(fallback);
}

}  // namespace

const Attribute* Attributes::find(std::string_view name) const {
  const auto it = map_.find(name);
  return it == map_.end() ? nullptr : &it->second;
}

void Attributes::erase(std::string_view name) {
  if (const auto it = map_.find(name); it != map_.end()) map_.erase(it);
}

std::int64_t Attributes::get_int(std::string_view name, std::int64_t fallback) const {
  return value_or(*this, name, fallback);
}
float Attributes::get_float(std::string_view name, float fallback) const {
  return value_or(*this, name, fallback);
}
std::string Attributes::get_string(std::string_view name, std::string_view fallback) const {
  return value_or(*this, name, std::string(fallback));
}
std::vector<std::int64_t> Attributes::get_ints(std::string_view name,
                                               std::vector<std::int64_t> fallback) const {
  return value_or(*this, name, std::move(fallback));
}
std::vector<float> Attributes::get_floats(std::string_view name,
                                          std::vector<float> fallback) const {
  return value_or(*this, name, std::move(fallback));
}
std::vector<std::string> Attributes::get_strings(std::string_view name) const {
  return value_or(*this, name, std::vector<std::string>{});
}
std::int64_t Attributes::need_int(std::string_view name) const {
  return needed<std::int64_t>(*this, name);
}
std::vector<std::int64_t> Attributes::need_ints(std::string_view name) const {
  return needed<std::vector<std::int64_t>>(*this, name);
}
const Tensor& Attributes::need_tensor(std::string_view name) const {
  return needed<Tensor>(*this, name);
}
std::shared_ptr<const Graph> Attributes::need_graph(std::string_view name) const {
  return needed<std::shared_ptr<const Graph>>(*this, name);
}

}  // namespace q8

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tensor/tensor.h"

namespace q8 {

class Graph;

// The value of a node's attribute. Graphs (the bodies of If, Loop, Scan) are shared between copies
// and read-only.
using Attribute =
    std::variant<std::int64_t, float, std::string, Tensor, std::shared_ptr<const Graph>,
                 std::vector<std::int64_t>, std::vector<float>, std::vector<std::string>>;

// A node's attributes by name. Getters with a default return it where the attribute is absent; all
// throw bad_input naming the attribute where it has another type.
class Attributes {
 public:
  bool has(std::string_view name) const { return find(name) != nullptr; }
  const Attribute* find(std::string_view name) const;
  void set(std::string name, Attribute value) { map_[std::move(name)] = std::move(value); }
  void erase(std::string_view name);

  std::int64_t get_int(std::string_view name, std::int64_t fallback) const;
  float get_float(std::string_view name, float fallback) const;
  std::string get_string(std::string_view name, std::string_view fallback) const;
  std::vector<std::int64_t> get_ints(std::string_view name,
                                     std::vector<std::int64_t> fallback = {}) const;
  std::vector<float> get_floats(std::string_view name, std::vector<float> fallback = {}) const;
  std::vector<std::string> get_strings(std::string_view name) const;
  // Required ones: bad_input where absent.
  std::int64_t need_int(std::string_view name) const;
  std::vector<std::int64_t> need_ints(std::string_view name) const;
  const Tensor& need_tensor(std::string_view name) const;
  std::shared_ptr<const Graph> need_graph(std::string_view name) const;

  auto begin() const { return map_.begin(); }
  auto end() const { return map_.end(); }
  auto begin() { return map_.begin(); }
  auto end() { return map_.end(); }

 private:
  std::map<std::string, Attribute, std::less<>> map_;
};

}  // namespace q8

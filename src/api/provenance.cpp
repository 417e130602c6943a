#include "api/provenance.h"

namespace q8 {

void set_metadata(Metadata& metadata, std::string_view key, std::string value) {
  for (auto& [known, old] : metadata)
    if (known == key) {
      old = std::move(value);
      return;
    }
  metadata.emplace_back(key, std::move(value));
}

std::string find_metadata(const Metadata& metadata, std::string_view key) {
  for (const auto& [known, value] : metadata)
    if (known == key) return value;
  return {};
}

}  // namespace q8

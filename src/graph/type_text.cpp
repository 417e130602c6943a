#include "graph/type_text.h"

namespace q8 {

std::string type_text(const TypeInfo& type) {
  std::string text = type.dtype ? std::string(dtype_name(*type.dtype)) : "?";
  if (!type.dims) return text + "[?]";
  std::string dims;
  for (std::size_t i = 0; i < type.dims->size(); ++i) {
    const std::int64_t dim = (*type.dims)[i];
    const bool named = i < type.dim_names.size() && !type.dim_names[i].empty();
    dims += (i == 0 ? "" : ", ") + (dim != kUnknownDim ? std::to_string(dim)
                                    : named            ? type.dim_names[i]
                                                       : "?");
  }
  return text + "[" + dims + "]";
}

}  // namespace q8

#include "ops/broadcast.h"

namespace q8 {

Broadcast::Broadcast(std::initializer_list<const Shape*> inputs) {
  for (const Shape* s : inputs) shape_ = s == *inputs.begin() ? *s : broadcast(shape_, *s);

  std::vector<std::int64_t> dims;  // innermost first
  std::vector<Offsets> strides;
  Offsets advance{1, 1, 1};  // elements of each input inside the axes seen so far
  for (std::int64_t back = 1; back <= shape_.rank(); ++back) {
    const std::int64_t dim = shape_[shape_.rank() - back];
    if (dim == 1) continue;
    Offsets stride{};
    std::size_t i = 0;
    for (const Shape* s : inputs) {
      const std::int64_t own = back <= s->rank() ? (*s)[s->rank() - back] : 1;
      stride[i] = own == 1 ? 0 : advance[i];
      advance[i] *= own;
      ++i;
    }
    bool merges = !dims.empty();
    for (std::size_t k = 0; merges && k < kMaxInputs; ++k)
      merges = stride[k] == strides.back()[k] * dims.back();
    if (merges) {
      dims.back() *= dim;
    } else {
      dims.push_back(dim);
      strides.push_back(stride);
    }
  }
  if (!dims.empty()) {
    inner_ = std::max<std::int64_t>(dims[0], 1);
    inner_stride_ = strides[0];
    dims_.assign(dims.rbegin(), dims.rend() - 1);
    strides_.assign(strides.rbegin(), strides.rend() - 1);
  }
}

}  // namespace q8

#include "ops/operator.h"

namespace q8 {

const Tensor& RunContext::input(std::size_t i) const {
  if (!has_input(i)) throw bad_input("input " + std::to_string(i) + " is missing");
  return *inputs_[i];
}

Tensor& RunContext::output(std::size_t i, DType dtype, Shape shape) {
  Q8_ASSERT(i < outputs_.size());
  outputs_[i] = Tensor(dtype, std::move(shape), allocator);
  return outputs_[i];
}

void RunContext::set_output(std::size_t i, Tensor tensor) {
  Q8_ASSERT(i < outputs_.size());
  outputs_[i] = std::move(tensor);
}

}  // namespace q8

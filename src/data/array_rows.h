#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"
#include "data/npy.h"

namespace q8 {

// How the samples of an input lie in an array: the rule in dataset.h.
struct RowLayout {
  enum class Kind {
    kRows,           // sample k is a[k]
    kRowsWithBatch,  // sample k is a[k:k+1]
    kWhole,          // the array is one sample
    kAddBatch,       // the array is one sample, without its batch axis
    kConstant,       // a scalar, for every sample
  };
  Kind kind = Kind::kRows;
  std::int64_t count = 1;  // samples; without meaning for kConstant
  Shape sample_shape;      // as it is fed
};

// Throws bad_input with both shapes where the array cannot be the input's.
RowLayout row_layout(const ArrayInfo& array, const InputSpec& input);

// Sample k, copied out, in the input's type (checked_cast).
Tensor row_of(const Tensor& array, const RowLayout& layout, std::int64_t k, DType dtype);

// "input 'x' float[?, 3, ?, ?]", as messages name it.
std::string input_text(const InputSpec& input);

// Whether the shape has the declared rank and agrees with every dimension that is fixed.
bool fits(const Shape& shape, const InputSpec& input);

}  // namespace q8

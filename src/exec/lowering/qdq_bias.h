#pragma once

#include <optional>

#include "exec/lowering/qdq_group.h"

namespace q8 {

// The bias of a group: input `i` of its operator, whose weights (input 1) have `columns` output
// channels. kNoValue where the operator has none; nothing where it is not a constant with one value
// a column (or one for all), or where a value does not fit.

// As s32 with scale x_scale · w_scale and no zero point: as it stands where it was quantized so
// (the scales equal to within FP32 rounding), else rounded from its real values.
std::optional<ValueId> integer_bias(Graph& graph, const QdqGroup& group, std::size_t i,
                                    std::int64_t columns);
// In float, for groups with a float result.
std::optional<ValueId> float_bias(Graph& graph, const QdqGroup& group, std::size_t i,
                                  std::int64_t columns);

}  // namespace q8

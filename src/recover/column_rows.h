#pragma once

#include <map>
#include <span>
#include <vector>

#include "calib/statistics.h"
#include "recover/channel_groups.h"
#include "recover/recover.h"

namespace q8 {

// A part of a value's rows over some samples, in FP32: what layers read of it, side by side.
struct ColumnRows {
  std::int64_t columns = 0;
  std::vector<float> values;     // [count, columns]
  std::vector<Extrema> extrema;  // by column, of all rows

  std::int64_t count() const { return columns > 0 ? std::ssize(values) / columns : 0; }
  std::span<const float> row(std::int64_t i) const {
    return std::span(values).subspan(static_cast<std::size_t>(i * columns),
                                     static_cast<std::size_t>(columns));
  }
};

// By value: of all that readers of the groups read in the fitting samples. Some hundred rows of
// each, spread evenly over samples and places; memory is bounded.
std::map<ValueId, ColumnRows> collect_column_rows(const Graph& graph,
                                                  std::span<const ChannelGroup> groups,
                                                  const RecoveryContext& context);

}  // namespace q8

#include "recover/column_rows.h"

#include <algorithm>

#include "base/error.h"
#include "exec/session.h"
#include "exec/token_mask.h"

namespace q8 {
namespace {

// Of a value: enough to rank ranges and factors by, which is all they are for.
constexpr std::int64_t kMostRows = 384, kMostValues = std::int64_t{1} << 18, kFewestRows = 32;

struct Wanted {
  std::int64_t axis = -1;
  std::int64_t rows_a_sample = 0;
};

class Collector {
 public:
  Collector(std::span<const ChannelGroup> groups, std::int64_t samples) {
    for (const ChannelGroup& group : groups)
      for (const ChannelReader& reader : group.readers) {
        const std::int64_t columns = reader.columns();
        const std::int64_t most = std::clamp(kMostValues / columns, kFewestRows, kMostRows);
        wanted_[reader.layer.input] = {.axis = reader.channel_axis,
                                       .rows_a_sample = (most + samples - 1) / samples};
        rows_[reader.layer.input].columns = columns;
        rows_[reader.layer.input].extrema.resize(static_cast<std::size_t>(columns));
      }
  }

  std::vector<ValueId> values() const {
    std::vector<ValueId> ids;
    for (const auto& [id, wanted] : wanted_) ids.push_back(id);
    return ids;
  }

  void add(const Produced& produced, const TokenMask& mask) {
    const auto found = wanted_.find(produced.value);
    if (found == wanted_.end()) return;
    const std::vector<Tensor> parts =
        mask.unmasked(produced.value, cast(produced.tensor, DType::kF32));
    const std::int64_t share =
        (found->second.rows_a_sample + std::ssize(parts) - 1) / std::ssize(parts);
    for (const Tensor& part : parts)
      add_part(part, produced.axes, found->second.axis, share, rows_.at(produced.value));
  }

  std::map<ValueId, ColumnRows> finish() && { return std::move(rows_); }

 private:
  static void add_part(const Tensor& floats, std::span<const int> axes, std::int64_t axis,
                       std::int64_t most, ColumnRows& to) {
    const std::int64_t rank = floats.rank();
    const std::int64_t logical = axis < 0 ? rank + axis : 1;
    std::int64_t position = logical;  // in memory
    if (!axes.empty()) position = std::ranges::find(axes, static_cast<int>(logical)) - axes.begin();
    if (position < 0 || position >= rank || floats.shape()[position] != to.columns) return;
    if (floats.size() == 0) return;  // nothing but padding
    const std::int64_t inner = floats.shape().count(position + 1, rank);
    const std::int64_t count = floats.size() / to.columns;
    const std::int64_t taken = std::min(count, most);
    for (std::int64_t i = 0; i < taken; ++i) {
      const std::int64_t row = (2 * i + 1) * count / (2 * taken);
      const float* from = floats.data<float>() + row / inner * to.columns * inner + row % inner;
      for (std::int64_t c = 0; c < to.columns; ++c) to.values.push_back(from[c * inner]);
    }
    const float* x = floats.data<float>();
    for (std::int64_t outer = 0; outer < count / inner; ++outer)
      for (Extrema& extrema : to.extrema)
        for (std::int64_t i = 0; i < inner; ++i, ++x) extrema.include({*x, *x});
  }

  std::map<ValueId, Wanted> wanted_;
  std::map<ValueId, ColumnRows> rows_;
};

}  // namespace

std::map<ValueId, ColumnRows> collect_column_rows(const Graph& graph,
                                                  std::span<const ChannelGroup> groups,
                                                  const RecoveryContext& context) {
  Collector collector(groups, std::max<std::int64_t>(1, std::ssize(context.fit)));
  SessionOptions options = context.machine;
  options.keep = collector.values();
  const Session session(graph, options);
  TokenMask mask(graph, context.mask);
  for (const SampleInputs& sample : context.fit) {
    if (context.stop.stop_requested()) throw interrupted();
    mask.begin_sample(session, sample);
    session.run(sample, [&](const Produced& produced) { collector.add(produced, mask); });
  }
  return std::move(collector).finish();
}

}  // namespace q8

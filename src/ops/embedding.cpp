#include "ops/families.h"
#include "ops/normalization.h"

namespace q8 {
namespace {

// com.microsoft EmbedLayerNormalization: the rows of two or three tables are added and normalized.
// Inputs: input_ids, segment_ids, tables of words, positions and segments, gamma, beta, mask,
// position_ids. Outputs: the rows, the number of ones in each row of the mask, the sums.

struct Table {
  const Tensor* rows;
  std::string_view name;

  const float* row(std::int64_t id) const {
    if (id < 0 || id >= rows->shape()[0])
      throw bad_input(std::string(name) + " " + std::to_string(id) + " is outside the table " +
                      rows->str());
    return rows->data<float>() + id * rows->shape()[1];
  }
};

Table table_of(const RunContext& run, std::size_t input, std::string_view name) {
  const Tensor& rows = run.input(input);
  if (rows.rank() != 2 || rows.dtype() != DType::kF32)
    throw bad_input("the table of " + std::string(name) + "s is " + rows.str());
  return {.rows = &rows, .name = name};
}

void count_mask(RunContext& run, std::int64_t batch, std::int64_t length) {
  auto* counts = run.output(1, DType::kS32, Shape{batch}).mutable_data<std::int32_t>();
  std::fill_n(counts, batch, 0);
  if (!run.has_input(7)) return;
  const auto mask = run.input(7).to_int64s();
  if (std::ssize(mask) != batch * length)
    throw bad_input("mask " + run.input(7).str() + " is not [batch, sequence]");
  for (std::int64_t i = 0; i < batch * length; ++i)
    counts[i / length] += mask[static_cast<std::size_t>(i)] == 1;
}

OpFunction make_embed_layer_normalization(const NodeContext& node) {
  const float epsilon = node.attributes().get_float("epsilon", 1e-12f);
  return [epsilon](RunContext& run) {
    const Tensor& ids = run.input(0);
    if (ids.rank() != 2) throw bad_input("input_ids is " + ids.str() + ", not of rank 2");
    const std::int64_t batch = ids.shape()[0], length = ids.shape()[1], count = batch * length;
    const Table words = table_of(run, 2, "word"), places = table_of(run, 3, "position");
    const bool has_segments = run.has_input(1) && run.has_input(4);
    const Table segments = has_segments ? table_of(run, 4, "segment") : Table{nullptr, ""};
    const std::int64_t width = words.rows->shape()[1];
    if (places.rows->shape()[1] != width || (has_segments && segments.rows->shape()[1] != width))
      throw bad_input("the tables have rows of different sizes");
    for (const std::size_t i : {std::size_t{5}, std::size_t{6}})
      if (run.input(i).size() != width || run.input(i).dtype() != DType::kF32)
        throw bad_input("input " + std::to_string(i) + " is " + run.input(i).str());
    const auto word_ids = ids.to_int64s();
    const auto segment_ids = has_segments ? run.input(1).to_int64s() : std::vector<std::int64_t>();
    const auto place_ids =
        run.has_input(8) ? run.input(8).to_int64s() : std::vector<std::int64_t>();
    if ((has_segments && std::ssize(segment_ids) != count) ||
        (!place_ids.empty() && std::ssize(place_ids) != count && std::ssize(place_ids) != length))
      throw bad_input("segment_ids or position_ids do not fit input_ids " + ids.str());
    Tensor sums(DType::kF32, Shape{batch, length, width}, run.allocator);
    Tensor& y = run.output(0, DType::kF32, sums.shape());
    const float *gamma = run.input(5).data<float>(), *beta = run.input(6).data<float>();
    run.threads.parallel_for(count, row_grain(width), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const std::int64_t place =
            place_ids.empty() ? i % length : place_ids[at % place_ids.size()];
        const float *word = words.row(word_ids[at]), *position = places.row(place);
        const float* segment = has_segments ? segments.row(segment_ids[at]) : nullptr;
        float* sum = sums.mutable_data<float>() + i * width;
        for (std::int64_t j = 0; j < width; ++j)
          sum[j] = word[j] + position[j] + (segment == nullptr ? 0.0f : segment[j]);
        const Moments m = moments(sum, width, static_cast<double>(epsilon));
        const auto mean = static_cast<float>(m.mean),
                   factor = static_cast<float>(m.inverse_deviation);
        float* row = y.mutable_data<float>() + i * width;
        for (std::int64_t j = 0; j < width; ++j)
          row[j] = (sum[j] - mean) * factor * gamma[j] + beta[j];
      }
    });
    if (run.output_count() > 1) count_mask(run, batch, length);
    if (run.output_count() > 2) run.set_output(2, std::move(sums));
  };
}

constexpr OpRow kRows[] = {
    {"com.microsoft", "EmbedLayerNormalization", make_embed_layer_normalization},
};

}  // namespace

std::span<const OpRow> embedding_operators() {
  return kRows;
}

}  // namespace q8

#include "recover/input_statistics.h"

#include <algorithm>

#include "base/error.h"
#include "base/threads.h"
#include "exec/token_mask.h"
#include "kernels/int8/gemm_u8s8.h"
#include "recover/layer_rows.h"

namespace q8 {
namespace {

// Smaller Gram matrices (depthwise convolutions) are summed without the matrix kernels.
constexpr std::int64_t kSmallDepth = 64;
// Rows that are multiplied at a time: sums of 33,025 would still fit into 32 bits.
constexpr std::int64_t kRowsAtOnce = 1024;

// 16 rows for each unknown of a channel; 8,192 hold 32-bit sums of products (2^31 / 255² = 33,025)
// and bound the time of wide layers.
std::int64_t wanted_rows(const WeightedLayer& layer) {
  return std::clamp<std::int64_t>(16 * layer.depth, 2048, 8192);
}

// Row i of `taken` out of `count`, spread evenly, shifted from sample to sample so that the same
// places of an image are not always those that are seen.
std::int64_t spread_row(std::int64_t i, std::int64_t taken, std::int64_t count,
                        std::int64_t sample) {
  constexpr std::int64_t kPhases = 1024;
  const std::int64_t phase = sample * 633 % kPhases;  // 633/1024: the golden section
  return std::min(count - 1, (i * kPhases + phase) * count / (taken * kPhases));
}

// Rows of one group of one sample, side by side as bytes q and as real numbers.
struct RowBlock {
  std::vector<std::uint8_t> bytes;  // [rows, depth]: u8, or s8 as is_signed says
  std::vector<float> reals;         // [rows, depth]
  bool is_signed = false;
  std::int32_t zero_point = 0;

  // q − z
  std::int32_t integer(std::size_t at) const {
    return (is_signed ? static_cast<std::int8_t>(bytes[at]) : std::int32_t{bytes[at]}) - zero_point;
  }
};

RowBlock read_rows(const LayerRows& rows, const WeightedLayer& layer,
                   std::span<const std::int64_t> taken, std::int64_t group,
                   const QuantizeRow& kernels, Threads& threads) {
  const std::int64_t count = std::ssize(taken), depth = layer.depth;
  const QuantParams& params = *layer.input_params;
  RowBlock block{.bytes = {},
                 .reals = {},
                 .is_signed = params.dtype == DType::kS8,
                 .zero_point = params.zero_point[0]};
  block.reals.resize(static_cast<std::size_t>(count * depth));
  block.bytes.resize(block.reals.size());
  const QuantLimits limits = quant_limits(params.dtype);
  threads.parallel_for(count, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      rows.read(taken[static_cast<std::size_t>(i)], group, block.reals.data() + i * depth);
    kernels.quantize({.x = block.reals.data() + begin * depth,
                      .count = (end - begin) * depth,
                      .scale = params.scale[0],
                      .zero_point = block.zero_point,
                      .low = limits.min,
                      .high = limits.max,
                      .out = block.bytes.data() + begin * depth});
  });
  return block;
}

void add_sums(const RowBlock& block, std::int64_t count, std::int64_t depth, std::int64_t* sums,
              double* real_sums) {
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t k = 0; k < depth; ++k) {
      const auto at = static_cast<std::size_t>(i * depth + k);
      sums[k] += block.integer(at);
      real_sums[k] += static_cast<double>(block.reals[at]);
    }
}

void add_small_gram(const RowBlock& block, std::int64_t count, std::int64_t depth,
                    std::int32_t* gram) {
  std::vector<std::int32_t> x(static_cast<std::size_t>(depth));
  for (std::int64_t row = 0; row < count; ++row) {
    for (std::int64_t k = 0; k < depth; ++k)
      x[static_cast<std::size_t>(k)] = block.integer(static_cast<std::size_t>(row * depth + k));
    for (std::int64_t i = 0; i < depth; ++i)
      for (std::int64_t j = 0; j < depth; ++j)
        gram[i * depth + j] += x[static_cast<std::size_t>(i)] * x[static_cast<std::size_t>(j)];
  }
}

// gram += XᵀX with X = q − z, by the kernels that models run on: exact in s32.
void add_gram(const RowBlock& block, std::int64_t count, std::int64_t depth, std::int32_t* gram,
              const KernelSet& kernels, Threads& threads) {
  std::vector<std::uint8_t> transposed(block.bytes.size());
  std::vector<std::int32_t> product(static_cast<std::size_t>(depth * depth));
  threads.parallel_for(depth, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k)
      for (std::int64_t i = 0; i < count; ++i)
        transposed[static_cast<std::size_t>(k * count + i)] =
            block.bytes[static_cast<std::size_t>(i * depth + k)];
  });
  const std::int32_t zero_point[] = {block.zero_point};
  const PackedS8 packed(*kernels.gemm_u8s8, {.data = block.bytes.data(),
                                             .is_signed = block.is_signed,
                                             .k = count,
                                             .n = depth,
                                             .stride_k = depth,
                                             .stride_n = 1,
                                             .zero_point = zero_point});
  gemm_u8s8(depth,
            {.data = transposed.data(),
             .is_signed = block.is_signed,
             .zero_point = block.zero_point,
             .row_stride = count},
            packed, OutputU8S8{}, product.data(), depth, threads);
  threads.parallel_for(depth, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin * depth; i < end * depth; ++i)
      gram[i] += product[static_cast<std::size_t>(i)];
  });
}

class Collector {
 public:
  Collector(const Graph& graph, std::span<const WeightedLayer> layers,
            const RecoveryContext& context, bool gram)
      : graph_(graph),
        layers_(layers),
        samples_(std::ssize(context.fit)),
        gram_(gram),
        kernels_(make_kernel_set(context.machine.isa)),
        threads_(context.machine.threads),
        mask_(graph, context.mask),
        statistics_(layers.size()),
        waiting_(layers.size()) {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const auto columns = static_cast<std::size_t>(layers[i].groups * layers[i].depth);
      statistics_[i].sums.resize(columns);
      statistics_[i].real_sums.resize(columns);
      if (gram) statistics_[i].gram.resize(columns * static_cast<std::size_t>(layers[i].depth));
    }
  }

  void begin_sample(const Session& session, const SampleInputs& sample) {
    mask_.begin_sample(session, sample);
  }
  void add(const Produced& produced, std::int64_t sample) {
    for (std::size_t i = 0; i < layers_.size(); ++i)
      if (layers_[i].input == produced.value) add_layer(i, produced, sample);
  }
  std::vector<InputStatistics> finish() && {
    for (std::size_t i = 0; i < layers_.size(); ++i) multiply_waiting(i);
    return std::move(statistics_);
  }

 private:
  void add_layer(std::size_t index, const Produced& produced, std::int64_t sample) {
    const Tensor floats = cast(produced.tensor, DType::kF32);
    // The windows of a Conv reach over positions, so none can be taken out.
    const std::vector<Tensor> parts = graph_.node(layers_[index].node).is("Conv")
                                          ? std::vector{floats}
                                          : mask_.unmasked(produced.value, floats);
    const std::int64_t pieces = samples_ * std::ssize(parts);
    const std::int64_t share = (wanted_rows(layers_[index]) + pieces - 1) / pieces;
    for (const Tensor& part : parts)
      if (part.size() > 0) add_part(index, part, produced.axes, share, sample);
  }

  void add_part(std::size_t index, const Tensor& floats, std::span<const int> axes,
                std::int64_t share, std::int64_t sample) {
    const WeightedLayer& layer = layers_[index];
    const LayerRows rows(graph_, layer, floats, axes);
    std::vector<std::int64_t> taken(static_cast<std::size_t>(std::min(rows.count(), share)));
    for (std::size_t i = 0; i < taken.size(); ++i)
      taken[i] = spread_row(static_cast<std::int64_t>(i), std::ssize(taken), rows.count(), sample);
    statistics_[index].rows += std::ssize(taken);
    if (layer.groups == 1)
      add_group(index, rows, taken, 0, threads_);
    else
      threads_.parallel_for(layer.groups, 1, [&](std::int64_t begin, std::int64_t end) {
        Threads one(1);
        for (std::int64_t group = begin; group < end; ++group)
          add_group(index, rows, taken, group, one);
      });
  }

  void add_group(std::size_t index, const LayerRows& rows, std::span<const std::int64_t> taken,
                 std::int64_t group, Threads& threads) {
    const WeightedLayer& layer = layers_[index];
    InputStatistics& to = statistics_[index];
    const std::int64_t depth = layer.depth, first = group * depth, count = std::ssize(taken);
    const RowBlock block = read_rows(rows, layer, taken, group, *kernels_.quantize, threads);
    add_sums(block, count, depth, to.sums.data() + first, to.real_sums.data() + first);
    if (!gram_) return;
    if (depth <= kSmallDepth)
      add_small_gram(block, count, depth, to.gram.data() + first * depth);
    else if (layer.groups > 1)
      add_gram(block, count, depth, to.gram.data() + first * depth, kernels_, threads);
    else
      put_off(index, block);
  }

  // A product of few rows takes as long as adding it to the matrix; so rows of several samples wait
  // for each other.
  void put_off(std::size_t index, const RowBlock& block) {
    RowBlock& waiting = waiting_[index];
    waiting.is_signed = block.is_signed;
    waiting.zero_point = block.zero_point;
    waiting.bytes.insert(waiting.bytes.end(), block.bytes.begin(), block.bytes.end());
    if (std::ssize(waiting.bytes) >= kRowsAtOnce * layers_[index].depth) multiply_waiting(index);
  }

  void multiply_waiting(std::size_t index) {
    RowBlock& waiting = waiting_[index];
    const std::int64_t depth = layers_[index].depth, count = std::ssize(waiting.bytes) / depth;
    if (count == 0) return;
    add_gram(waiting, count, depth, statistics_[index].gram.data(), kernels_, threads_);
    waiting.bytes.clear();
  }

  const Graph& graph_;
  std::span<const WeightedLayer> layers_;
  std::int64_t samples_;
  bool gram_;
  KernelSet kernels_;
  Threads threads_;
  TokenMask mask_;
  std::vector<InputStatistics> statistics_;
  std::vector<RowBlock> waiting_;  // by layer: bytes alone
};

}  // namespace

std::vector<InputStatistics> collect_input_statistics(const Graph& graph,
                                                      std::span<const WeightedLayer> layers,
                                                      const RecoveryContext& context,
                                                      const StatisticsRequest& request) {
  SessionOptions options = context.machine;
  options.keep.clear();
  for (const WeightedLayer& layer : layers)
    if (std::ranges::find(options.keep, layer.input) == options.keep.end())
      options.keep.push_back(layer.input);
  const Session session(graph, options);
  Collector collector(graph, layers, context, request.gram);
  for (std::int64_t s = 0; s < std::ssize(context.fit); ++s) {
    if (context.stop.stop_requested()) throw interrupted();
    const SampleInputs& sample = context.fit[static_cast<std::size_t>(s)];
    collector.begin_sample(session, sample);
    session.run(sample, [&](const Produced& produced) { collector.add(produced, s); });
    if (context.progress) context.progress(request.what, s + 1, std::ssize(context.fit));
  }
  return std::move(collector).finish();
}

}  // namespace q8

#include "kernels/int8/conv_transpose_u8s8.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"
#include "kernels/int8/indirect_gemm_u8s8.h"
#include "kernels/int8/stage_u8.h"

namespace q8 {
namespace {

// One group's weights of some taps as [tap][channel][column], a tap of nothing where there is none:
// outputs that no input reaches are the bias.
std::vector<std::uint8_t> gather(const ConvGeometry& g, const ConvWeightsU8S8& w,
                                 const std::vector<std::int64_t>& taps, std::int64_t group) {
  const std::int64_t channels = g.in_channels_per_group(), columns = g.out_channels_per_group();
  const auto* source = static_cast<const std::uint8_t*>(w.data);
  std::vector<std::uint8_t> gathered;
  for (const std::int64_t tap : taps)
    for (std::int64_t c = group * channels; c < (group + 1) * channels; ++c)
      for (std::int64_t j = 0; j < columns; ++j)
        gathered.push_back(source[(c * columns + j) * g.taps() + tap]);
  if (!taps.empty()) return gathered;
  const auto zeros = of_columns(w.zero_point, group * columns, columns);
  for (std::int64_t i = 0; i < channels * columns; ++i)
    gathered.push_back(static_cast<std::uint8_t>(
        zeros.empty() ? 0 : zeros[zeros.size() == 1 ? 0 : static_cast<std::size_t>(i % columns)]));
  return gathered;
}

}  // namespace

ConvTransposeU8S8::ConvTransposeU8S8(const KernelSet& kernels, const ConvGeometry& g,
                                     const ConvWeightsU8S8& w, bool input_signed,
                                     std::int32_t input_zero_point, const OutputU8S8& output)
    : shape_(g), input_signed_(input_signed) {
  validate(g);
  const std::int32_t zero = input_signed ? input_zero_point + 128 : input_zero_point;
  Q8_ASSERT(zero >= 0 && zero <= 255);
  padding_ = static_cast<std::uint8_t>(zero);
  const std::int64_t channels = g.in_channels_per_group(), columns = g.out_channels_per_group();
  for (ConvTransposePhase& where : conv_transpose_phases(g)) {
    Phase phase{std::move(where), {}};
    for (std::int64_t group = 0; group < g.groups; ++group) {
      const std::vector<std::uint8_t> gathered = gather(g, w, phase.where.taps, group);
      PackedS8 packed(*kernels.gemm_u8s8,
                      {.data = gathered.data(),
                       .is_signed = w.is_signed,
                       .taps = std::max<std::int64_t>(1, std::ssize(phase.where.taps)),
                       .k = channels,
                       .n = columns,
                       .stride_tap = channels * columns,
                       .stride_k = columns,
                       .stride_n = 1,
                       .zero_point = of_columns(w.zero_point, group * columns, columns)});
      EpilogueU8S8 epilogue(packed, zero, of_columns(output, group * columns, columns));
      phase.groups.push_back({std::move(packed), std::move(epilogue)});
    }
    if (phase.where.steps.empty()) phase.where.steps.push_back({-1, -1, -1});
    phases_.push_back(std::move(phase));
  }
}

// One line of outputs, of one phase and group.
struct ConvTransposeU8S8::Line {
  const Phase& phase;
  const Group& group;
  const PhaseLine& place;
  TileRunner& runner;
  const std::uint8_t* image;  // of the group: its first channel
  std::int64_t pixel_bytes;
  const std::uint8_t* padding;
  char* out;
  std::int64_t out_stride;
};

void ConvTransposeU8S8::run_line(const Line& line) const {
  const PackedS8& b = line.group.weights;
  const std::int64_t most = b.row().mr;
  const std::int64_t element = element_bytes(line.group.epilogue.kind());
  for (std::int64_t first = 0; first < line.place.count(); first += most) {
    const std::int64_t count = std::min(most, line.place.count() - first);
    const std::uint8_t** row = line.runner.rows();
    for (const Spatial& step : line.phase.where.steps)
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t pixel = line.place.pixel(first + i, step);
        *row++ = pixel >= 0 ? line.image + pixel * line.pixel_bytes : line.padding;
      }
    TileU8S8 tile{};
    tile.rows = static_cast<int>(count);
    tile.columns = static_cast<int>(b.n());
    tile.out = line.out + first * line.out_stride * element;
    tile.out_stride = line.out_stride;
    line.group.epilogue.fill(tile, 0);
    line.runner.run(tile, 0, b.panels());
    line.group.epilogue.look_up(tile, tile.rows, tile.columns);
  }
}

void ConvTransposeU8S8::run(const ConvGeometry& g, const Spatial& output, const void* input,
                            void* out, Threads& threads) const {
  const std::int64_t in_pixels = product(g.input), out_pixels = product(output);
  if (g.batch == 0 || out_pixels == 0) return;
  const std::int64_t channels = shape_.in_channels_per_group();
  const RowsU8 staged({.source = static_cast<const std::uint8_t*>(input),
                       .source_stride = channels,
                       .rows = g.batch * in_pixels * shape_.groups,
                       .bytes = channels,
                       .flip = input_signed_},
                      threads);
  const std::int64_t group_bytes = staged.stride();
  const std::int64_t pixel_bytes = group_bytes * shape_.groups;
  const std::vector<std::uint8_t> padding(static_cast<std::size_t>(group_bytes), padding_);
  const std::int64_t columns = shape_.out_channels_per_group();
  // One task is some lines of outputs, with all their phases.
  const std::int64_t lines = output[0] * output[1];
  threads.parallel_for(g.batch * lines, 1, [&](std::int64_t begin, std::int64_t end) {
    for (const Phase& phase : phases_)
      for (std::int64_t group = 0; group < shape_.groups; ++group) {
        const Group& weights = phase.groups[static_cast<std::size_t>(group)];
        TileRunner runner(weights.weights, weights.weights.row().mr);
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t n = i / lines, z = i % lines / output[1], y = i % output[1];
          const PhaseLine place(g, output, phase.where, z, y);
          const std::int64_t first =
              (n * out_pixels + (z * output[1] + y) * output[2] + place.first()) *
                  shape_.out_channels +
              group * columns;
          run_line({.phase = phase,
                    .group = weights,
                    .place = place,
                    .runner = runner,
                    .image = staged.data() + n * in_pixels * pixel_bytes + group * group_bytes,
                    .pixel_bytes = pixel_bytes,
                    .padding = padding.data(),
                    .out = static_cast<char*>(out) + first * element_bytes(weights.epilogue.kind()),
                    .out_stride = shape_.stride[2] * shape_.out_channels});
        }
      }
  });
}

}  // namespace q8

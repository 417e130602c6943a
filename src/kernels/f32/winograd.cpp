#include "kernels/f32/winograd.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/f32/winograd_kernels.h"
#include "kernels/interval.h"

namespace q8 {
namespace {

// The 4×4 inputs of a tile begin two pixels after those of its neighbour; tiles at the right and
// lower edge may have outputs that nobody wants.
struct Tiles {
  explicit Tiles(const ConvGeometry& g)
      : out(g.output()), high((out[1] + 1) / 2), wide((out[2] + 1) / 2) {}
  Spatial out;
  std::int64_t high, wide;
  std::int64_t of_plane() const { return high * wide; }
};

// How the work is cut into tasks of some tiles and some panels.
struct Tasks {
  std::int64_t blocks, cuts;
};

Tasks tasks_of(std::int64_t tiles, const PackedF32& b, int threads) {
  // The transformed inputs of a block stay in L2 while the panels pass; below some rows a panel is
  // read for too few products.
  constexpr std::int64_t kInputBytes = 512 * 1024, kMostTiles = 48;
  const std::int64_t few = 2 * b.row().mr;
  const std::int64_t fit =
      kInputBytes / (std::int64_t{sizeof(float)} * kWinogradPlanes * b.channels());
  const std::int64_t size = std::clamp(fit, few, std::max(few, kMostTiles));
  std::int64_t blocks = (tiles + size - 1) / size;
  if (threads == 1) return {blocks, 1};
  // As many blocks for each thread; where tiles are too few for that, panels are cut, and the
  // inputs are transformed for each cut.
  blocks = (blocks + threads - 1) / threads * threads;
  blocks = std::clamp<std::int64_t>(tiles / few, 1, blocks);
  const std::int64_t cuts = blocks >= threads ? 1 : (threads + blocks - 1) / blocks;
  return {blocks, std::min(cuts, b.panels())};
}

// What a thread needs for one block after the other.
class Worker {
 public:
  Worker(const KernelSet& kernels, const WinogradF32& conv, std::int64_t most_tiles)
      : row_(*kernels.winograd_f32),
        conv_(conv),
        b_(conv.weights),
        tiles_(conv.geometry),
        nothing_(static_cast<std::size_t>(b_.channels()), 0.0f),
        // Not a multiple of 4 KB apart, or lines would push each other out of L1.
        input_step_(b_.channels() / kLine * kLine + kLine),
        input_plane_(most_tiles * input_step_ + kLine),
        sum_plane_(most_tiles * b_.row().nr + kLine),
        input_(static_cast<std::size_t>(kWinogradPlanes * input_plane_)),
        sums_(static_cast<std::size_t>(kWinogradPlanes * sum_plane_)),
        pixels_(static_cast<std::size_t>(kWinogradPlanes * most_tiles)),
        at_(static_cast<std::size_t>(4 * most_tiles)),
        rows_(static_cast<std::size_t>(most_tiles)) {}

  void run(Interval tiles, Interval panels) {
    find(tiles);
    row_.input({.pixels = pixels_.data(),
                .tiles = tiles.count(),
                .channels = b_.channels(),
                .out = input_.data(),
                .plane_stride = input_plane_,
                .tile_stride = input_step_});
    for (std::int64_t i = 0; i < tiles.count(); ++i)
      rows_[static_cast<std::size_t>(i)] = input_.data() + i * input_step_;
    for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
      for (std::int64_t plane = 0; plane < kWinogradPlanes; ++plane)
        multiply(tiles.count(), panel, plane);
      store(tiles.count(), panel);
    }
    const std::int64_t first = panels.begin * b_.row().nr;
    const std::int64_t columns = std::min(b_.n(), panels.end * b_.row().nr) - first;
    if (conv_.epilogue.then.function == nullptr) return;
    for (std::int64_t i = 0; i < 4 * tiles.count(); ++i)
      if (at_[static_cast<std::size_t>(i)] >= 0)
        conv_.epilogue.then(conv_.out + at_[static_cast<std::size_t>(i)] + first, columns);
  }

 private:
  static constexpr std::int64_t kLine = 16;  // floats

  // Where each tile's inputs and outputs are.
  void find(Interval tiles) {
    const ConvGeometry& g = conv_.geometry;
    const float** pixel = pixels_.data();
    std::int64_t* at = at_.data();
    for (std::int64_t i = tiles.begin; i < tiles.end; ++i) {
      const std::int64_t plane = i / tiles_.of_plane(), tile = i % tiles_.of_plane();
      const std::int64_t y = tile / tiles_.wide * 2, x = tile % tiles_.wide * 2;
      const std::int64_t image = plane / tiles_.out[0];
      const std::int64_t z = plane % tiles_.out[0] - g.pad_begin[0];
      for (std::int64_t v = y - g.pad_begin[1]; v < y - g.pad_begin[1] + 4; ++v)
        for (std::int64_t h = x - g.pad_begin[2]; h < x - g.pad_begin[2] + 4; ++h) {
          const bool inside =
              z >= 0 && z < g.input[0] && v >= 0 && v < g.input[1] && h >= 0 && h < g.input[2];
          *pixel++ =
              !inside ? nothing_.data()
                      : conv_.in + (((image * g.input[0] + z) * g.input[1] + v) * g.input[2] + h) *
                                       g.in_channels;
        }
      for (std::int64_t v = y; v < y + 2; ++v)
        for (std::int64_t h = x; h < x + 2; ++h)
          *at++ = v < tiles_.out[1] && h < tiles_.out[2]
                      ? ((plane * tiles_.out[1] + v) * tiles_.out[2] + h) * g.out_channels
                      : -1;
    }
  }

  // One plane of the transformed inputs by one plane of a panel.
  void multiply(std::int64_t tiles, std::int64_t panel, std::int64_t plane) {
    const std::int64_t nr = b_.row().nr, count = (tiles + b_.row().mr - 1) / b_.row().mr;
    const float* packed = b_.panel(panel) + plane * b_.channels() * nr;
    // What follows in memory is wanted next.
    const char* next = reinterpret_cast<const char*>(packed + b_.channels() * nr);
    for (std::int64_t i = 0; i < count; ++i) {
      const Interval rows = part(tiles, i, count);
      const std::int64_t step = prefetch_step(i, count, nr);
      b_.row().tile({.rows = rows_.data() + rows.begin,
                     .row_offset = plane * input_plane_,
                     .taps = 1,
                     .channels = b_.channels(),
                     .packed = packed,
                     .packed_tap_stride = 0,
                     .packed_panel_stride = b_.panel_stride(),
                     .c = sums_.data() + plane * sum_plane_ + rows.begin * nr,
                     .ldc = nr,
                     .m = rows.count(),
                     .n = std::min(nr, b_.n() - panel * nr),
                     .first = true,
                     .last = false,
                     .bias = nullptr,
                     .residual = nullptr,
                     .ld_residual = 0,
                     .lo = 0,
                     .hi = 0,
                     .prefetch = next + i * step * b_.channels(),
                     .prefetch_step = step});
    }
  }

  void store(std::int64_t tiles, std::int64_t panel) {
    const EpilogueF32& e = conv_.epilogue;
    const std::int64_t nr = b_.row().nr, first = panel * nr;
    row_.output({.sums = sums_.data(),
                 .plane_stride = sum_plane_,
                 .tile_stride = nr,
                 .tiles = tiles,
                 .columns = std::min(nr, b_.n() - first),
                 .at = at_.data(),
                 .bias = e.bias + first,
                 .residual = e.residual == nullptr ? nullptr : e.residual + first,
                 .out = conv_.out + first,
                 .lo = e.lo,
                 .hi = e.hi});
  }

  const WinogradF32Row& row_;
  const WinogradF32& conv_;
  const PackedF32& b_;
  Tiles tiles_;
  std::vector<float> nothing_;  // a pixel of padding
  std::int64_t input_step_, input_plane_, sum_plane_;
  AlignedBuffer<float> input_, sums_;
  std::vector<const float*> pixels_;
  std::vector<std::int64_t> at_;
  std::vector<const float*> rows_;
};

}  // namespace

bool winograd_f32_pays(const ConvGeometry& g) {
  const bool is_possible = g.groups == 1 && g.kernel == Spatial{1, 3, 3} &&
                           g.stride == Spatial{1, 1, 1} && g.dilation[1] == 1 && g.dilation[2] == 1;
  // A tile spares 20 · in · out products and costs transforms of in + out channels. Measured: what
  // is spared outweighs them from in · out / (in + out) = 12 on (24 → 24 channels, 16 → 48; 1.2
  // times as fast) and is 2.0 times as fast at 128 → 128, with AVX2 and AVX-512. Weights that come
  // from L3 for few pixels (512 → 512 at 7×7) gain too, 1.3 times; only images of less than some
  // 5×5 pixels lose, which have little to lose.
  constexpr std::int64_t kWorth = 12;
  return is_possible && g.in_channels * g.out_channels >= kWorth * (g.in_channels + g.out_channels);
}

PackedF32 pack_winograd_f32(const KernelSet& kernels, const ConvGeometry& g, const float* weights) {
  // The taps of some channels lie in L1 between transposing and transforming.
  constexpr std::int64_t kTaps = 9, kChannels = 8;
  const std::int64_t nr = kernels.gemm_f32->nr, channels = g.in_channels;
  PackedF32 packed(*kernels.gemm_f32, kWinogradPlanes, channels, g.out_channels);
  AlignedBuffer<float> taps(static_cast<std::size_t>(kChannels * kTaps * nr));
  for (std::int64_t panel = 0; panel < packed.panels(); ++panel) {
    const std::int64_t columns = std::min(nr, g.out_channels - panel * nr);
    if (columns < nr) std::fill_n(taps.data(), taps.size(), 0.0f);
    for (std::int64_t c = 0; c < channels; c += kChannels) {
      const std::int64_t count = std::min(kChannels, channels - c);
      kernels.transpose->bytes4(weights + (panel * nr * channels + c) * kTaps, channels * kTaps,
                                taps.data(), nr, columns, count * kTaps);
      kernels.winograd_f32->weights({.taps = taps.data(),
                                     .channels = count,
                                     .columns = nr,
                                     .out = packed.panel(panel) + c * nr,
                                     .plane_stride = channels * nr});
    }
  }
  return packed;
}

void run_winograd_f32(const KernelSet& kernels, const WinogradF32& conv, Threads& threads) {
  const Tiles tiles(conv.geometry);
  const std::int64_t count = conv.geometry.batch * tiles.out[0] * tiles.of_plane();
  const Tasks tasks = tasks_of(count, conv.weights, threads.count());
  const std::int64_t most_tiles = (count + tasks.blocks - 1) / tasks.blocks;
  threads.parallel_for(tasks.blocks * tasks.cuts, 1, [&](std::int64_t begin, std::int64_t end) {
    Worker worker(kernels, conv, most_tiles);
    for (std::int64_t i = begin; i < end; ++i)
      worker.run(part(count, i / tasks.cuts, tasks.blocks),
                 part(conv.weights.panels(), i % tasks.cuts, tasks.cuts));
  });
}

}  // namespace q8

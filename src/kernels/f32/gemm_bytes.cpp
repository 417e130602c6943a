#include "kernels/f32/gemm_bytes.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/isa_rows.h"

namespace q8 {
namespace {

// As deep as four panels of 32 columns take 32 KB, which stays in L1.
constexpr std::int64_t kDepth = 64;

struct Block {
  std::int64_t begin, size;
};

}  // namespace

PackedBytesF32::PackedBytesF32(const KernelSet& kernels, const ByteMatrixF32& matrix)
    : row_(kernels.gemm_f32),
      widen_(&select(widen_u8_rows(), kernels.max_isa)),
      n_(matrix.n),
      k_(matrix.k),
      is_signed_(matrix.format.is_signed) {
  const std::int64_t nr = row_->nr, columns = (n_ + nr - 1) / nr * nr;
  data_ = AlignedBuffer<std::uint8_t>(static_cast<std::size_t>(columns * k_));
  for (std::int64_t first = 0; first < n_; first += nr) {
    const std::int64_t count = std::min(nr, n_ - first);
    std::uint8_t* panel = data_.data() + first * k_;
    if (count < nr) std::fill_n(panel, nr * k_, std::uint8_t{0});
    kernels.transpose->bytes1(matrix.data + first * k_, k_, panel, nr, count, k_);
  }
  const ByteTensorFormat& format = matrix.format;
  for (std::int64_t j = 0; j < columns; ++j) {
    const auto from = static_cast<std::size_t>(format.scale.size() == 1 ? 0 : std::min(j, n_ - 1));
    scale_.push_back(format.scale[from]);
    zero_point_.push_back(format.zero_point[from]);
  }
}

void PackedBytesF32::widen(std::int64_t panel, std::int64_t begin, std::int64_t count,
                           float* out) const {
  const std::int64_t nr = row_->nr;
  widen_->widen({.q = data_.data() + (panel * k_ + begin) * nr,
                 .rows = count,
                 .columns = nr,
                 .scale = scale_.data() + panel * nr,
                 .zero_point = zero_point_.data() + panel * nr,
                 .is_signed = is_signed_,
                 .out = out});
}

void gemm_f32_bytes(std::int64_t m, const float* a, std::int64_t lda, const PackedBytesF32& b,
                    float* c, std::int64_t ldc, const EpilogueF32& epilogue, Threads& threads) {
  if (m == 0) return;
  const GemmF32Row& row = b.row();
  const std::int64_t at_once = m == 1 ? row.row_panels : 1;
  const std::int64_t steps = (b.panels() + at_once - 1) / at_once;
  const std::int64_t tiles = (m + row.mr - 1) / row.mr;
  // Rows are cut only where columns alone give too few tasks: each part makes floats of its own.
  const std::int64_t parts =
      steps >= threads.count() ? 1 : std::min<std::int64_t>(tiles, threads.count());
  const auto run_block = [&](const Block& panels, const Block& rows, float* floats) {
    const std::int64_t column = panels.begin * row.nr;
    const std::int64_t columns = std::min(panels.size * row.nr, b.n() - column);
    const float* residual = epilogue.residual;
    std::vector<const float*> pointers(static_cast<std::size_t>(row.mr));
    for (std::int64_t k = 0; k < b.k(); k += kDepth) {
      const std::int64_t depth = std::min(kDepth, b.k() - k);
      for (std::int64_t p = 0; p < panels.size; ++p)
        b.widen(panels.begin + p, k, depth, floats + p * depth * row.nr);
      for (std::int64_t i = rows.begin; i < rows.begin + rows.size; i += row.mr) {
        const std::int64_t count = std::min(row.mr, rows.begin + rows.size - i);
        for (std::int64_t r = 0; r < count; ++r)
          pointers[static_cast<std::size_t>(r)] = a + (i + r) * lda;
        row.tile({.rows = pointers.data(),
                  .row_offset = k,
                  .taps = 1,
                  .channels = depth,
                  .packed = floats,
                  .packed_tap_stride = 0,
                  .packed_panel_stride = depth * row.nr,
                  .c = c + i * ldc + column,
                  .ldc = ldc,
                  .m = count,
                  .n = columns,
                  .first = k == 0,
                  .last = k + depth == b.k(),
                  .bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + column,
                  .residual =
                      residual == nullptr ? nullptr : residual + i * epilogue.ld_residual + column,
                  .ld_residual = epilogue.ld_residual,
                  .lo = epilogue.lo,
                  .hi = epilogue.hi,
                  .prefetch = nullptr,
                  .prefetch_step = 0});
      }
    }
    if (epilogue.then.function == nullptr) return;
    for (std::int64_t i = rows.begin; i < rows.begin + rows.size; ++i)
      epilogue.then(c + i * ldc + column, columns);
  };
  threads.parallel_for(steps * parts, 1, [&](std::int64_t begin, std::int64_t end) {
    AlignedBuffer<float> floats(static_cast<std::size_t>(at_once * row.nr * kDepth));
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t first = task / parts * at_once, part = task % parts;
      const std::int64_t row_begin = std::min(m, tiles * part / parts * row.mr);
      const std::int64_t row_end = std::min(m, tiles * (part + 1) / parts * row.mr);
      run_block({first, std::min(at_once, b.panels() - first)}, {row_begin, row_end - row_begin},
                floats.data());
    }
  });
}

}  // namespace q8

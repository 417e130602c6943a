#include "ops/resize_plane.h"

#include <algorithm>

#include "kernels/aligned_buffer.h"

namespace q8 {
namespace {

// Results a thread takes at least: it makes the lines that its first results need anew.
constexpr std::int64_t kGrain = 32768;

// out = Σ weights · rows, a row at a time for more than two.
void combine(const float* const* rows, const std::vector<Tap>& taps, std::int64_t count,
             float* out) {
  const float* a = rows[0];
  const auto first = static_cast<float>(taps[0].weight);
  if (taps.size() == 1) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = first * a[i];
    return;
  }
  const float* b = rows[1];
  const auto second = static_cast<float>(taps[1].weight);
  for (std::int64_t i = 0; i < count; ++i) out[i] = first * a[i] + second * b[i];
  for (std::size_t t = 2; t < taps.size(); ++t) {
    const auto weight = static_cast<float>(taps[t].weight);
    for (std::int64_t i = 0; i < count; ++i) out[i] += weight * rows[t][i];
  }
}

}  // namespace

PlaneResize::PlaneResize(TapTable lines, TapTable columns, std::int64_t in_lines,
                         std::int64_t in_columns, std::int64_t inner)
    : lines_(std::move(lines)),
      columns_(std::move(columns)),
      in_lines_(in_lines),
      in_row_(in_columns * inner),
      inner_(inner) {
  for (const std::vector<Tap>& taps : lines_) {
    const auto [low, high] = std::ranges::minmax(taps, {}, &Tap::index);
    held_ = std::max(held_, high.index - low.index + 1);
  }
}

std::int64_t PlaneResize::out_row() const {
  return columns_.empty() ? in_row_ : std::ssize(columns_) * inner_;
}

// Makes some lines of results, one after the other.
class PlaneResize::Worker {
 public:
  Worker(const PlaneResize& plane, const Ends& ends)
      : plane_(plane),
        ends_(ends),
        out_row_(plane.out_row()),
        loaded_(static_cast<std::size_t>(plane.in_row_)),
        result_(static_cast<std::size_t>(out_row_)),
        lines_(static_cast<std::size_t>(plane.held_ * out_row_)),
        held_(static_cast<std::size_t>(plane.held_)) {}

  void make(std::int64_t line) {
    const std::int64_t out_lines = std::ssize(plane_.lines_);
    const auto& taps = plane_.lines_[static_cast<std::size_t>(line % out_lines)];
    const std::int64_t image = line / out_lines * plane_.in_lines_;
    rows_.clear();
    for (const Tap& tap : taps) rows_.push_back(input(image, tap.index));
    float* const out = ends_.place(line, result_.data());
    combine(rows_.data(), taps, out_row_, out);
    ends_.store(line, out);
  }

 private:
  struct Held {
    std::int64_t line = -1;
    const float* values = nullptr;
  };

  // The input line with its columns resized.
  const float* input(std::int64_t image, std::int64_t index) {
    const std::int64_t slot = index % plane_.held_;
    Held& held = held_[static_cast<std::size_t>(slot)];
    if (held.line == image + index) return held.values;
    float* const own = lines_.data() + slot * out_row_;
    held = {image + index, own};
    if (plane_.columns_.empty())
      held.values = ends_.load(image + index, own);
    else
      resize_columns(ends_.load(image + index, loaded_.data()), own);
    return held.values;
  }

  void resize_columns(const float* in, float* out) {
    if (plane_.inner_ == 1) {
      for (const std::vector<Tap>& taps : plane_.columns_) {
        float sum = static_cast<float>(taps[0].weight) * in[taps[0].index];
        for (std::size_t t = 1; t < taps.size(); ++t)
          sum += static_cast<float>(taps[t].weight) * in[taps[t].index];
        *out++ = sum;
      }
      return;
    }
    for (const std::vector<Tap>& taps : plane_.columns_) {
      pixels_.clear();
      for (const Tap& tap : taps) pixels_.push_back(in + tap.index * plane_.inner_);
      combine(pixels_.data(), taps, plane_.inner_, out);
      out += plane_.inner_;
    }
  }

  const PlaneResize& plane_;
  const Ends& ends_;
  const std::int64_t out_row_;
  AlignedBuffer<float> loaded_, result_, lines_;
  std::vector<Held> held_;
  std::vector<const float*> rows_, pixels_;
};

void PlaneResize::run(std::int64_t images, const Ends& ends, Threads& threads) const {
  const std::int64_t lines = images * std::ssize(lines_);
  const std::int64_t grain =
      std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, out_row()));
  threads.parallel_for(lines, grain, [&](std::int64_t begin, std::int64_t end) {
    Worker worker(*this, ends);
    for (std::int64_t line = begin; line < end; ++line) worker.make(line);
  });
}

}  // namespace q8

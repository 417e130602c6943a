#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "tensor/shape.h"

namespace q8 {

// Walks up to three tensors under NumPy's broadcasting rule. Axes along which all of them advance
// alike are merged, so that equal shapes are one run, a scalar is one run with a fixed operand, and
// a per-channel operand is one run a channel.
class Broadcast {
 public:
  static constexpr std::size_t kMaxInputs = 3;
  using Offsets = std::array<std::int64_t, kMaxInputs>;

  // Throws bad_input where the shapes do not broadcast.
  explicit Broadcast(std::initializer_list<const Shape*> inputs);

  const Shape& shape() const { return shape_; }
  // Within a run, whether input i moves with the output or stays at one element.
  bool advances(std::size_t i) const { return inner_stride_[i] != 0; }

  // Calls run(out_offset, count, offsets) for the runs that make up elements [begin, end) of the
  // output; offsets[i] is the first element of input i.
  template <typename Run>
  void walk(std::int64_t begin, std::int64_t end, Run&& run) const {
    if (begin >= end) return;
    std::int64_t position = begin % inner_;
    std::vector<std::int64_t> index(dims_.size());
    Offsets base{};
    std::int64_t rest = begin / inner_;
    for (std::size_t d = dims_.size(); d-- > 0;) {
      index[d] = rest % dims_[d];
      rest /= dims_[d];
      for (std::size_t i = 0; i < kMaxInputs; ++i) base[i] += index[d] * strides_[d][i];
    }
    for (std::int64_t at = begin; at < end;) {
      const std::int64_t count = std::min(inner_ - position, end - at);
      Offsets offsets = base;
      for (std::size_t i = 0; i < kMaxInputs; ++i) offsets[i] += position * inner_stride_[i];
      run(at, count, offsets);
      at += count;
      position = 0;
      for (std::size_t d = dims_.size(); d-- > 0;) {
        for (std::size_t i = 0; i < kMaxInputs; ++i) base[i] += strides_[d][i];
        if (++index[d] < dims_[d]) break;
        for (std::size_t i = 0; i < kMaxInputs; ++i) base[i] -= strides_[d][i] * dims_[d];
        index[d] = 0;
      }
    }
  }

 private:
  Shape shape_;
  std::int64_t inner_ = 1;
  Offsets inner_stride_{};          // 0 or 1
  std::vector<std::int64_t> dims_;  // of the outer loops, outermost first
  std::vector<Offsets> strides_;
};

}  // namespace q8

#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>

#include "kernels/int8/depthwise_u8s8_rows.h"
#include "kernels/int8/gemm_u8s8_rows.h"
#include "kernels/kernel_set.h"

namespace q8 {

// What sums of u8·s8 products would meet on hardware with narrower arithmetic.
//   pairs      sums of two neighbouring products (k and k + 1; in a depthwise convolution two
//   taps),
//              as vpmaddubsw makes them in 16 bits
//   saturated  those of them outside of −32768…32767
//   largest    the largest |accumulator| on the way through a sum, four products at a time, from
//   the
//              bias with the input's zero point folded in; not wrapped around
struct OverflowCount {
  std::int64_t pairs = 0, saturated = 0, largest = 0;

  OverflowCount& operator+=(const OverflowCount& other) {
    pairs += other.pairs;
    saturated += other.saturated;
    largest = std::max(largest, other.largest);
    return *this;
  }
  bool operator==(const OverflowCount&) const = default;
};

// Of one tile; nothing is computed but the count. `nr`: of the row whose weights the tile holds.
OverflowCount count_overflow(const TileU8S8& tile, int nr);
OverflowCount count_overflow(const DepthwiseU8S8Tile& tile);

// Sums counts of tiles, from any thread.
class OverflowCounter {
 public:
  void add(const OverflowCount& count) {
    const std::lock_guard lock(mutex_);
    total_ += count;
  }
  OverflowCount take() {  // and begins anew
    const std::lock_guard lock(mutex_);
    return std::exchange(total_, OverflowCount{});
  }

 private:
  std::mutex mutex_;
  OverflowCount total_;
};

// The rows of a KernelSet, the same bits, and everything they compute is counted too: several times
// slower. Weights packed for these rows refer to them and must not outlive them.
class CountingKernels {
 public:
  explicit CountingKernels(const KernelSet& kernels);
  CountingKernels(const CountingKernels&) = delete;
  CountingKernels& operator=(const CountingKernels&) = delete;

  const KernelSet& kernels() const { return kernels_; }
  OverflowCounter& counter() { return counter_; }

 private:
  OverflowCounter counter_;
  GemmU8S8Row gemm_;
  DepthwiseU8S8Row depthwise_;
  KernelSet kernels_;
};

}  // namespace q8

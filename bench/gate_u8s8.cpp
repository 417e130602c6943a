// A gate for continuous integration: the large byte products must reach 80 % of the peak of
// vpdpbusd on registers alone, measured in the same process, and 150 % of it with AMX (measured:
// 210 to 400 %). Compilers can halve these loops silently. Exit code 0: all do, 1: one does not,
// 77: this CPU has no VNNI.
//
// Other processes can only slow a run down, so the best of many short runs counts, product and peak
// in turn so that both meet the same clock; what falls short is measured anew up to kAttempts
// times.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "kernels/int8/gemm_u8s8.h"
#include "kernels/peak_u8s8.h"

namespace q8 {
namespace {

struct Gate {
  Isa isa;
  double least_share;
};
constexpr Gate kGates[] = {{Isa::kAvx512Vnni, 0.80}, {Isa::kAmx, 1.50}};
constexpr int kAttempts = 12;
constexpr int kRuns = 40;  // of each, in an attempt

struct Shape {
  std::int64_t m, n, k;
};
constexpr Shape kShapes[] = {
    {49, 512, 4608}, {196, 256, 2304}, {784, 128, 1152}, {3136, 64, 576}, {128, 768, 768}};

// Operations a nanosecond.
template <typename Work>
double speed(double operations, Work&& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - begin;
  return operations / elapsed.count();
}

double peak(Isa isa) {
  constexpr std::int64_t kLoops = 100'000;
  const auto operations = static_cast<double>(spin_u8s8(isa, 1)) * kLoops;
  return speed(operations, [&] { spin_u8s8(isa, kLoops); });
}

bool reaches(double least_share, const GemmU8S8Row& row, const Shape& s) {
  const std::vector<std::uint8_t> a(static_cast<std::size_t>(s.m * s.k), 3);
  const std::vector<std::int8_t> b(static_cast<std::size_t>(s.k * s.n), -2);
  const std::vector<float> multiplier(static_cast<std::size_t>(s.n), 0.001f);
  std::vector<std::uint8_t> c(static_cast<std::size_t>(s.m * s.n));
  const PackedS8 packed(row,
                        {.data = b.data(), .k = s.k, .n = s.n, .stride_k = s.n, .stride_n = 1});
  const ActivationsView view{a.data(), false, 3, s.k};
  const EpilogueU8S8 epilogue(
      packed, 3, {.kind = OutputKind::kByte, .multiplier = multiplier, .zero_point = 128});
  Threads threads(1);
  const double operations = 2.0 * static_cast<double>(s.m * s.n * s.k);
  double best = 0, best_peak = 0;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    for (int run = 0; run < kRuns; ++run) {
      best_peak = std::max(best_peak, peak(Isa::kAvx512Vnni));
      best = std::max(best, speed(operations, [&] {
                        gemm_u8s8(s.m, view, packed, epilogue, c.data(), s.n, threads);
                      }));
    }
    if (best >= least_share * best_peak) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  const bool passed = best >= least_share * best_peak;
  std::printf("%-11s %5d x %4d x %4d  %6.1f GOPS, %5.1f %% of %6.1f  %s\n", row.name,
              static_cast<int>(s.m), static_cast<int>(s.n), static_cast<int>(s.k), best,
              100 * best / best_peak, best_peak, passed ? "passed" : "FAILED");
  return passed;
}

int run() {
  if (!cpu_has(Isa::kAvx512Vnni)) {
    std::printf("skipped: this CPU has no AVX512-VNNI, whose peak is the measure\n");
    return 77;
  }
  bool passed = true;
  for (const Gate& gate : kGates)
    for (const GemmU8S8Row& row : gemm_u8s8_rows())
      if (row.isa == gate.isa && cpu_has(row.isa))
        for (const Shape& shape : kShapes) passed = reaches(gate.least_share, row, shape) && passed;
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace q8

int main() {
  return q8::run();
}

// The FP32 kernels on the shapes of real models, beside the peak of this CPU measured in the same
// process. Counters: GFLOPS (2 · multiply-adds / s) and percent_of_peak, both of the fastest
// iteration by the clock of the thread: other processes can only slow a run down.
//   bench_kernels_f32 --benchmark_filter=Gemm --benchmark_min_time=0.2

#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kernels/aligned_buffer.h"
#include "kernels/f32/conv.h"
#include "kernels/f32/conv_pair.h"
#include "kernels/f32/gemm.h"
#include "kernels/kernel_set.h"
#include "kernels/peak_f32.h"
#include "kernels/transpose.h"

namespace q8 {
namespace {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double peak_gflops() {
  static const double peak = [] {
    double best = 0;
    for (int run = 0; run < 40; ++run) {
      const double begin = thread_seconds();
      const std::int64_t operations = spin_f32(best_isa(), 100'000);
      best = std::max(best, static_cast<double>(operations) / (thread_seconds() - begin) / 1e9);
    }
    return best;
  }();
  return peak;
}

AlignedBuffer<float> random_floats(std::int64_t count) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  AlignedBuffer<float> out(static_cast<std::size_t>(count));
  std::generate_n(out.data(), count, [&] { return uniform(generator); });
  return out;
}

// Seconds of the fastest iteration.
template <typename Body>
double fastest(benchmark::State& state, Body&& body) {
  double best = std::numeric_limits<double>::infinity();
  for (auto _ : state) {
    const double begin = thread_seconds();
    body();
    best = std::min(best, thread_seconds() - begin);
  }
  return best;
}

void report(benchmark::State& state, std::int64_t multiply_adds, double seconds) {
  const double gflops = 2.0 * static_cast<double>(multiply_adds) / seconds / 1e9;
  state.counters["GFLOPS"] = gflops;
  state.counters["percent_of_peak"] = 100 * gflops / peak_gflops();
}

struct GemmShape {
  std::int64_t m, n, k;
};

void gemm(benchmark::State& state, Isa isa, const GemmShape& shape) {
  const auto [m, n, k] = shape;
  const AlignedBuffer<float> a = random_floats(m * k), b = random_floats(k * n);
  AlignedBuffer<float> c(static_cast<std::size_t>(m * n));
  const PackedF32 packed(*make_kernel_set(isa).gemm_f32, matrix_f32(b.data(), k, n, n));
  Threads threads(1);
  const double seconds =
      fastest(state, [&] { gemm_f32(m, a.data(), k, packed, c.data(), n, {}, threads); });
  report(state, m * n * k, seconds);
}

void conv(benchmark::State& state, Isa isa, const ConvGeometry& g) {
  const AlignedBuffer<float> input = random_floats(product(g.input) * g.in_channels);
  const AlignedBuffer<float> weights =
      random_floats(g.out_channels * g.in_channels_per_group() * g.taps());
  const ConvF32 convolution(make_kernel_set(isa), g, weights.data(), nullptr, {.lo = 0.0f});
  const std::int64_t outputs = product(g.output()) * g.out_channels;
  AlignedBuffer<float> out(static_cast<std::size_t>(outputs));
  Threads threads(1);
  const double seconds =
      fastest(state, [&] { convolution.run(g, input.data(), out.data(), nullptr, threads); });
  report(state, outputs * g.taps() * g.in_channels_per_group(), seconds);
}

// A convolution and a depthwise one behind it.
void pair(benchmark::State& state, Isa isa, const ConvGeometry& conv, const ConvGeometry& g) {
  const AlignedBuffer<float> input = random_floats(product(conv.input) * conv.in_channels);
  const AlignedBuffer<float> first = random_floats(g.in_channels * conv.in_channels * conv.taps());
  const AlignedBuffer<float> second = random_floats(g.out_channels * g.taps());
  const ConvPairF32 convolutions(make_kernel_set(isa), conv, {first.data(), nullptr, {.lo = 0.0f}},
                                 g, {second.data(), nullptr, {.lo = 0.0f}});
  const std::int64_t outputs = product(g.output()) * g.out_channels;
  AlignedBuffer<float> out(static_cast<std::size_t>(outputs));
  Threads threads(1);
  const double seconds =
      fastest(state, [&] { convolutions.run(conv, g, input.data(), out.data(), threads); });
  report(state,
         outputs * g.taps() + product(g.input) * g.in_channels * conv.in_channels * conv.taps(),
         seconds);
}

void transposed(benchmark::State& state, std::int64_t bytes, std::int64_t rows,
                std::int64_t columns) {
  const AlignedBuffer<float> in = random_floats(rows * columns * 2);
  AlignedBuffer<float> out(in.size());
  const KernelSet kernels = make_kernel_set();
  Threads threads(1);
  const double seconds = fastest(state, [&] {
    transpose(kernels, {.rows = rows, .columns = columns, .element_bytes = bytes}, in.data(),
              out.data(), threads);
  });
  state.counters["GB/s"] = static_cast<double>(2 * rows * columns * bytes) / seconds / 1e9;
}

ConvGeometry square(std::int64_t size, std::int64_t in, std::int64_t out, std::int64_t kernel,
                    std::int64_t stride, std::int64_t groups) {
  const std::int64_t pad = kernel / 2;
  return {.in_channels = in,
          .out_channels = out,
          .groups = groups,
          .input = {1, size, size},
          .kernel = {1, kernel, kernel},
          .stride = {1, stride, stride},
          .pad_begin = {0, pad, pad},
          .pad_end = {0, pad, pad}};
}

std::string shape_name(const ConvGeometry& g) {
  return std::to_string(g.input[2]) + "px_" + std::to_string(g.in_channels) + "to" +
         std::to_string(g.out_channels) + "_k" + std::to_string(g.kernel[2]) + "s" +
         std::to_string(g.stride[2]);
}

void register_all() {
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
    if (!cpu_has(isa)) continue;
    const std::string suffix = "/" + std::string(isa_name(isa));
    for (const GemmShape& shape : std::vector<GemmShape>{{49, 512, 4608},
                                                         {196, 256, 2304},
                                                         {784, 128, 1152},
                                                         {3136, 64, 576},
                                                         {128, 768, 768},
                                                         {128, 3072, 768},
                                                         {128, 768, 3072},
                                                         {1024, 1024, 1024},
                                                         {49, 512, 2048},
                                                         {1, 1000, 2048}}) {
      const std::string name = std::string("Gemm/") + std::to_string(shape.m) + "x" +
                               std::to_string(shape.n) + "x" + std::to_string(shape.k) + suffix;
      benchmark::RegisterBenchmark(name.c_str(), gemm, isa, shape);
    }
    for (const ConvGeometry& g :
         {square(224, 3, 64, 7, 2, 1), square(224, 3, 32, 3, 2, 1), square(56, 64, 64, 3, 1, 1),
          square(28, 128, 128, 3, 1, 1), square(14, 256, 256, 3, 1, 1),
          square(7, 512, 512, 3, 1, 1), square(56, 64, 64, 1, 1, 1), square(56, 64, 256, 1, 1, 1),
          square(56, 256, 64, 1, 1, 1), square(28, 512, 128, 1, 1, 1),
          square(14, 1024, 256, 1, 1, 1), square(14, 256, 1024, 1, 1, 1),
          square(7, 2048, 512, 1, 1, 1), square(56, 256, 512, 1, 2, 1)})
      benchmark::RegisterBenchmark(("Conv/" + shape_name(g) + suffix).c_str(), conv, isa, g);
    for (const ConvGeometry& g : {square(112, 32, 32, 3, 1, 32), square(112, 96, 96, 3, 2, 96),
                                  square(56, 144, 144, 3, 1, 144), square(28, 192, 192, 3, 1, 192),
                                  square(14, 384, 384, 3, 1, 384), square(14, 576, 576, 5, 1, 576),
                                  square(7, 960, 960, 3, 1, 960)})
      benchmark::RegisterBenchmark(("Depthwise/" + shape_name(g) + suffix).c_str(), conv, isa, g);
    for (const auto& [conv, g] : std::vector<std::pair<ConvGeometry, ConvGeometry>>{
             {square(224, 3, 32, 3, 2, 1), square(112, 32, 32, 3, 1, 32)},
             {square(112, 16, 96, 1, 1, 1), square(112, 96, 96, 3, 2, 96)},
             {square(56, 24, 144, 1, 1, 1), square(56, 144, 144, 3, 1, 144)},
             {square(28, 40, 240, 1, 1, 1), square(28, 240, 240, 5, 1, 240)},
             {square(14, 64, 384, 1, 1, 1), square(14, 384, 384, 3, 1, 384)},
             {square(14, 112, 672, 1, 1, 1), square(14, 672, 672, 5, 1, 672)},
             {square(7, 160, 960, 1, 1, 1), square(7, 960, 960, 3, 1, 960)},
             {square(7, 192, 1152, 1, 1, 1), square(7, 1152, 1152, 5, 1, 1152)}})
      benchmark::RegisterBenchmark(
          ("Pair/" + shape_name(conv) + "_to_" + shape_name(g) + suffix).c_str(), pair, isa, conv,
          g);
  }
  for (const std::int64_t bytes : {1, 2, 4})
    for (const std::int64_t channels : {3, 64, 512})
      benchmark::RegisterBenchmark(
          ("Transpose/" + std::to_string(bytes) + "bytes_" + std::to_string(channels) + "x3136")
              .c_str(),
          transposed, bytes, channels, 3136);
}

}  // namespace
}  // namespace q8

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (!q8::cpu_has(q8::Isa::kAvx2)) return 0;  // nothing to compare with
  benchmark::AddCustomContext("peak_gflops", std::to_string(q8::peak_gflops()));
  q8::register_all();
  benchmark::RunSpecifiedBenchmarks();
}

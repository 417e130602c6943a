// The u8·s8 kernels on the shapes of real models, beside the peak of this CPU measured in the same
// process. Counters: GOPS (2 · multiply-adds / s) and percent_of_peak.
//   bench_kernels_u8s8 [--isa=avx512vnni] --benchmark_filter=Gemm --benchmark_min_time=0.2

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/int8/conv_u8s8.h"
#include "kernels/int8/gemm_u8s8.h"
#include "kernels/int8/pool_u8.h"
#include "kernels/kernel_set.h"
#include "kernels/peak_u8s8.h"

namespace q8 {
namespace {

// Of all but the Row benchmarks; chosen before any is registered.
KernelSet& kernels() {
  static KernelSet chosen = make_kernel_set();
  return chosen;
}

// The best of several short runs: other processes can only slow a run down.
double peak_gops(Isa isa) {
  static std::map<Isa, double> peaks;
  double& best = peaks[isa];
  if (best > 0) return best;
  for (int run = 0; run < 20; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    const std::int64_t operations = spin_u8s8(isa, 200'000);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    best = std::max(best, static_cast<double>(operations) / elapsed.count() / 1e9);
  }
  return best;
}

void report(benchmark::State& state, std::int64_t multiply_adds, Isa isa = kernels().max_isa) {
  const double operations = 2.0 * static_cast<double>(multiply_adds);
  state.counters["GOPS"] =
      benchmark::Counter(operations / 1e9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["percent_of_peak"] = benchmark::Counter(
      100 * operations / 1e9 / peak_gops(isa), benchmark::Counter::kIsIterationInvariantRate);
}

std::vector<std::uint8_t> random_bytes(std::int64_t count) {
  std::mt19937 random(1);
  std::vector<std::uint8_t> out(static_cast<std::size_t>(count));
  for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

struct GemmShape {
  std::int64_t m, n, k;
  bool a_signed;
};

void gemm(benchmark::State& state, const GemmShape& shape, const GemmU8S8Row& row) {
  const auto [m, n, k, a_signed] = shape;
  const std::vector<std::uint8_t> a = random_bytes(m * k), b = random_bytes(k * n);
  const std::vector<float> multiplier(static_cast<std::size_t>(n), 0.0001f);
  std::vector<std::uint8_t> c(static_cast<std::size_t>(m * n));
  const PackedS8 packed(row, {.data = b.data(), .k = k, .n = n, .stride_k = n, .stride_n = 1});
  const ActivationsView activations{a.data(), a_signed, 3, k};
  const EpilogueU8S8 epilogue(
      packed, epilogue_zero_point(activations),
      {.kind = OutputKind::kByte, .multiplier = multiplier, .zero_point = 128});
  Threads threads(1);
  for (auto _ : state) gemm_u8s8(m, activations, packed, epilogue, c.data(), n, threads);
  report(state, m * n * k, row.isa);
}

void conv(benchmark::State& state, const ConvGeometry& g) {
  const std::vector<std::uint8_t> input = random_bytes(product(g.input) * g.in_channels);
  const std::vector<std::uint8_t> weights =
      random_bytes(g.out_channels * g.in_channels_per_group() * g.taps());
  const std::vector<std::int32_t> bias(static_cast<std::size_t>(g.out_channels), 5);
  const std::vector<float> multiplier(static_cast<std::size_t>(g.out_channels), 0.0001f);
  const ConvU8S8 convolution(kernels(), g, {weights.data()});
  const ConvU8S8::Epilogue epilogue = convolution.make_epilogue(
      false, 3,
      {.kind = OutputKind::kByte, .bias = bias, .multiplier = multiplier, .zero_point = 128});
  const std::int64_t outputs = product(g.output()) * g.out_channels;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(outputs));
  Threads threads(1);
  for (auto _ : state) convolution.run(g, input.data(), epilogue, out.data(), threads);
  report(state, outputs * g.in_channels_per_group() * g.taps());
}

// The products of two activations in an attention layer: 12 heads, packed on the fly.
void attention(benchmark::State& state, std::int64_t m, std::int64_t n, std::int64_t k,
               bool transposed) {
  constexpr std::int64_t kHeads = 12;
  const std::vector<std::uint8_t> a = random_bytes(kHeads * m * k),
                                  b = random_bytes(kHeads * k * n);
  const float multiplier[] = {0.0001f};
  const std::int32_t zero_point[] = {131};
  std::vector<std::uint8_t> c(static_cast<std::size_t>(kHeads * m * n));
  BatchedGemmU8S8 products{.batch = kHeads, .m = m};
  products.a = {a.data(), false, 7, k};
  products.a_step = m * k;
  products.b = {.data = b.data(),
                .is_signed = false,
                .k = k,
                .n = n,
                .stride_k = transposed ? 1 : n,
                .stride_n = transposed ? k : 1,
                .zero_point = zero_point};
  products.b_step = k * n;
  products.output = {.kind = OutputKind::kByte, .multiplier = multiplier, .zero_point = 128};
  products.c = c.data();
  products.c_stride = n;
  products.c_step = m * n;
  Threads threads(1);
  for (auto _ : state) batched_gemm_u8s8(*kernels().gemm_u8s8, products, threads);
  report(state, kHeads * m * n * k);
}

// Memory-bound work: bytes read and written per second.
void quantize(benchmark::State& state) {
  constexpr std::int64_t kCount = 200'000;
  const std::vector<float> x(kCount, 1.5f);
  std::vector<std::uint8_t> q(kCount);
  const QuantizeRow& row = *kernels().quantize;
  for (auto _ : state) row.quantize({x.data(), kCount, 0.1f, 3, 0, 255, q.data()});
  state.SetBytesProcessed(state.iterations() * kCount * 5);
}

void add(benchmark::State& state) {
  constexpr std::int64_t kCount = 200'000;
  const std::vector<std::uint8_t> a = random_bytes(kCount), b = random_bytes(kCount);
  std::vector<std::uint8_t> c(kCount);
  const QuantizeRow& row = *kernels().quantize;
  for (auto _ : state)
    row.combine({a.data(),
                 b.data(),
                 1,
                 kCount,
                 {0.1f, 3, false},
                 {0.2f, 5, false},
                 false,
                 0.3f,
                 9,
                 0,
                 255,
                 c.data()});
  state.SetBytesProcessed(state.iterations() * kCount * 3);
}

ConvGeometry window(std::int64_t size, std::int64_t channels, std::int64_t kernel,
                    std::int64_t stride, std::int64_t pad) {
  return {.in_channels = channels,
          .out_channels = channels,
          .groups = channels,
          .input = {1, size, size},
          .kernel = {1, kernel, kernel},
          .stride = {1, stride, stride},
          .pad_begin = {0, pad, pad},
          .pad_end = {0, pad, pad}};
}

void max_pool(benchmark::State& state) {
  const ConvGeometry g = window(112, 64, 3, 2, 1);
  const std::vector<std::uint8_t> x = random_bytes(112 * 112 * 64);
  std::vector<std::uint8_t> y(56 * 56 * 64);
  Threads threads(1);
  for (auto _ : state) max_pool_u8(g, x.data(), false, y.data(), threads);
  state.SetBytesProcessed(state.iterations() * 9 * static_cast<std::int64_t>(y.size()));
}

void global_average_pool(benchmark::State& state) {
  const AveragePoolU8 pool{
      .geometry = window(7, 2048, 7, 1, 0), .x_format = {0.1f, 3, false}, .y_scale = 0.05f};
  const std::vector<std::uint8_t> x = random_bytes(7 * 7 * 2048);
  std::vector<std::uint8_t> y(2048);
  Threads threads(1);
  for (auto _ : state) average_pool_u8(pool, x.data(), y.data(), threads);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(x.size()));
}

struct ConvShape {
  const char* name;
  std::int64_t size, in, out, groups, kernel, stride;
};

constexpr GemmShape kGemms[] = {{49, 512, 4608, false},  {196, 256, 2304, false},
                                {784, 128, 1152, false}, {3136, 64, 576, false},
                                {128, 768, 768, false},  {128, 768, 768, true},
                                {1, 1000, 2048, false},  {1, 768, 3072, false}};

constexpr ConvShape kConvs[] = {
    {"3x3", 56, 64, 64, 1, 3, 1},           {"3x3", 28, 128, 128, 1, 3, 1},
    {"3x3", 14, 256, 256, 1, 3, 1},         {"3x3", 7, 512, 512, 1, 3, 1},
    {"1x1", 56, 64, 64, 1, 1, 1},           {"1x1", 56, 64, 256, 1, 1, 1},
    {"1x1", 28, 512, 128, 1, 1, 1},         {"1x1", 14, 1024, 256, 1, 1, 1},
    {"1x1", 7, 512, 2048, 1, 1, 1},         {"1x1", 112, 16, 96, 1, 1, 1},
    {"1x1", 14, 96, 576, 1, 1, 1},          {"stem", 224, 3, 64, 1, 7, 2},
    {"stem", 224, 3, 32, 1, 3, 2},          {"depthwise", 112, 32, 32, 32, 3, 1},
    {"depthwise", 112, 96, 96, 96, 3, 2},   {"depthwise", 56, 144, 144, 144, 3, 1},
    {"depthwise", 28, 192, 192, 192, 3, 1}, {"depthwise", 14, 576, 576, 576, 3, 1},
    {"depthwise", 14, 480, 480, 480, 5, 1}, {"depthwise", 7, 960, 960, 960, 3, 1}};

void register_all() {
  for (const GemmShape& s : kGemms) {
    const std::string name = "Gemm/" + std::to_string(s.m) + "x" + std::to_string(s.n) + "x" +
                             std::to_string(s.k) + (s.a_signed ? "/s8s8" : "/u8s8");
    benchmark::RegisterBenchmark(name.c_str(),
                                 [&s](auto& state) { gemm(state, s, *kernels().gemm_u8s8); });
  }
  for (const GemmU8S8Row& row : gemm_u8s8_rows())
    if (row.isa != Isa::kScalar && cpu_has(row.isa))
      benchmark::RegisterBenchmark((std::string("Row/196x256x2304/") + row.name).c_str(),
                                   [&row](auto& state) { gemm(state, kGemms[1], row); });
  benchmark::RegisterBenchmark("Attention/scores/128x128x64",
                               [](auto& state) { attention(state, 128, 128, 64, true); });
  benchmark::RegisterBenchmark("Attention/values/128x64x128",
                               [](auto& state) { attention(state, 128, 64, 128, false); });
  benchmark::RegisterBenchmark("Bytes/quantize", quantize);
  benchmark::RegisterBenchmark("Bytes/add", add);
  benchmark::RegisterBenchmark("Bytes/max_pool_3x3", max_pool);
  benchmark::RegisterBenchmark("Bytes/global_average_pool", global_average_pool);
  for (const ConvShape& s : kConvs) {
    const std::int64_t pad = s.kernel / 2;
    const ConvGeometry g{.in_channels = s.in,
                         .out_channels = s.out,
                         .groups = s.groups,
                         .input = {1, s.size, s.size},
                         .kernel = {1, s.kernel, s.kernel},
                         .stride = {1, s.stride, s.stride},
                         .pad_begin = {0, pad, pad},
                         .pad_end = {0, pad, pad}};
    const std::string name = std::string("Conv/") + s.name + "/" + std::to_string(s.size) + "/" +
                             std::to_string(s.in) + "to" + std::to_string(s.out) + "/kernel" +
                             std::to_string(s.kernel) + "/stride" + std::to_string(s.stride);
    benchmark::RegisterBenchmark(name.c_str(), [g](benchmark::State& state) { conv(state, g); });
  }
}

}  // namespace
}  // namespace q8

int main(int argc, char** argv) {
  constexpr std::string_view kIsa = "--isa=";
  if (argc > 1 && std::string_view(argv[1]).starts_with(kIsa)) {
    const auto isa = q8::parse_isa(std::string_view(argv[1]).substr(kIsa.size()));
    if (!isa || !q8::cpu_has(*isa)) {
      std::fprintf(stderr, "no such instruction set here: %s\n", argv[1]);
      return 2;
    }
    q8::kernels() = q8::make_kernel_set(*isa);
    argv[1] = argv[0];
    --argc, ++argv;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  q8::register_all();
  benchmark::AddCustomContext("isa", std::string(q8::isa_name(q8::kernels().max_isa)));
  benchmark::AddCustomContext("peak_GOPS", std::to_string(q8::peak_gops(q8::kernels().max_isa)));
  benchmark::RunSpecifiedBenchmarks();
}

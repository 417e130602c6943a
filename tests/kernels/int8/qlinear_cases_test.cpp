// Byte for byte what ONNX Runtime 1.31 computes (data/qlinear_cases.bin, by make_qlinear_cases.py).

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "kernels/int8/conv_u8s8.h"
#include "kernels/int8/gemm_u8s8.h"

namespace q8 {
namespace {

class Reader {
 public:
  explicit Reader(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }
  bool done() const { return at_ >= bytes_.size(); }

  template <typename T>
  std::vector<T> take(std::int64_t count) {
    std::vector<T> out(static_cast<std::size_t>(count));
    const std::size_t size = out.size() * sizeof(T);
    if (at_ + size > bytes_.size()) throw std::runtime_error("qlinear_cases.bin is too short");
    std::memcpy(out.data(), bytes_.data() + at_, size);
    at_ += size;
    return out;
  }

 private:
  std::vector<char> bytes_;
  std::size_t at_ = 0;
};

enum Kind : std::int32_t { kConv = 0, kMatMul = 1 };

struct Case {
  std::int32_t kind, x_signed, w_signed, y_signed, x_zero, w_zero, y_zero;
  std::int32_t batch, channels, height, width, outputs, groups, kernel, stride, dilation, pad;
  std::int32_t scales, has_bias;
};

struct Loaded {
  Case c;
  float x_scale, y_scale;
  std::vector<float> w_scale, multiplier;
  std::vector<std::int32_t> bias, w_zero;
  ConvGeometry g;
  std::vector<std::uint8_t> x, w, y;
};

Loaded load(Reader& reader) {
  Loaded l;
  l.c = reader.take<Case>(1)[0];
  const Case& c = l.c;
  const std::vector<float> scales = reader.take<float>(2);
  l.x_scale = scales[0];
  l.y_scale = scales[1];
  l.w_scale = reader.take<float>(c.scales);
  if (c.has_bias != 0) l.bias = reader.take<std::int32_t>(c.outputs);
  for (const float scale : l.w_scale)
    l.multiplier.push_back(requantize_multiplier(l.x_scale, scale, l.y_scale));
  l.w_zero = {c.w_zero};
  if (c.kind == kMatMul) {
    l.x = reader.take<std::uint8_t>(c.batch * c.channels);
    l.w = reader.take<std::uint8_t>(c.channels * c.outputs);
    l.y = reader.take<std::uint8_t>(c.batch * c.outputs);
    return l;
  }
  l.g = {.batch = c.batch,
         .in_channels = c.channels,
         .out_channels = c.outputs,
         .groups = c.groups,
         .input = {1, c.height, c.width},
         .kernel = {1, c.kernel, c.kernel},
         .stride = {1, c.stride, c.stride},
         .dilation = {1, c.dilation, c.dilation},
         .pad_begin = {0, c.pad, c.pad},
         .pad_end = {0, c.pad, c.pad}};
  l.x = reader.take<std::uint8_t>(product(l.g.input) * c.channels);
  l.w = reader.take<std::uint8_t>(c.outputs * l.g.in_channels_per_group() * l.g.taps());
  l.y = reader.take<std::uint8_t>(product(l.g.output()) * c.outputs);
  return l;
}

std::vector<std::uint8_t> compute(const Loaded& l, const KernelSet& kernels) {
  const Case& c = l.c;
  Threads threads(1);
  std::vector<std::uint8_t> y(l.y.size());
  const OutputU8S8 output{.kind = OutputKind::kByte,
                          .bias = l.bias,
                          .multiplier = l.multiplier,
                          .zero_point = c.y_zero,
                          .low = c.y_signed != 0 ? -128 : 0,
                          .high = c.y_signed != 0 ? 127 : 255};
  if (c.kind == kMatMul) {
    const PackedS8 packed(*kernels.gemm_u8s8, {.data = l.w.data(),
                                               .is_signed = c.w_signed != 0,
                                               .k = c.channels,
                                               .n = c.outputs,
                                               .stride_k = c.outputs,
                                               .stride_n = 1,
                                               .zero_point = l.w_zero});
    gemm_u8s8(c.batch, {l.x.data(), c.x_signed != 0, c.x_zero, c.channels}, packed, output,
              y.data(), c.outputs, threads);
    return y;
  }
  const ConvU8S8 conv(kernels, l.g, {l.w.data(), c.w_signed != 0, l.w_zero});
  conv.run(l.g, l.x.data(), conv.make_epilogue(c.x_signed != 0, c.x_zero, output), y.data(),
           threads);
  return y;
}

class QLinearCases : public testing::TestWithParam<Isa> {};

TEST_P(QLinearCases, EqualOnnxRuntime) {
  if (!cpu_has(GetParam())) GTEST_SKIP() << "this CPU has no " << isa_name(GetParam());
  const KernelSet kernels = make_kernel_set(GetParam());
  Reader reader(Q8_SOURCE_DIR "/tests/kernels/data/qlinear_cases.bin");
  int cases = 0;
  for (; !reader.done(); ++cases) {
    const Loaded l = load(reader);
    EXPECT_EQ(compute(l, kernels), l.y) << "case " << cases << ", kind " << l.c.kind;
  }
  EXPECT_EQ(cases, 78);  // 2 · 3 · (8 convolutions + 5 products)
}

INSTANTIATE_TEST_SUITE_P(Isas, QLinearCases, testing::ValuesIn(all_isas()),
                         [](const auto& info) { return std::string(isa_name(info.param)); });

}  // namespace
}  // namespace q8

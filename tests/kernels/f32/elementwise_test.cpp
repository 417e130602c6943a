#include "kernels/f32/elementwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "kernels/f32/random.h"

namespace q8 {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t kAwkward[] = {1, 3, 15, 16, 17, 63, 64, 65, 257};

// The distance between two neighbouring floats at that magnitude.
double ulp(double value) {
  const double least = double{std::numeric_limits<float>::denorm_min()};
  return std::max(least, value == 0 ? 0 : std::ldexp(1.0, std::ilogb(value) - 23));
}

// Equal bits, but any NaN equals any other: the sign of a NaN is the machine's choice.
void expect_same(const std::vector<float>& a, const std::vector<float>& b,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i]))
        << what << " [" << i << "] " << a[i] << " " << b[i];
  }
}

std::vector<float> special_and_random(std::int64_t size, std::mt19937& generator) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> special = {0.0f, -0.0f,  kInfinity, -kInfinity,
                                      nan,  1e-42f, -1e30f,    1e30f};
  std::vector<float> values = random_f32(size, generator);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] *= i % 3 == 0 ? 120.0f : 5.0f;
    if (i % 11 == 5) values[i] = special[i / 11 % special.size()];
  }
  return values;
}

// NaN stays NaN.
float clamped(float x, float lo, float hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

std::vector<float> map(const KernelSet& kernels, UnaryF32 op, const std::vector<float>& in,
                       Threads& threads, float alpha = 0.3f, float beta = 0.6f) {
  std::vector<float> out(in.size());
  map_f32(kernels, op, in.data(), out.data(), static_cast<std::int64_t>(in.size()), threads, alpha,
          beta);
  return out;
}

TEST(ElementwiseF32, FunctionsMatchSciPy) {
  const std::map<std::string, UnaryF32> functions = {
      {"exp", UnaryF32::kExp},         {"tanh", UnaryF32::kTanh},
      {"sigmoid", UnaryF32::kSigmoid}, {"erf", UnaryF32::kErf},
      {"gelu", UnaryF32::kGelu},       {"gelu_tanh", UnaryF32::kGeluTanh},
      {"silu", UnaryF32::kSilu},       {"hard_swish", UnaryF32::kHardSwish}};
  std::ifstream file(Q8_SOURCE_DIR "/tests/kernels/f32/elementwise_cases.txt");
  ASSERT_TRUE(file.is_open());
  const KernelSet kernels = make_kernel_set();
  Threads one(1);
  std::string name, argument, value;
  int cases = 0;
  while (file >> name >> argument >> value) {
    ++cases;
    const double expected = std::stod(value);
    const float x = std::stof(argument);
    const float y = map(kernels, functions.at(name), {x}, one)[0];
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(y)) << name << "(" << x << ")";
      continue;
    }
    const float largest = std::numeric_limits<float>::max();
    if (std::fabs(expected) > double{largest}) {
      EXPECT_EQ(y, expected > 0 ? kInfinity : -kInfinity) << name << "(" << x << ")";
      continue;
    }
    // x times a factor that cancels near 0 keeps the error of the factor, an ulp of 1/2.
    const bool cancels = name.starts_with("gelu") || name == "hard_swish";
    const double magnitude = std::fabs(double{x});
    const double scale =
        cancels ? std::max(std::fabs(expected), magnitude / 2) : std::fabs(expected);
    // Below 2⁻¹²⁶ the factor itself has few bits.
    const double subnormal = name == "silu" ? magnitude * ulp(0) : 0;
    EXPECT_NEAR(y, expected, 2 * ulp(scale) + subnormal) << name << "(" << x << ")";
  }
  EXPECT_GT(cases, 1000);
}

// By hand: min(1, max(0, 0.2·x + 0.5)); min(6, max(0, x)); x < 0 ? 0.1·x : x.
TEST(ElementwiseF32, FunctionsWithParameters) {
  const KernelSet kernels = make_kernel_set();
  Threads one(1);
  EXPECT_EQ(map(kernels, UnaryF32::kHardSigmoid, {-5, 0, 5}, one, 0.2f, 0.5f),
            (std::vector<float>{0, 0.5f, 1}));
  EXPECT_EQ(map(kernels, UnaryF32::kClamp, {-1, 3, 7}, one, 0.0f, 6.0f),
            (std::vector<float>{0, 3, 6}));
  EXPECT_EQ(map(kernels, UnaryF32::kLeakyRelu, {-2, 3}, one, 0.5f), (std::vector<float>{-1, 3}));
}

class ElementwiseF32Rows : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!cpu_has(GetParam())) GTEST_SKIP() << "this CPU has no " << isa_name(GetParam());
  }
  const KernelSet scalar_ = make_kernel_set(Isa::kScalar), kernels_ = make_kernel_set(GetParam());
  Threads one_{1}, three_{3};
  std::mt19937 generator_{31};
};

TEST_P(ElementwiseF32Rows, MapGivesTheSameBits) {
  for (int op = 0; op < kUnaryF32Count; ++op)
    for (const std::int64_t size : {1, 3, 15, 16, 17, 63, 64, 65, 257, 40'000}) {
      const std::vector<float> in = special_and_random(size, generator_);
      expect_same(map(kernels_, static_cast<UnaryF32>(op), in, three_),
                  map(scalar_, static_cast<UnaryF32>(op), in, one_), "unary " + std::to_string(op));
    }
}

TEST_P(ElementwiseF32Rows, CombineGivesTheDefinition) {
  const auto compute = [](BinaryF32 op, float a, float b) {
    return op == BinaryF32::kAdd        ? a + b
           : op == BinaryF32::kSubtract ? a - b
           : op == BinaryF32::kMultiply ? a * b
           : op == BinaryF32::kDivide   ? a / b
           : a < 0                      ? a * b
                                        : a;
  };
  const auto index = [](OperandF32 form, std::int64_t r, std::int64_t c, std::int64_t columns) {
    return static_cast<std::size_t>(form == OperandF32::kWhole       ? r * columns + c
                                    : form == OperandF32::kPerColumn ? c
                                    : form == OperandF32::kPerRow    ? r
                                                                     : 0);
  };
  const OperandF32 forms[] = {OperandF32::kWhole, OperandF32::kPerColumn, OperandF32::kPerRow,
                              OperandF32::kScalar};
  for (int op = 0; op < kBinaryF32Count; ++op)
    for (const std::int64_t columns : kAwkward)
      for (const OperandF32 form : forms)
        for (const bool is_left : {false, true}) {
          const std::int64_t rows = 7;
          const CombineF32 shape{.rows = rows,
                                 .columns = columns,
                                 .a_form = is_left ? form : OperandF32::kWhole,
                                 .b_form = is_left ? OperandF32::kWhole : form};
          const std::vector<float> a = special_and_random(rows * columns, generator_);
          const std::vector<float> b = special_and_random(rows * columns, generator_);
          std::vector<float> expected(a.size()), out(a.size());
          for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t c = 0; c < columns; ++c)
              expected[static_cast<std::size_t>(r * columns + c)] =
                  compute(static_cast<BinaryF32>(op), a[index(shape.a_form, r, c, columns)],
                          b[index(shape.b_form, r, c, columns)]);
          combine_f32(kernels_, static_cast<BinaryF32>(op), shape, a.data(), b.data(), out.data(),
                      three_);
          expect_same(out, expected, "binary " + std::to_string(op));
          if (HasFatalFailure()) return;
        }
}

TEST_P(ElementwiseF32Rows, ScaleShiftIsOneRoundingThenAClamp) {
  const float lo = -0.25f, hi = 0.75f;
  for (const std::int64_t columns : kAwkward) {
    const std::vector<float> in = special_and_random(3 * columns, generator_);
    const std::vector<float> scale = random_f32(columns, generator_);
    const std::vector<float> shift = random_f32(columns, generator_);
    std::vector<float> expected(in.size()), out(in.size());
    for (std::size_t i = 0; i < in.size(); ++i)
      expected[i] =
          clamped(std::fma(in[i], scale[i % scale.size()], shift[i % scale.size()]), lo, hi);
    scale_shift_f32(kernels_, 3, columns,
                    {.scale = scale.data(), .shift = shift.data(), .lo = lo, .hi = hi}, in.data(),
                    out.data(), three_);
    expect_same(out, expected, "scale and shift");
  }
}

TEST_P(ElementwiseF32Rows, RowsAreJoinedInTheirOrder) {
  const ElementwiseF32Functions& functions = *kernels_.elementwise_f32->functions;
  for (const std::int64_t columns : kAwkward)
    for (const std::int64_t count : {0, 1, 2, 9}) {
      const std::vector<float> in = special_and_random(count * columns, generator_);
      std::vector<const float*> rows;
      for (std::int64_t r = 0; r < count; ++r) rows.push_back(in.data() + r * columns);
      const auto size = static_cast<std::size_t>(columns);
      std::vector<float> largest(size, -std::numeric_limits<float>::infinity()), sum(size, 0.0f);
      for (const float* row : rows)
        for (std::size_t c = 0; c < size; ++c) {
          if (row[c] > largest[c]) largest[c] = row[c];
          sum[c] += row[c];
        }
      std::vector<float> out(size);
      functions.largest_of_rows(rows.data(), count, out.data(), columns);
      expect_same(out, largest, "largest of rows");
      functions.sum_of_rows(rows.data(), count, out.data(), columns);
      expect_same(out, sum, "sum of rows");
    }
}

TEST_P(ElementwiseF32Rows, SoftmaxMatchesDoubleAndTheScalarRow) {
  for (const std::int64_t columns : kAwkward) {
    const std::int64_t rows = 5;
    std::vector<float> in = random_f32(rows * columns, generator_);
    for (float& x : in) x *= 20;
    std::vector<float> out(in.size()), scalar(in.size());
    softmax_f32(kernels_, rows, columns, in.data(), out.data(), three_);
    softmax_f32(scalar_, rows, columns, in.data(), scalar.data(), one_);
    expect_same(out, scalar, "softmax");
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto* row = in.data() + r * columns;
      double sum = 0;
      for (std::int64_t c = 0; c < columns; ++c) sum += std::exp(double{row[c]});
      for (std::int64_t c = 0; c < columns; ++c) {
        const double expected = std::exp(double{row[c]}) / sum;
        // The difference x − max is rounded once: up to 40 · 2⁻²⁴ in the exponent.
        EXPECT_NEAR(out[static_cast<std::size_t>(r * columns + c)], expected, 4e-6 * expected);
      }
    }
  }
}

// A row that is masked but for one value gives that value everything.
TEST_P(ElementwiseF32Rows, SoftmaxOfMaskedRow) {
  std::vector<float> in(21, -kInfinity), out(21), expected(21, 0.0f);
  in[17] = -3.0f;
  expected[17] = 1.0f;
  softmax_f32(kernels_, 1, 21, in.data(), out.data(), one_);
  EXPECT_EQ(out, expected);
}

// Shares that no normal number holds are 0: what multiplies them would take its slow way.
TEST_P(ElementwiseF32Rows, SoftmaxOfAMaskOfMinusAHundredHasNoTinyShares) {
  std::vector<float> in(37, -100.0f), out(37), expected(37, 0.0f);
  in[2] = in[30] = 1.5f;
  in[5] = -85.0f;
  expected[2] = expected[30] = 0.5f;
  softmax_f32(kernels_, 1, 37, in.data(), out.data(), one_);
  EXPECT_EQ(out, expected);
}

TEST_P(ElementwiseF32Rows, LayerNormMatchesDoubleAndTheScalarRow) {
  for (const bool is_centred : {false, true})
    for (const std::int64_t columns : kAwkward) {
      const std::int64_t rows = 4;
      std::vector<float> in = random_f32(rows * columns, generator_);
      for (float& x : in) x = 3 * x + 0.5f;
      const std::vector<float> scale = random_f32(columns, generator_);
      const std::vector<float> shift = random_f32(columns, generator_);
      std::vector<float> out(in.size()), scalar(in.size()), mean(4), deviation(4);
      const LayerNormF32 shape{.rows = rows,
                               .columns = columns,
                               .scale = scale.data(),
                               .shift = shift.data(),
                               .epsilon = 0.01f,
                               .is_centred = is_centred,
                               .mean = mean.data(),
                               .inverse_deviation = deviation.data()};
      layer_norm_f32(scalar_, shape, in.data(), scalar.data(), one_);
      layer_norm_f32(kernels_, shape, in.data(), out.data(), three_);
      expect_same(out, scalar, "layer norm");
      for (std::size_t r = 0; r < 4; ++r) {
        const float* row = in.data() + static_cast<std::int64_t>(r) * columns;
        double sum = 0, squares = 0;
        for (std::int64_t c = 0; c < columns; ++c) sum += double{row[c]};
        const double centre = is_centred ? sum / static_cast<double>(columns) : 0;
        for (std::int64_t c = 0; c < columns; ++c)
          squares += (double{row[c]} - centre) * (double{row[c]} - centre);
        const double inverse = 1 / std::sqrt(squares / static_cast<double>(columns) + 0.01);
        EXPECT_NEAR(mean[r], centre, 1e-6);
        EXPECT_NEAR(deviation[r], inverse, 1e-6 * inverse + 1e-6);
        for (std::int64_t c = 0; c < columns; ++c) {
          const auto i = static_cast<std::size_t>(c);
          const double expected =
              (double{row[c]} - centre) * inverse * double{scale[i]} + double{shift[i]};
          // Values of about 3 with errors of 1e-7, spread by at most 1/√epsilon = 10.
          EXPECT_NEAR(out[r * static_cast<std::size_t>(columns) + i], expected, 1e-5);
        }
      }
    }
}

INSTANTIATE_TEST_SUITE_P(All, ElementwiseF32Rows,
                         testing::Values(Isa::kScalar, Isa::kAvx2, Isa::kAvx512));

}  // namespace
}  // namespace q8

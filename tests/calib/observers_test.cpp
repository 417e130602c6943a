#include "calib/observers/observers.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "calib/observers/exact_log.h"
#include "calib/statistics_of.h"

namespace q8 {
namespace {

// As generate() in make_observer_data.py.
std::vector<float> values_of(const std::string& kind) {
  Numbers numbers;
  std::vector<float> values;
  for (int i = 0; i < 20000; ++i) {
    double r = numbers.bell();
    if (kind == "relu") r = std::max(r, 0.0);
    if (kind == "skewed") r = r > 0 ? r * r * 2.0 : r * 0.125;
    values.push_back(static_cast<float>(r));
  }
  if (kind == "outlier") values[777] = 40.0f;
  if (kind == "negative")
    for (float& x : values) x = -std::abs(x);
  return values;
}

// Mean squared error by quantizing every value.
double measured_error(const std::vector<float>& values, Range range,
                      const ObserverSettings& settings) {
  const ScaleZeroPoint p = quant_params_of(range, settings);
  const QuantParams params{
      .dtype = settings.dtype, .axis = -1, .scale = {p.scale}, .zero_point = {p.zero_point}};
  const Tensor real = Tensor::of<float>({std::ssize(values)}, values);
  const Tensor back = dequantize(quantize(real, params), params);
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = static_cast<double>(values[i]) - back.values<float>()[i];
    sum += error * error;
  }
  return sum / static_cast<double>(values.size());
}

std::vector<ObserverSettings> all_settings() {
  std::vector<ObserverSettings> all;
  for (const ObserverRow& row : observers())
    for (const DType dtype : {DType::kU8, DType::kS8, DType::kU16})
      for (const bool symmetric : {false, true})
        for (const bool tails : {false, true})
          all.push_back({.name = std::string(row.name),
                         .dtype = dtype,
                         .symmetric = symmetric,
                         .keep_tails = tails});
  return all;
}

std::string describe(const ObserverSettings& s) {
  return s.name + " " + std::string(dtype_name(s.dtype)) + (s.symmetric ? " symmetric" : "") +
         (s.keep_tails ? " tails" : "");
}

TEST(Observers, EveryOneSurvivesOddTensors) {
  const std::vector<std::pair<std::string, std::vector<float>>> tensors = {
      {"empty", {}},
      {"zeros", std::vector<float>(100, 0.0f)},
      {"one value", {0.3f}},
      {"constant", std::vector<float>(100, -7.0f)},
      {"zeros and one value", {0, 0, 0, 5}},
      {"positive", {100, 101, 100.5f}},
      {"negative", {-3, -2, -1}},
      {"tiny", {FLT_TRUE_MIN, -FLT_TRUE_MIN, 1e-40f}},
      {"huge", {FLT_MAX, -FLT_MAX, 1}},
      {"mask", {0, 0, 0, -FLT_MAX}},
  };
  for (const auto& [kind, values] : tensors) {
    const TensorStatistics statistics = statistics_of(values);
    for (const ObserverSettings& settings : all_settings()) {
      const Range range = observe(statistics, settings);
      const std::string what = kind + ", " + describe(settings);
      EXPECT_TRUE(std::isfinite(range.low) && std::isfinite(range.high)) << what;
      EXPECT_LE(range.low, 0) << what;
      EXPECT_GE(range.high, 0) << what;
      if (settings.symmetric) {
        EXPECT_EQ(range.low, -range.high) << what;
      }
      const float scale = quant_params_of(range, settings).scale;
      EXPECT_TRUE(std::isfinite(scale) && scale > 0) << what;
      EXPECT_FALSE(std::isnan(expected_error(statistics, range, settings).total())) << what;
      judge_range(statistics, range, settings);
    }
  }
}

TEST(Observers, RangesLieWithinTheExtrema) {
  for (const char* kind : {"normal", "relu", "outlier", "skewed", "negative"}) {
    const TensorStatistics statistics = statistics_of(values_of(kind));
    for (const ObserverSettings& settings : all_settings()) {
      const Range range = observe(statistics, settings);
      const Range full = observe(statistics, {.name = "minmax", .symmetric = settings.symmetric});
      EXPECT_GE(range.low, full.low) << kind << ", " << describe(settings);
      EXPECT_LE(range.high, full.high) << kind << ", " << describe(settings);
      EXPECT_GT(range.high - range.low, 0) << kind << ", " << describe(settings);
    }
  }
}

TEST(Observers, AgreeWithNumPy) {
  std::ifstream file(std::string(Q8_SOURCE_DIR) + "/tests/calib/data/observers.txt");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    if (line.starts_with("#")) continue;
    std::istringstream fields(line);
    std::string observer, kind;
    bool symmetric = false;
    double low = 0, high = 0, width = 0;
    fields >> observer >> kind >> symmetric >> low >> high >> width;
    ASSERT_TRUE(fields) << line;
    const Range range = observe(statistics_of(values_of(kind)),
                                {.name = observer, .percentile = 99, .symmetric = symmetric});
    // Percentiles within one bin; thresholds by entropy are bin borders, the same ones.
    const double tolerance = observer == "percentile" ? width : 1e-9;
    EXPECT_NEAR(range.low, low, tolerance) << line;
    EXPECT_NEAR(range.high, high, tolerance) << line;
    ++cases;
  }
  EXPECT_EQ(cases, 20);
}

TEST(Entropy, LeavesOutAnOutlierThatMinMaxTakes) {
  const TensorStatistics statistics = statistics_of(values_of("outlier"));
  EXPECT_EQ(observe(statistics, {.name = "minmax"}).high, 40);
  EXPECT_LT(observe(statistics, {.name = "entropy"}).high, 8);
}

TEST(ExactLog, IsTheLogarithm) {
  for (double x = 1e-12; x < 1e18; x *= 1.37)
    EXPECT_NEAR(exact_log(x), std::log(x), 4e-16 * std::max(1.0, std::abs(std::log(x))));
  EXPECT_EQ(exact_log(1.0), 0.0);
}

TEST(ExpectedError, IsWhatQuantizingEveryValueGives) {
  for (const char* kind : {"normal", "relu", "outlier", "skewed", "negative"}) {
    const std::vector<float> values = values_of(kind);
    const TensorStatistics statistics = statistics_of(values);
    for (const bool symmetric : {false, true}) {
      for (const double share : {1.0, 0.7, 0.3, 0.05}) {
        const ObserverSettings settings{.symmetric = symmetric};
        const Range full = observe(statistics, {.name = "minmax", .symmetric = symmetric});
        const Range range{share * full.low, share * full.high};
        const double measured = measured_error(values, range, settings);
        // Values are evenly spread in a bin only nearly: 20,000 of them in 4,096 bins.
        EXPECT_NEAR(expected_error(statistics, range, settings).total(), measured, 0.03 * measured)
            << kind << " " << share;
      }
    }
  }
}

TEST(Mse, IsAsGoodAsTryingEveryThreshold) {
  for (const char* kind : {"normal", "relu", "outlier", "skewed", "negative"}) {
    const std::vector<float> values = values_of(kind);
    const TensorStatistics statistics = statistics_of(values);
    for (const bool symmetric : {false, true}) {
      const ObserverSettings settings{.name = "mse", .symmetric = symmetric};
      const Range full = observe(statistics, {.name = "minmax", .symmetric = symmetric});
      double least = measured_error(values, full, settings);
      // Both ends apart, 60 × 60 pairs, is slow with every value quantized; every 50th pair of the
      // symmetric diagonal and all pairs of a coarser grid find the valley.
      for (int i = 1; i <= 100; ++i)
        least = std::min(
            least, measured_error(values, {full.low * i / 100, full.high * i / 100}, settings));
      if (!symmetric)
        for (int i = 1; i <= 20; ++i)
          for (int j = 1; j <= 20; ++j)
            least = std::min(
                least, measured_error(values, {full.low * i / 20, full.high * j / 20}, settings));
      EXPECT_LE(measured_error(values, observe(statistics, settings), settings), 1.02 * least)
          << kind << (symmetric ? " symmetric" : "");
    }
  }
}

// Rounding error and 4 times (where tails are kept: 16 times) the clipping error.
TEST(Auto, IsNeverWorseThanAnyOtherByItsOwnMeasure) {
  for (const char* kind : {"normal", "relu", "outlier", "skewed", "negative"}) {
    const TensorStatistics statistics = statistics_of(values_of(kind));
    for (ObserverSettings settings : all_settings()) {
      const auto cost = [&] {
        const ExpectedError e = expected_error(statistics, observe(statistics, settings), settings);
        return e.rounding + (settings.keep_tails ? 16 : 4) * e.clipping;
      };
      const double error = cost();
      settings.name = "auto";
      EXPECT_LE(cost(), error) << kind << ", " << describe(settings);
    }
  }
}

TEST(Auto, ClipsLessWhereTailsAreKept) {
  const TensorStatistics statistics = statistics_of(values_of("skewed"));
  EXPECT_GT(observe(statistics, {.keep_tails = true}).high, observe(statistics, {}).high);
}

TEST(Average, IsTheMeanOfTheSamplesExtrema) {
  TensorStatistics statistics = statistics_of({-4, 8});
  statistics.samples = {{-4, 2}, {1, 8}, {}};  // the third sample had no values
  EXPECT_EQ(observe(statistics, {.name = "average"}), (Range{-2, 5}));
  EXPECT_EQ(observe(statistics, {.name = "average", .symmetric = true}), (Range{-6, 6}));
}

TEST(Observers, UnknownNamesAndPercentilesAreUsageErrors) {
  const auto kind_of = [](const ObserverSettings& settings) {
    try {
      observe(statistics_of({1, 2}), settings);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  EXPECT_EQ(kind_of({.name = "minmx"}), ErrorKind::kUsage);
  EXPECT_EQ(kind_of({.name = "percentile", .percentile = 9.9}), ErrorKind::kUsage);
  EXPECT_EQ(kind_of({.name = "percentile", .percentile = 100.5}), ErrorKind::kUsage);
  EXPECT_EQ(kind_of({.name = "percentile", .percentile = std::nan("")}), ErrorKind::kUsage);
}

}  // namespace
}  // namespace q8

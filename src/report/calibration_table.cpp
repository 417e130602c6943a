#include "report/calibration_table.h"

#include <bit>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "calib/observers/observers.h"
#include "report/json_text.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

Json numpy_scalar(double value) {
  return {{"data", static_cast<float>(value)}, {"dtype", "float32"}, {"CLS", "numpy.array"}};
}

}  // namespace

std::string ort_json_table(const CalibrationProfile& profile, const std::string& observer) {
  Json tensors = Json::object();
  for (const TensorStatistics& tensor : profile.tensors) {
    const Range range = observe(tensor, {.name = observer});
    tensors[tensor.name] = {{"lowest", numpy_scalar(range.low)},
                            {"highest", numpy_scalar(range.high)},
                            {"CLS", "TensorData"}};
  }
  const Json table = {
      {"CLS", "TensorsData"},
      {"data", std::move(tensors)},
      // The only method whose ranges come without a histogram.
      {"calibration_method", {{"CLS", "CalibrationMethod"}, {"value", "CalibrationMethod.MinMax"}}},
      {"smooth_quant", false}};
  return json_text(table, 1);
}

std::string tensorrt_cache(const CalibrationProfile& profile, const std::string& observer) {
  // TensorRT writes its own version and the calibrator here.
  std::string text = "TRT-8601-EntropyCalibration2\n";
  for (const TensorStatistics& tensor : profile.tensors) {
    if (tensor.name.find('\n') != std::string::npos)
      throw unsupported("a TensorRT cache cannot hold the name '" + tensor.name +
                        "', which has a line break");
    const Range range = observe(tensor, {.name = observer, .dtype = DType::kS8, .symmetric = true});
    if (range.high == 0) continue;
    char digits[9];
    std::snprintf(digits, sizeof digits, "%08x",
                  std::bit_cast<std::uint32_t>(static_cast<float>(range.high / 127)));
    text += tensor.name + ": " + digits + "\n";
  }
  return text;
}

std::span<const CalibrationTableRow> calibration_tables() {
  static constexpr CalibrationTableRow kRows[] = {
      {"ort-json", "ranges for ONNX Runtime's quantizer", ort_json_table},
      {"tensorrt-cache", "scales for TensorRT", tensorrt_cache},
  };
  return kRows;
}

const CalibrationTableRow& find_calibration_table(std::string_view name) {
  std::string known;
  for (const CalibrationTableRow& row : calibration_tables()) {
    if (row.name == name) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw usage_error("profiles cannot be exported as '" + std::string(name) + "'; there are " +
                    known);
}

}  // namespace q8

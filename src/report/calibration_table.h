#pragma once

#include <span>
#include <string>
#include <string_view>

#include "calib/profile.h"

namespace q8 {

// Ranges of a profile as other quantizers read them.
struct CalibrationTableRow {
  std::string_view name;
  std::string_view help;
  std::string (*write)(const CalibrationProfile& profile, const std::string& observer);
};
std::span<const CalibrationTableRow> calibration_tables();
// Throws usage_error naming the formats there are.
const CalibrationTableRow& find_calibration_table(std::string_view name);

// JSON as onnxruntime.quantization.calibrate.load_tensors_data reads it: the lowest and highest
// value of each tensor, by the observer for u8.
std::string ort_json_table(const CalibrationProfile& profile, const std::string& observer);

// The text of TensorRT's calibration cache: a line that names the calibrator, then one a tensor,
// `name: ` and the scale, threshold / 127 for symmetric s8, as the bits of its float in eight
// hexadecimal digits. Tensors of zeros have no scale and are left out.
std::string tensorrt_cache(const CalibrationProfile& profile, const std::string& observer);

}  // namespace q8

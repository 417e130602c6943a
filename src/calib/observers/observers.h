#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calib/statistics.h"
#include "tensor/quant_params.h"

namespace q8 {

struct ObserverSettings {
  std::string name = "auto";
  double percentile = 99.99;  // 50 < percentile <= 100
  // Of auto: how many times clipping counts against rounding, > 0; four times that where
  // keep_tails.
  double clip_weight = 4;
  DType dtype = DType::kU8;  // what the tensor becomes: u8, s8, u16 or s16
  bool symmetric = false;    // zero point in the middle; the range becomes −t…t
  bool keep_tails = false;   // what follows lives on the largest values (Softmax, outputs …)
};

// A way to choose the range of a tensor from what calibration saw of it.
struct ObserverRow {
  std::string_view name;
  std::string_view help;
  // Finite, low <= 0 <= high, within the extrema widened to zero (or −t…t where symmetric); 0…0 for
  // a tensor of zeros or of nothing.
  Range (*observe)(const TensorStatistics& statistics, const ObserverSettings& settings);
};

std::span<const ObserverRow> observers();  // "auto" comes first
// Throws usage_error naming the observers there are.
const ObserverRow& find_observer(std::string_view name);

// Throws usage_error for numbers out of bounds.
void check(const ObserverSettings& settings);

// find_observer(settings.name).observe(...), with the settings checked.
Range observe(const TensorStatistics& statistics, const ObserverSettings& settings);

// What "auto" is made of, for those who keep what observers gave: the observers whose ranges it
// considers, and its choice among these ranges and the one of least expected error.
std::vector<std::string_view> offering_observers();
Range least_expected_error(const TensorStatistics& statistics, const ObserverSettings& settings,
                           std::span<const Range> offers);

// Mean squared error that quantization with that range is expected to do to the tensor's values,
// taking values as evenly spread within a bin.
struct ExpectedError {
  double rounding = 0;  // of values within the range
  double clipping = 0;  // of values outside
  double total() const { return rounding + clipping; }
};
ExpectedError expected_error(const TensorStatistics& statistics, Range range,
                             const ObserverSettings& settings);
// 10·log10(mean square / expected error): +inf where there is no error.
double expected_sqnr_db(const TensorStatistics& statistics, Range range,
                        const ObserverSettings& settings);

// The parameters that the range gives.
ScaleZeroPoint quant_params_of(Range range, const ObserverSettings& settings);

// Whether a tensor can be quantized with that range at all: not where it holds infinities, where
// the step is so wide that the bulk of the values (all but the largest 1 %) drowns in it, or where
// values come in two groups so far apart that one step cannot serve both (attention masks).
struct RangeVerdict {
  bool usable = true;
  std::string reason;  // empty where usable
};
RangeVerdict judge_range(const TensorStatistics& statistics, Range range,
                         const ObserverSettings& settings);

}  // namespace q8

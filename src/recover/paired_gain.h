#pragma once

#include <span>

namespace q8 {

// What one model gains over another on the same samples, in dB of noise. The mean over samples
// counts each of them alike, where the sum of their noises shows little but the one worst off.
struct PairedGain {
  double mean_db = 0;
  double error_db = 0;  // the mean's standard error; 0 of a single sample
};

// Of the noises by sample, as many of either. No sample counts for more than 20 dB.
PairedGain paired_gain(std::span<const double> before, std::span<const double> after);

}  // namespace q8

#pragma once

#include <span>

namespace q8 {

// What one model gains over another on the same samples, in dB of noise. The mean over samples
// counts each of them alike, where the sum of their noises shows little but the one worst off.
struct PairedGain {
  double mean_db = 0;
  double error_db = 0;  // the mean's standard error; 0 of a single sample
  double sum_db = 0;    // of all noises together

  // What is sure of both: neither a few bad samples nor many good ones may hide the others.
  double least_db() const { return sum_db < mean_db ? sum_db : mean_db; }
};

// Of the noises by sample, as many of either. No sample counts for more than 20 dB.
PairedGain paired_gain(std::span<const double> before, std::span<const double> after);

// Whether `some` noises sum up to less than `others` of the same samples, by more than two standard
// errors of their differences: not where a few samples carry what differs. Where a noise is
// infinite, whether their sum is less.
bool is_clearly_less(std::span<const double> some, std::span<const double> others);

}  // namespace q8

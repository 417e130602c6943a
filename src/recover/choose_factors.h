#pragma once

#include <vector>

#include "recover/factor_error.h"

namespace q8 {

// A way to get factors: max|x|^α / max|w|^(1−α), x what the layers read, w the weights that meet
// it; or, of α = ½, the weights before in the place of x.
struct FactorRule {
  double exponent = 0.5;
  bool is_of_weights = false;
};

struct ChosenRule {
  FactorRule rule;
  double gain_db = 0;  // of FactorError beside no factors; 0 where none helps
};

// The rule of several whose factors have the least FactorError.
ChosenRule choose_rule(const ChannelGroup& group, const FactorSource& source);

// One factor for each channel; their geometric mean is about 1, and they lie within 2^±10.
std::vector<float> factors_by(const FactorRule& rule, const FactorError& error);

}  // namespace q8

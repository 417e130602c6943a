#include "recover/choose_factors.h"

#include <algorithm>
#include <cmath>

namespace q8 {
namespace {

// Xiao et al. 2023 (SmoothQuant, arXiv 2211.10438) for those of activations; of weights before and
// behind √(w1 / w2), as Nagel et al. 2019 (arXiv 1906.04721) equalize layers.
constexpr double kExponents[] = {0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
constexpr double kMostFactor = 1024;

// Geometric mean 1, within the bounds. Channels of zeros keep 1; those that meet no weights are
// infinite here, and are made as small as may be.
std::vector<float> normalized(const std::vector<double>& raw) {
  const auto is_known = [](double s) { return s > 0 && std::isfinite(s); };
  double logs = 0, count = 0;
  for (const double s : raw)
    if (is_known(s)) {
      logs += std::log(s);
      ++count;
    }
  const double mean = count > 0 ? std::exp(logs / count) : 1;
  std::vector<float> factors;
  for (const double s : raw)
    factors.push_back(s > 0 ? static_cast<float>(std::clamp(s / mean, 1 / kMostFactor, kMostFactor))
                            : 1.0f);
  return factors;
}

}  // namespace

std::vector<float> factors_by(const FactorRule& rule, const FactorError& error) {
  const std::vector<double> before = rule.is_of_weights ? error.maker_reach() : error.reach();
  const std::vector<double>& behind = error.weight_reach();
  std::vector<double> raw;
  for (std::size_t c = 0; c < before.size(); ++c)
    raw.push_back(std::pow(before[c], rule.exponent) / std::pow(behind[c], 1 - rule.exponent));
  return normalized(raw);
}

ChosenRule choose_rule(const ChannelGroup& group, const FactorSource& source) {
  const FactorError error(group, source);
  if (!error.depends_on_factors()) return {};
  std::vector<FactorRule> rules{{.exponent = 0.5, .is_of_weights = true}};
  for (const double exponent : kExponents) rules.push_back({.exponent = exponent});
  const double before = error.of(std::vector<float>(error.reach().size(), 1.0f));
  ChosenRule best;
  double least = before;
  for (const FactorRule& rule : rules) {
    const double now = error.of(factors_by(rule, error));
    if (!(now < least)) continue;
    least = now;
    best = {rule, now > 0 ? 10 * std::log10(before / now) : 0};
  }
  return best;
}

}  // namespace q8

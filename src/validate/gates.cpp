#include "validate/gates.h"

#include <algorithm>

#include "base/error.h"

namespace q8 {
namespace {

// A drop of exactly 1 % may come out as 0.010000000000000009.
constexpr double kRounding = 1e-12;

Gate at_most(std::string name, double value, double limit) {
  return {.name = std::move(name),
          .value = value,
          .limit = limit,
          .unit = "share",
          .passed = value <= limit + kRounding};
}

Gate at_least(std::string name, double value, double limit, std::string unit) {
  return {.name = std::move(name),
          .value = value,
          .limit = limit,
          .unit = std::move(unit),
          .passed = reaches(value, limit)};
}

void need_scores(const Validation& validation, const std::string& gate) {
  if (!validation.has_class_scores)
    throw bad_input("the gate --" + gate +
                    " needs class scores, and the model's first output is not a row of them");
}

void need_labels(const Validation& validation, const std::string& gate) {
  need_scores(validation, gate);
  if (validation.labelled == 0)
    throw bad_input("the gate --" + gate +
                    " needs labels, and no sample has one (--labels FILE, or a sub-folder for each "
                    "class)");
}

}  // namespace

bool reaches(double value, double least) {
  return value >= least - kRounding;
}

bool Validation::passed() const {
  return std::ranges::all_of(gates, [](const Gate& gate) { return gate.passed; });
}

std::vector<Gate> judge(const Validation& validation, const GateLimits& limits) {
  std::vector<Gate> gates;
  if (limits.max_drop) need_labels(validation, "max-drop");
  if (validation.fp32 && validation.int8)
    gates.push_back(at_most("max-drop", validation.fp32->top1 - validation.int8->top1,
                            limits.max_drop.value_or(kDefaultMaxDrop)));
  if (limits.min_class_accuracy) {
    need_labels(validation, "min-class-accuracy");
    const ClassResult& worst =
        *std::ranges::min_element(validation.classes, {}, &ClassResult::int8);
    gates.push_back(
        at_least("min-class-accuracy", worst.int8(), *limits.min_class_accuracy, "share"));
    gates.back().subject = worst.name;
  }
  if (limits.min_agreement) {
    need_scores(validation, "min-agreement");
    gates.push_back(
        at_least("min-agreement", *validation.agreement, *limits.min_agreement, "share"));
  }
  if (limits.min_sqnr_db)
    gates.push_back(at_least("min-sqnr", validation.sqnr_db, *limits.min_sqnr_db, "dB"));
  return gates;
}

}  // namespace q8

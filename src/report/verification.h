#pragma once

#include <string>
#include <vector>

namespace q8 {

enum class Verdict { kHolds, kDiffers, kNotChecked };

// One thing that a model says of where it comes from, and whether it is so.
struct VerifiedFact {
  std::string what;
  Verdict verdict = Verdict::kNotChecked;
  std::string detail;  // what was found, or why it was not checked
};

std::string verification_text(const std::vector<VerifiedFact>& facts, const std::string& file);
std::string verification_json(const std::vector<VerifiedFact>& facts, const std::string& file);

}  // namespace q8

#include "calib/convergence.h"

#include <algorithm>

namespace q8 {
namespace {

constexpr double kStillMoving = 0.05;

// With zero, as quantization will take it.
double width_of(const Extrema& e) {
  const Range range = e.range();
  return std::max(range.high, 0.0) - std::min(range.low, 0.0);
}

}  // namespace

const TensorConvergence* Convergence::find(std::string_view tensor) const {
  const auto it = std::ranges::find(tensors, tensor, &TensorConvergence::name);
  return it == tensors.end() ? nullptr : &*it;
}

Convergence measure_convergence(const CalibrationProfile& profile) {
  Convergence result;
  const std::size_t kept = std::min(profile.samples.size(), CalibrationProfile::kKeptSamples);
  for (std::size_t n = 1; n < kept; n *= 2) result.samples.push_back(n);
  if (kept > 0) result.samples.push_back(kept);
  if (profile.samples.size() > kept) result.samples.push_back(profile.samples.size());

  double growth = 0;
  for (const TensorStatistics& tensor : profile.tensors) {
    const double whole = width_of(tensor.extrema);
    if (whole == 0) continue;
    TensorConvergence t{.name = tensor.name, .share = {}, .expected_growth = 0};
    Extrema seen;
    std::size_t next = 0;
    for (const std::size_t n : result.samples) {
      if (n > kept) {
        t.share.push_back(1);
        break;
      }
      for (; next < n; ++next) seen.include(tensor.samples[next]);
      t.share.push_back(width_of(seen) / whole);
    }
    // Samples in the order of their hashes are in random order, so what the second half of them
    // added is what as many more are likely to add.
    Extrema half;
    for (std::size_t i = 0; i < kept / 2; ++i) half.include(tensor.samples[i]);
    Extrema all_kept = half;
    for (std::size_t i = kept / 2; i < kept; ++i) all_kept.include(tensor.samples[i]);
    if (kept >= 2) t.expected_growth = 1 - width_of(half) / std::max(width_of(all_kept), 1e-300);
    // Of more samples than those kept, each doubling since then had its part in the rest.
    double doublings = 0;
    for (std::size_t n = kept; n < profile.samples.size(); n *= 2) ++doublings;
    if (doublings > 0)
      t.expected_growth = std::min(t.expected_growth, (1 - width_of(all_kept) / whole) / doublings);
    growth += t.expected_growth;
    result.tensors.push_back(std::move(t));
  }
  if (!result.tensors.empty())
    result.mean_growth = growth / static_cast<double>(result.tensors.size());
  result.more_samples_would_help = kept < 2 || result.mean_growth > kStillMoving;
  return result;
}

}  // namespace q8

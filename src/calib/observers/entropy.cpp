#include <algorithm>
#include <vector>

#include "calib/observers/density.h"
#include "calib/observers/divergence.h"
#include "calib/observers/rows.h"

namespace q8 {
namespace {

// The share of the non-zero values that is never clipped. Without it the search collapses on SiLU
// and the like, whose small values outweigh the large ones thousands to one.
constexpr double kCoverage = 0.999;

// Thresholds tried: 512 over the histogram.
constexpr std::int64_t kCandidates = 512;

// Both ends in turn, this often; one-sided tensors need one.
constexpr int kRounds = 2;

// The histogram from its lowest bin (or zero) to its highest (or zero). Zeros are left out: they
// are exact under every range and would drown all else after a ReLU.
struct Bins {
  std::vector<double> counts;
  std::int64_t zero;  // bins below zero
};

Bins bins_of(const Histogram& histogram) {
  const std::int64_t first = std::min(histogram.first(), 0);
  const std::int64_t last = std::max<std::int64_t>(
      histogram.first() + static_cast<std::int64_t>(histogram.counts().size()) - 1, -1);
  Bins bins{.counts = std::vector<double>(static_cast<std::size_t>(last - first + 1)),
            .zero = -first};
  for (std::size_t j = 0; j < histogram.counts().size(); ++j)
    bins.counts[static_cast<std::size_t>(histogram.first() - first) + j] =
        static_cast<double>(histogram.counts()[j]);
  return bins;
}

Bins fold(const Bins& bins) {
  const auto below = static_cast<std::size_t>(bins.zero), above = bins.counts.size() - below;
  Bins folded{.counts = std::vector<double>(std::max(below, above)), .zero = 0};
  for (std::size_t i = 0; i < above; ++i) folded.counts[i] += bins.counts[below + i];
  for (std::size_t i = 0; i < below; ++i) folded.counts[i] += bins.counts[below - 1 - i];
  return folded;
}

struct Search {
  const Divergence& divergence;
  std::int64_t levels, zero, step;
  double clipped_allowed;  // values, at each end
  std::int64_t begin, end;

  void move_end() {
    double least = divergence.of(begin, end = divergence.size(), levels);
    for (std::int64_t e = divergence.size() - step; e - begin >= levels && e >= zero; e -= step) {
      if (divergence.mass(e, divergence.size()) > clipped_allowed) break;
      const double d = divergence.of(begin, e, levels);
      if (d < least) {
        least = d;
        end = e;
      }
    }
  }

  void move_begin() {
    double least = divergence.of(begin = 0, end, levels);
    for (std::int64_t b = step; end - b >= levels && b <= zero; b += step) {
      if (divergence.mass(0, b) > clipped_allowed) break;
      const double d = divergence.of(b, end, levels);
      if (d < least) {
        least = d;
        begin = b;
      }
    }
  }
};

}  // namespace

Range observe_entropy(const TensorStatistics& statistics, const ObserverSettings& settings) {
  const Range full = full_range(statistics, settings);
  if (statistics.histogram.empty()) return full;
  const QuantLimits limits = quant_limits(settings.dtype);
  const std::int64_t all_levels = std::int64_t{limits.max} - limits.min + 1;
  const std::int64_t levels = settings.symmetric ? all_levels / 2 : all_levels;
  const Bins bins =
      settings.symmetric ? fold(bins_of(statistics.histogram)) : bins_of(statistics.histogram);
  const Divergence divergence(bins.counts);
  if (divergence.size() <= levels) return full;

  const bool has_below = bins.zero > 0, has_above = bins.zero < divergence.size();
  const double clipped = (1 - kCoverage) * divergence.total();
  Search search{.divergence = divergence,
                .levels = levels,
                .zero = bins.zero,
                .step = std::max<std::int64_t>(1, divergence.size() / kCandidates),
                .clipped_allowed = has_below && has_above ? clipped / 2 : clipped,
                .begin = 0,
                .end = divergence.size()};
  for (int round = 0; round < (has_below && has_above ? kRounds : 1); ++round) {
    if (has_above) search.move_end();
    if (has_below) search.move_begin();
  }
  const double width = statistics.histogram.bin_width();
  const double high = static_cast<double>(search.end - bins.zero) * width;
  const double low = static_cast<double>(search.begin - bins.zero) * width;
  return clamp_to({settings.symmetric ? -high : low, high}, full);
}

}  // namespace q8

#include "calib/observers/divergence.h"

#include "calib/observers/exact_log.h"

namespace q8 {
namespace {

double times_log(double x) {
  return x > 0 ? x * exact_log(x) : 0;
}

// A border between two parts: after `bin` whole bins and a share of the next.
struct Border {
  std::size_t bin;
  double share;
};

}  // namespace

Divergence::Divergence(std::span<const double> counts) : counts_(counts.begin(), counts.end()) {
  mass_.push_back(0);
  filled_.push_back(0);
  count_log_count_.push_back(0);
  for (const double count : counts_) {
    mass_.push_back(mass_.back() + count);
    filled_.push_back(filled_.back() + (count > 0 ? 1 : 0));
    count_log_count_.push_back(count_log_count_.back() + times_log(count));
  }
}

double Divergence::mass(std::int64_t begin, std::int64_t end) const {
  return mass_[static_cast<std::size_t>(end)] - mass_[static_cast<std::size_t>(begin)];
}

double Divergence::of(std::int64_t begin, std::int64_t end, std::int64_t levels) const {
  const std::int64_t width = end - begin;
  const auto border = [&](std::int64_t level) {
    return Border{static_cast<std::size_t>(begin + level * width / levels),
                  static_cast<double>(level * width % levels) / static_cast<double>(levels)};
  };
  const auto before = [&](const std::vector<double>& sums, Border b) {
    return sums[b.bin] + (b.share > 0 ? b.share * (sums[b.bin + 1] - sums[b.bin]) : 0);
  };
  const auto first = static_cast<std::size_t>(begin), last = static_cast<std::size_t>(end - 1);
  const double clipped_below = mass(0, begin), clipped_above = mass(end, size());

  double sum = 0, sum_q = mass(begin, end);
  // What replaces an end bin's part of the sum when values are clipped to it.
  const auto clip_to = [&](std::size_t bin, double clipped, double q) {
    if (q == 0) {
      q = 1;
      sum_q += 1;
    }
    const double count = counts_[bin];
    sum += times_log(count + clipped) - times_log(count) - clipped * exact_log(q);
  };

  double q_before = 0;
  Border from = border(0);
  for (std::int64_t level = 0; level < levels; ++level) {
    const Border to = border(level + 1);
    double filled = before(filled_, to) - before(filled_, from);
    if (level == 0 && clipped_below > 0 && counts_[first] == 0) filled += 1;
    if (level == levels - 1 && clipped_above > 0 && counts_[last] == 0) filled += 1;
    const double mass = before(mass_, to) - before(mass_, from);
    const double q = filled > 0 && mass > 0 ? mass / filled : 0;
    if (from.share > 0 && counts_[from.bin] > 0) {
      const double mixed = from.share * q_before + (1 - from.share) * q;
      sum += times_log(counts_[from.bin]) - counts_[from.bin] * exact_log(mixed);
    }
    const std::size_t whole = from.bin + (from.share > 0 ? 1 : 0);
    if (whole < to.bin && q > 0)
      sum += count_log_count_[to.bin] - count_log_count_[whole] -
             (mass_[to.bin] - mass_[whole]) * exact_log(q);
    if (level == 0 && clipped_below > 0) clip_to(first, clipped_below, q);
    if (level == levels - 1 && clipped_above > 0) clip_to(last, clipped_above, q);
    q_before = q;
    from = to;
  }
  return sum / total() + exact_log(sum_q / total());
}

}  // namespace q8

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

// The borders of equal parts of a window, one after the other.
class Borders {
 public:
  Borders(std::int64_t begin, std::int64_t width, std::int64_t parts)
      : parts_(parts), whole_(width / parts), rest_(width % parts), bin_(begin) {}

  Border next() {
    bin_ += whole_;
    sum_of_rests_ += rest_;
    if (sum_of_rests_ >= parts_) {
      sum_of_rests_ -= parts_;
      ++bin_;
    }
    return {static_cast<std::size_t>(bin_),
            static_cast<double>(sum_of_rests_) / static_cast<double>(parts_)};
  }

 private:
  std::int64_t parts_, whole_, rest_, bin_, sum_of_rests_ = 0;
};

}  // namespace

Divergence::Divergence(std::span<const double> counts) : counts_(counts.begin(), counts.end()) {
  mass_.push_back(0);
  filled_.push_back(0);
  sum_of_logs_.push_back(0);
  for (const double count : counts_) {
    count_log_count_.push_back(times_log(count));
    mass_.push_back(mass_.back() + count);
    filled_.push_back(filled_.back() + (count > 0 ? 1 : 0));
    sum_of_logs_.push_back(sum_of_logs_.back() + count_log_count_.back());
  }
}

double Divergence::mass(std::int64_t begin, std::int64_t end) const {
  return mass_[static_cast<std::size_t>(end)] - mass_[static_cast<std::size_t>(begin)];
}

double Divergence::of(std::int64_t begin, std::int64_t end, std::int64_t levels) const {
  const auto before = [&](const std::vector<double>& sums, Border b) {
    return sums[b.bin] + (b.share > 0 ? b.share * (sums[b.bin + 1] - sums[b.bin]) : 0);
  };
  const auto first = static_cast<std::size_t>(begin), last = static_cast<std::size_t>(end - 1);
  const double clipped_below = mass(0, begin), clipped_above = mass(end, size());

  // Q of each level, and of the bin that it shares with the one before; 1 where there is none.
  // Their logarithms are most of the work, and are taken together.
  std::vector<double> logs(static_cast<std::size_t>(2 * levels), 1.0);
  const std::span log_q(logs.data(), static_cast<std::size_t>(levels));
  const std::span log_mixed(logs.data() + levels, static_cast<std::size_t>(levels));
  std::vector<Border> borders{{first, 0}};
  Borders following(begin, end - begin, levels);
  double q_before = 0, q_first = 0, q_last = 0;
  for (std::size_t level = 0; level < log_q.size(); ++level) {
    const Border from = borders.back(), to = borders.emplace_back(following.next());
    const bool is_first = level == 0, is_last = level + 1 == log_q.size();
    double filled = before(filled_, to) - before(filled_, from);
    if (is_first && clipped_below > 0 && counts_[first] == 0) filled += 1;
    if (is_last && clipped_above > 0 && counts_[last] == 0) filled += 1;
    const double mass = before(mass_, to) - before(mass_, from);
    const double q = filled > 0 && mass > 0 ? mass / filled : 0;
    if (q > 0) log_q[level] = q;
    if (from.share > 0 && counts_[from.bin] > 0)
      log_mixed[level] = from.share * q_before + (1 - from.share) * q;
    if (is_first) q_first = q;
    if (is_last) q_last = q;
    q_before = q;
  }
  exact_logs(logs);

  double sum = 0, sum_q = mass(begin, end);
  // What replaces an end bin's part of the sum when values are clipped to it.
  const auto clip_to = [&](std::size_t bin, double clipped, double q) {
    if (q == 0) {
      q = 1;
      sum_q += 1;
    }
    sum += times_log(counts_[bin] + clipped) - count_log_count_[bin] - clipped * exact_log(q);
  };
  for (std::size_t level = 0; level < log_q.size(); ++level) {
    const Border from = borders[level], to = borders[level + 1];
    if (from.share > 0 && counts_[from.bin] > 0)
      sum += count_log_count_[from.bin] - counts_[from.bin] * log_mixed[level];
    const std::size_t whole = from.bin + (from.share > 0 ? 1 : 0);
    // Nothing where the level is empty: its logarithm is that of 1, and its bins count nothing.
    if (whole < to.bin)
      sum += sum_of_logs_[to.bin] - sum_of_logs_[whole] -
             (mass_[to.bin] - mass_[whole]) * log_q[level];
    if (level == 0 && clipped_below > 0) clip_to(first, clipped_below, q_first);
    if (level + 1 == log_q.size() && clipped_above > 0) clip_to(last, clipped_above, q_last);
  }
  return sum / total() + exact_log(sum_q / total());
}

}  // namespace q8

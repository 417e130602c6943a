#include "api/held_out.h"

#include <unordered_map>

#include "base/error.h"

namespace q8 {
namespace {

std::vector<std::int64_t> spread(const std::vector<std::int64_t>& from, std::int64_t count) {
  const std::int64_t size = std::ssize(from);
  if (count >= size) return from;
  std::vector<std::int64_t> taken;
  for (std::int64_t i = 0; i < count; ++i)
    taken.push_back(from[static_cast<std::size_t>(i * size / count)]);
  return taken;
}

using Seen = std::unordered_map<std::string, const CalibrationSample*>;

Seen samples_of(const CalibrationProfile& profile) {
  Seen seen;
  for (const CalibrationSample& sample : profile.samples) seen.emplace(sample.sha256, &sample);
  return seen;
}

// Looks a sample up by its content: what calibration called it, or null.
class Lookup {
 public:
  Lookup(const Dataset& dataset, const CalibrationProfile& profile, std::int64_t total,
         const Host& host)
      : dataset_(dataset), seen_(samples_of(profile)), total_(total), host_(host) {}

  const CalibrationSample* find(std::int64_t index) {
    if (host_.stop.stop_requested()) throw interrupted();
    const auto it = seen_.find(dataset_.sha256(index));
    if (host_.progress) host_.progress("compare samples with calibration's", ++done_, total_);
    return it == seen_.end() ? nullptr : it->second;
  }

 private:
  const Dataset& dataset_;
  Seen seen_;
  std::int64_t done_ = 0, total_;
  const Host& host_;
};

}  // namespace

std::vector<std::int64_t> held_out_samples(const Dataset& dataset,
                                           const CalibrationProfile& profile,
                                           std::optional<std::int64_t> count, const Host& host) {
  Lookup seen(dataset, profile, dataset.size(), host);
  std::vector<std::int64_t> rest;
  for (std::int64_t i = 0; i < dataset.size(); ++i)
    if (seen.find(i) == nullptr) rest.push_back(i);
  if (rest.empty())
    throw bad_input("calibration used all " + std::to_string(dataset.size()) +
                    " samples of its data, so none is left to validate with; name others with "
                    "--data, or calibrate on fewer (--samples)");
  return spread(rest, count.value_or(std::ssize(rest)));
}

void check_no_overlap(const Dataset& dataset, const std::vector<std::int64_t>& samples,
                      const CalibrationProfile& profile, const Host& host) {
  Lookup seen(dataset, profile, std::ssize(samples), host);
  std::int64_t overlap = 0;
  std::string first;
  for (const std::int64_t index : samples)
    if (const CalibrationSample* same = seen.find(index); same != nullptr && ++overlap == 1)
      first = "'" + dataset.name(index) + "' (there '" + same->name + "')";
  if (overlap > 0)
    throw bad_input("calibration saw " + std::to_string(overlap) + " of the " +
                    std::to_string(samples.size()) + " samples, such as " + first +
                    "; validate on others, or say --allow-overlap");
}

}  // namespace q8

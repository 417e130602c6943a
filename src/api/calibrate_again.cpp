#include "api/calibrate_again.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "calib/calibrate.h"

namespace q8 {

CalibrationProfile calibrate_again(const CalibrationData& data, const Graph& graph,
                                   const AgainOptions& options, const Host& host) {
  const CalibrationProfile& known = data.profile();
  const SessionOptions machine = session_options(host);
  // Settings would choose more where the profile is of some shards alone.
  std::vector<std::int64_t> samples;
  for (const CalibrationSample& sample : known.samples) samples.push_back(data.find(sample));
  std::ranges::sort(samples);
  Calibration made = calibrate(graph, known.model, data.dataset(), known.sources.at(0),
                               {.q8_version = known.q8_version,
                                .settings = known.settings,
                                .mask = known.mask,
                                .samples = std::move(samples),
                                .shard = options.shard,
                                .values = options.values,
                                .threads = machine.threads,
                                .isa = machine.isa,
                                .stop = host.stop});
  if (!made.profile.complete) throw interrupted();
  if (!options.shard && made.profile.samples != known.samples)
    throw bad_input("samples have changed since calibration saw them");
  return std::move(made.profile);
}

}  // namespace q8

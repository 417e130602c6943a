#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "q8/data.h"
#include "q8/host.h"

namespace q8 {

// One pass over samples that fills a calibration profile: statistics of every activation, no
// decision yet.
struct CalibrateJob {
  std::filesystem::path model = {};
  DataPaths data = {};
  std::optional<std::int64_t> samples =
      500;  // at most, spread over the classes where there are labels; nothing: all
  std::optional<std::uint64_t> seed =
      {};                              // nothing: spread evenly; else a random choice fixed by it
  std::int64_t shard = 1, shards = 1;  // part `shard` (from 1) of `shards`
  // The model's input that is 0 where a position of a sequence is padding: those positions are left
  // out of the statistics; empty: none are.
  std::string mask = {};
  std::filesystem::path output = {};  // empty: <model's stem>.q8cal in the working directory
  bool resume = false;                // go on from an interrupted profile at `output`
  bool profile_cost = false;          // also run every sample without statistics, and time both
  bool stamp = false;  // the profile says when it was made; its bytes differ from run to run then
};

struct CalibrateResult {
  std::filesystem::path profile;
  std::int64_t samples = 0, tensors = 0;
  // Medians of one sample, in ms, with `profile_cost`: the model alone and with statistics.
  std::optional<double> forward_ms = {}, observed_ms = {};
};

// Throws Error: bad_input for models, data and activations that cannot be used, kInterrupted after
// it has written the partial profile that `resume` goes on from.
CalibrateResult calibrate_model(const CalibrateJob& job, const Host& host);

// One profile of several shards, byte for byte what one run over all of them would have written;
// `stamp` as above. Throws bad_input naming what differs between their models, data or settings, or
// a sample that is in two of them.
CalibrateResult merge_profile_files(const std::vector<std::filesystem::path>& profiles,
                                    const std::filesystem::path& output, bool stamp = false);

}  // namespace q8

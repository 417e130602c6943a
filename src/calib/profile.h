#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calib/statistics.h"

namespace q8 {

struct ModelReference {
  std::filesystem::path path;  // absolute in memory, relative to the profile in its file
  std::string sha256;          // of the model file
  bool operator==(const ModelReference&) const = default;
};

// Where samples came from.
struct DataSource {
  std::vector<std::filesystem::path> folders = {};     // absolute in memory, relative in the file
  std::optional<std::filesystem::path> manifest = {};  // likewise
  std::optional<std::filesystem::path> labels = {};    // likewise
  std::int64_t size = 0;                               // samples that were there to choose from
  bool operator==(const DataSource&) const = default;
};

struct CalibrationSample {
  std::string name;
  std::string sha256;  // see Dataset::sha256
  std::optional<std::int64_t> label = {};
  bool operator==(const CalibrationSample&) const = default;
};

struct Shard {
  std::int64_t index = 1, count = 1;  // from 1
  auto operator<=>(const Shard&) const = default;
};

struct CalibrationSettings {
  std::optional<std::int64_t> samples = {};  // as asked for; nothing: all
  std::optional<std::uint64_t> seed = {};
  bool stratified = true;
  bool clamped_values = false;  // see CalibrateOptions
  bool operator==(const CalibrationSettings&) const = default;
};

// What calibration saw, and no decision: every observer takes its range from here.
struct CalibrationProfile {
  std::string q8_version;
  ModelReference model;
  std::vector<DataSource> sources;  // sorted; one unless profiles of several were merged
  std::string preprocess;           // PreprocessConfig::str(), or empty
  std::string mask;                 // the input that marks padding (TokenMask), or empty
  CalibrationSettings settings;
  std::vector<Shard> shards;               // those that are in here, sorted; empty: all
  bool complete = true;                    // false: interrupted, samples are missing
  std::string stamp;                       // when it was made (utc_timestamp()); empty: not said
  std::vector<CalibrationSample> samples;  // sorted by name, then sha256
  std::vector<TensorStatistics> tensors;   // in the order of the graph's values

  const TensorStatistics* find(std::string_view tensor) const;  // or null

  // Per-sample extrema are kept of at most so many samples, those with the smallest hashes: a
  // random choice that does not depend on order or sharding.
  static constexpr std::size_t kKeptSamples = 128;
  // Their indices in `samples`, by ascending sha256, then name.
  std::vector<std::size_t> kept_samples() const;

  std::string data_sha256() const;        // of the sorted hashes of the samples
  std::string preprocess_sha256() const;  // empty where there is no preprocessing
  std::string sha256() const;  // of the statistics and all the above but the paths and the stamp
  bool operator==(const CalibrationProfile&) const = default;
};

// One profile of all the samples, the same bytes as one run over them would give. Throws bad_input
// naming what differs (model, preprocessing, settings, tensors) or the sample that is in two. It
// has no stamp.
CalibrationProfile merge_profiles(std::span<const CalibrationProfile> profiles);

// Atomic; equal profiles in equal folders give equal bytes.
void save_profile(const CalibrationProfile& profile, const std::filesystem::path& path);
// Throws bad_input for files that are no profile, damaged, or of a newer format.
CalibrationProfile load_profile(const std::filesystem::path& path);

// The bytes of the file, with paths made relative to `folder` (absolute).
std::string serialize_profile(const CalibrationProfile& profile,
                              const std::filesystem::path& folder);
CalibrationProfile parse_profile(std::string_view bytes, const std::filesystem::path& folder);

}  // namespace q8

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "calib/profile.h"
#include "profile.pb.h"

namespace q8 {
namespace {

namespace pb = profile_format;
namespace fs = std::filesystem;

constexpr std::string_view kKind = "q8 calibration profile";
constexpr std::uint32_t kFormat = 1;

std::string relative_to(const fs::path& path, const fs::path& folder) {
  if (path.empty() || folder.empty()) return path.generic_string();
  const fs::path relative = path.lexically_normal().lexically_relative(folder.lexically_normal());
  return (relative.empty() ? path : relative).generic_string();
}

fs::path absolute_in(const std::string& path, const fs::path& folder) {
  return path.empty() || folder.empty() ? fs::path(path) : (folder / path).lexically_normal();
}

// What the paths in the profile begin at: where it lies, whatever link leads there.
fs::path folder_of(const fs::path& profile) {
  return fs::absolute(behind_links(profile)).parent_path();
}

void write(const std::vector<Extrema>& from, pb::Extrema& to) {
  for (const Extrema& e : from) {
    to.add_minimum(e.minimum);
    to.add_maximum(e.maximum);
  }
}

void write(const TensorStatistics& from, pb::Tensor& to) {
  to.set_name(from.name);
  if (from.in_body) to.set_in_body(true);
  to.set_count(from.count);
  to.set_zeros(from.zeros);
  to.set_negative_infinities(from.negative_infinities);
  to.set_minimum(from.extrema.minimum);
  to.set_maximum(from.extrema.maximum);
  if (from.channels.state == ChannelExtrema::State::kKept) {
    to.mutable_channels()->set_axis(from.channels.axis);
    write(from.channels.channels, *to.mutable_channels()->mutable_extrema());
  }
  to.set_channels_vary(from.channels.state == ChannelExtrema::State::kVaries);
  Histogram histogram = from.histogram;
  histogram.trim();
  if (!histogram.empty()) {
    to.mutable_histogram()->set_exponent(histogram.exponent());
    to.mutable_histogram()->set_first(histogram.first());
    to.mutable_histogram()->mutable_counts()->Add(histogram.counts().begin(),
                                                  histogram.counts().end());
  }
  write(from.samples, *to.mutable_samples());
}

void write(const DataSource& from, const fs::path& folder, pb::DataSource& to) {
  for (const fs::path& path : from.folders) to.add_folders(relative_to(path, folder));
  if (from.manifest) to.set_manifest(relative_to(*from.manifest, folder));
  if (from.labels) to.set_labels(relative_to(*from.labels, folder));
  to.set_size(from.size);
}

[[noreturn]] void damaged(const std::string& what) {
  throw bad_input("the calibration profile is damaged: " + what);
}

std::vector<Extrema> read(const pb::Extrema& from) {
  if (from.minimum_size() != from.maximum_size()) damaged("minima without maxima");
  std::vector<Extrema> extrema;
  for (int i = 0; i < from.minimum_size(); ++i) {
    extrema.push_back({from.minimum(i), from.maximum(i)});
    if (!std::isfinite(from.minimum(i)) || !std::isfinite(from.maximum(i)))
      damaged("an extremum is not finite");
  }
  return extrema;
}

TensorStatistics read(const pb::Tensor& from, std::size_t kept) {
  TensorStatistics t;
  t.name = from.name();
  t.in_body = from.in_body();
  t.count = from.count();
  t.zeros = from.zeros();
  t.negative_infinities = from.negative_infinities();
  t.extrema = {from.minimum(), from.maximum()};
  if (!std::isfinite(t.extrema.minimum) || !std::isfinite(t.extrema.maximum))
    damaged("an extremum of '" + t.name + "' is not finite");
  if (from.channels_vary()) {
    t.channels.state = ChannelExtrema::State::kVaries;
  } else if (from.has_channels()) {
    t.channels = {.state = ChannelExtrema::State::kKept,
                  .axis = from.channels().axis(),
                  .channels = read(from.channels().extrema())};
  }
  t.histogram =
      Histogram::restore(from.histogram().exponent(), from.histogram().first(),
                         {from.histogram().counts().begin(), from.histogram().counts().end()});
  if (t.histogram.total() + t.zeros != t.count)
    damaged("the histogram of '" + t.name + "' does not hold all its values");
  if (t.extrema.empty() != (t.count == 0)) damaged("'" + t.name + "' has extrema of no values");
  t.samples = read(from.samples());
  if (t.samples.size() != kept)
    damaged("'" + t.name + "' has extrema of " + std::to_string(t.samples.size()) +
            " samples, not " + std::to_string(kept));
  return t;
}

DataSource read(const pb::DataSource& from, const fs::path& folder) {
  DataSource source;
  for (const std::string& path : from.folders())
    source.folders.push_back(absolute_in(path, folder));
  if (from.has_manifest()) source.manifest = absolute_in(from.manifest(), folder);
  if (from.has_labels()) source.labels = absolute_in(from.labels(), folder);
  source.size = from.size();
  return source;
}

CalibrationProfile read(const pb::Profile& from, const fs::path& folder) {
  CalibrationProfile p;
  p.q8_version = from.q8_version();
  p.model = {.path = absolute_in(from.model_path(), folder), .sha256 = from.model_sha256()};
  for (const pb::DataSource& source : from.sources()) p.sources.push_back(read(source, folder));
  p.preprocess = from.preprocess();
  if (p.preprocess_sha256() != from.preprocess_sha256()) damaged("hash of the preprocessing");
  const pb::Settings& settings = from.settings();
  if (settings.has_samples()) p.settings.samples = settings.samples();
  if (settings.has_seed()) p.settings.seed = settings.seed();
  p.settings.stratified = settings.stratified();
  p.settings.clamped_values = settings.clamped_values();
  p.mask = settings.mask();
  for (const pb::Shard& shard : from.shards()) p.shards.push_back({shard.index(), shard.count()});
  p.complete = from.complete();
  p.stamp = from.stamp();
  for (const pb::Sample& sample : from.samples()) {
    p.samples.push_back({.name = sample.name(), .sha256 = sample.sha256(), .label = {}});
    if (sample.has_label()) p.samples.back().label = sample.label();
  }
  const std::size_t kept = std::min(p.samples.size(), CalibrationProfile::kKeptSamples);
  for (const pb::Tensor& tensor : from.tensors()) p.tensors.push_back(read(tensor, kept));
  if (!std::ranges::is_sorted(p.tensors, {}, [](const TensorStatistics& tensor) {
        return std::pair(tensor.in_body, tensor.in_body ? tensor.name : "");
      }))
    damaged("tensors of bodies do not come last, ascending by name");
  return p;
}

std::string serialized(const google::protobuf::MessageLite& message) {
  std::string bytes;
  if (!message.SerializeToString(&bytes))
    throw resource_error("a calibration profile of more than 2 GB cannot be written");
  return bytes;
}

}  // namespace

std::string serialize_profile(const CalibrationProfile& profile, const fs::path& folder) {
  pb::Profile content;
  content.set_q8_version(profile.q8_version);
  content.set_model_path(relative_to(profile.model.path, folder));
  content.set_model_sha256(profile.model.sha256);
  for (const DataSource& source : profile.sources) write(source, folder, *content.add_sources());
  content.set_preprocess(profile.preprocess);
  content.set_preprocess_sha256(profile.preprocess_sha256());
  pb::Settings& settings = *content.mutable_settings();
  if (profile.settings.samples) settings.set_samples(*profile.settings.samples);
  if (profile.settings.seed) settings.set_seed(*profile.settings.seed);
  settings.set_stratified(profile.settings.stratified);
  settings.set_clamped_values(profile.settings.clamped_values);
  if (!profile.mask.empty()) settings.set_mask(profile.mask);
  for (const Shard& shard : profile.shards) {
    pb::Shard& to = *content.add_shards();
    to.set_index(shard.index);
    to.set_count(shard.count);
  }
  content.set_complete(profile.complete);
  content.set_stamp(profile.stamp);
  for (const CalibrationSample& sample : profile.samples) {
    pb::Sample& to = *content.add_samples();
    to.set_name(sample.name);
    to.set_sha256(sample.sha256);
    if (sample.label) to.set_label(*sample.label);
  }
  for (const TensorStatistics& tensor : profile.tensors) write(tensor, *content.add_tensors());

  pb::ProfileFile file;
  file.set_kind(std::string(kKind));
  file.set_format(kFormat);
  file.set_content(serialized(content));
  file.set_sha256(Sha256().add(file.content()).hex());
  return serialized(file);
}

CalibrationProfile parse_profile(std::string_view bytes, const fs::path& folder) {
  pb::ProfileFile file;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !file.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || file.kind() != kKind)
    throw bad_input("not a q8 calibration profile, or cut short");
  if (file.format() != kFormat)
    throw bad_input("a calibration profile of format " + std::to_string(file.format()) +
                    "; this q8 reads format " + std::to_string(kFormat));
  if (Sha256().add(file.content()).hex() != file.sha256())
    damaged("its content does not have the SHA-256 that it names");
  pb::Profile content;
  if (!content.ParseFromString(file.content())) damaged("its content cannot be read");
  return read(content, folder);
}

void save_profile(const CalibrationProfile& profile, const fs::path& path) {
  write_file_atomically(path, serialize_profile(profile, folder_of(path)));
}

CalibrationProfile load_profile(const fs::path& path) {
  const MappedFile file(path);
  try {
    return parse_profile(file.text(), folder_of(path));
  } catch (const Error& error) {
    throw error.within(path.string());
  }
}

}  // namespace q8

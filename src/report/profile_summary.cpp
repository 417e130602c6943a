#include "report/profile_summary.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "calib/convergence.h"
#include "calib/observers/observers.h"
#include "report/figures.h"
#include "report/json_text.h"
#include "report/text_table.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

double zero_share(const TensorStatistics& tensor) {
  return tensor.count == 0 ? 0
                           : static_cast<double>(tensor.zeros) / static_cast<double>(tensor.count);
}

ObserverSettings settings_of(const ObserverRow& row) {
  return {.name = std::string(row.name)};
}

Range range_of(const TensorStatistics& tensor, std::string_view observer) {
  return observe(tensor, settings_of(find_observer(observer)));
}

std::string range_text(const Range& range) {
  return small_number(range.low) + " … " + small_number(range.high);
}

// How much wider twice the samples would make the range; of a tensor of zeros nothing is known.
std::string growth_text(const TensorConvergence* convergence) {
  return convergence == nullptr ? "-" : percent(convergence->expected_growth);
}

std::string text_of(const Shard& shard) {
  return std::to_string(shard.index) + "/" + std::to_string(shard.count);
}

std::string facts(const CalibrationProfile& profile, const Convergence& convergence) {
  TextTable table("ll");
  table.add({"model", printable(profile.model.path.filename().string())});
  table.add({"model's sha256", profile.model.sha256});
  table.add({"sha256", profile.sha256()});
  std::int64_t there = 0;
  for (const DataSource& source : profile.sources) there += source.size;
  table.add({"samples",
             std::to_string(profile.samples.size()) + " of " + std::to_string(there) +
                 (profile.complete ? "" : ", interrupted: q8 calibrate --resume goes on from it")});
  if (!profile.shards.empty()) {
    std::string shards;
    for (const Shard& shard : profile.shards)
      shards += (shards.empty() ? "" : ", ") + text_of(shard);
    table.add({"shards", shards});
  }
  if (!profile.stamp.empty()) table.add({"made", printable(profile.stamp)});
  if (!profile.preprocess.empty()) table.add({"preprocessing", printable(profile.preprocess)});
  if (!profile.mask.empty())
    table.add({"left out", "padding, where '" + printable(profile.mask) + "' is 0"});
  table.add({"twice the samples", "would widen ranges by " + percent(convergence.mean_growth) +
                                      " on average" +
                                      (convergence.more_samples_would_help ? ": worth it" : "")});
  return table.str();
}

Json json_of(std::span<const Extrema> extrema) {
  Json low = Json::array(), high = Json::array();
  for (const Extrema& e : extrema) {
    low.push_back(e.empty() ? Json() : Json(e.minimum));
    high.push_back(e.empty() ? Json() : Json(e.maximum));
  }
  return {{"min", std::move(low)}, {"max", std::move(high)}};
}

Json json_of(const Histogram& histogram) {
  return {{"bin_width", histogram.bin_width()},
          {"first", histogram.first()},
          {"counts", histogram.counts()}};
}

// Everything that was counted: what the observers' ranges are made of.
void add_statistics(Json& json, const TensorStatistics& tensor) {
  json["negative_infinities"] = tensor.negative_infinities;
  if (tensor.channels.state == ChannelExtrema::State::kKept) {
    json["channel_extrema"] = json_of(tensor.channels.channels);
    json["channel_extrema"]["axis"] = tensor.channels.axis;
  }
  json["sample_extrema"] = json_of(tensor.samples);
  json["histogram"] = json_of(tensor.histogram);
}

Json json_of(const CalibrationSettings& settings) {
  Json json = {{"samples", nullptr}, {"seed", nullptr}, {"by_class", settings.stratified}};
  if (settings.samples) json["samples"] = *settings.samples;
  if (settings.seed) json["seed"] = *settings.seed;
  return json;
}

Json json_of(const DataSource& source) {
  Json json = {{"folders", Json::array()}, {"samples", source.size}};
  for (const std::filesystem::path& folder : source.folders)
    json["folders"].push_back(folder.generic_string());
  if (source.manifest) json["manifest"] = source.manifest->generic_string();
  if (source.labels) json["labels"] = source.labels->generic_string();
  return json;
}

Json json_of(const CalibrationSample& sample) {
  Json json = {{"name", sample.name}, {"sha256", sample.sha256}};
  if (sample.label) json["class"] = *sample.label;
  return json;
}

Json json_of(const Shard& shard) {
  return text_of(shard);
}

template <typename T>
Json json_list(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(json_of(item));
  return list;
}

Json tensor_json(const TensorStatistics& tensor) {
  Json json = {{"name", tensor.name},
               {"values", tensor.count},
               {"zeros", tensor.zeros},
               {"min", tensor.extrema.range().low},
               {"max", tensor.extrema.range().high},
               {"mean", tensor.mean()},
               {"sigma", std::sqrt(tensor.variance())},
               {"channels", tensor.channels.channels.size()},
               {"ranges", Json::object()},
               {"expected_sqnr_db", Json::object()}};
  for (const ObserverRow& row : observers()) {
    const Range range = range_of(tensor, row.name);
    const std::string name(row.name);
    json["ranges"][name] = {range.low, range.high};
    const double db = expected_sqnr_db(tensor, range, settings_of(row));
    json["expected_sqnr_db"][name] = std::isfinite(db) ? Json(db) : Json();  // null: no error
  }
  add_statistics(json, tensor);
  return json;
}

// How far the range of each tensor had come after so many samples.
Json convergence_json(const Convergence& convergence) {
  Json json = {{"samples", convergence.samples}, {"tensors", Json::array()}};
  for (const TensorConvergence& tensor : convergence.tensors)
    json["tensors"].push_back({{"name", tensor.name},
                               {"share", tensor.share},
                               {"expected_growth", tensor.expected_growth}});
  return json;
}

}  // namespace

std::string profile_text(const CalibrationProfile& profile, const std::string& file) {
  const Convergence convergence = measure_convergence(profile);
  TextTable table("lrrrrr" + std::string(observers().size(), 'r'));
  std::vector<std::string> header = {"tensor", "values", "zeros", "σ", "range", "growth"};
  for (const ObserverRow& row : observers()) header.emplace_back(row.name);
  table.add(std::move(header));
  for (const TensorStatistics& tensor : profile.tensors) {
    std::vector<std::string> cells = {printable(tensor.name),
                                      std::to_string(tensor.count),
                                      percent(zero_share(tensor)),
                                      small_number(std::sqrt(tensor.variance())),
                                      range_text(tensor.extrema.range()),
                                      growth_text(convergence.find(tensor.name))};
    for (const ObserverRow& row : observers()) {
      // A range for each of them would be wider than any screen; JSON has them all.
      const Range range = range_of(tensor, row.name);
      cells.push_back((row.name == "auto" ? range_text(range) + ", " : "") +
                      decibels(expected_sqnr_db(tensor, range, settings_of(row))));
    }
    table.add(std::move(cells));
  }
  return printable(file) + ": calibration profile of q8 " + printable(profile.q8_version) + "\n" +
         facts(profile, convergence) + "\n" + table.str();
}

std::string profile_json(const CalibrationProfile& profile, const std::string& file) {
  const Convergence convergence = measure_convergence(profile);
  Json json = {
      {"kind", "profile"},
      {"file", file},
      {"q8", profile.q8_version},
      {"sha256", profile.sha256()},
      {"model",
       {{"file", profile.model.path.filename().string()}, {"sha256", profile.model.sha256}}},
      {"data_sha256", profile.data_sha256()},
      {"samples", profile.samples.size()},
      {"complete", profile.complete},
      {"settings", json_of(profile.settings)},
      {"shards", json_list(profile.shards)},
      {"sources", json_list(profile.sources)},
      {"seen", json_list(profile.samples)},
      {"preprocess", profile.preprocess},
      {"preprocess_sha256", profile.preprocess_sha256()},
      {"mask", profile.mask},
      {"mean_growth", convergence.mean_growth},
      {"more_samples_would_help", convergence.more_samples_would_help},
      {"convergence", convergence_json(convergence)},
      {"tensors", Json::array()}};
  if (!profile.stamp.empty()) json["stamp"] = profile.stamp;
  for (const TensorStatistics& tensor : profile.tensors)
    json["tensors"].push_back(tensor_json(tensor));
  return json_text(json);
}

}  // namespace q8

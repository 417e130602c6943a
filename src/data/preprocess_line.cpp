#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/preprocess.h"

namespace q8 {
namespace {

using ResizeTo = PreprocessConfig::ResizeTo;

// The shortest digits that read back as the same float, on every machine.
std::string float_text(float value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return std::string(digits, end);
}

std::string floats_text(const std::vector<float>& values) {
  std::string text;
  for (const float value : values) text += (text.empty() ? "" : ",") + float_text(value);
  return text;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at; (at = text.find(separator)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

// What cannot be read gives 0: parse_preprocess_line() looks at the whole at the end.
template <typename T>
T number(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<float> floats(std::string_view text) {
  std::vector<float> values;
  for (const std::string_view part : split(text, ",")) values.push_back(number<float>(part));
  return values;
}

PixelSize size(std::string_view text) {
  const std::size_t x = text.find('x');
  if (x == std::string_view::npos) return {};
  return {number<std::int64_t>(text.substr(0, x)), number<std::int64_t>(text.substr(x + 1))};
}

Resample filter(std::string_view name) {
  for (std::int64_t code = 0; resample_of_code(code); ++code)
    if (resample_name(*resample_of_code(code)) == name) return *resample_of_code(code);
  return {};
}

// A step by its first words; `read` gets those that follow, never fewer than `words`.
struct Step {
  std::string_view name;
  std::size_t words;
  void (*read)(PreprocessConfig& config, const std::vector<std::string_view>& words);
};
using Words = std::vector<std::string_view>;

void read_edge(PreprocessConfig& config, ResizeTo to, const Words& words) {
  config.resize_to = to;
  config.resize_edge = number<std::int64_t>(words[0]);
  config.resample = filter(words[1]);
}

constexpr Step kSteps[] = {
    {"grey", 0, [](PreprocessConfig& c, const Words&) { c.grey = true; }},
    {"rgb", 0, [](PreprocessConfig& c, const Words&) { c.grey = false; }},
    {"resize shortest edge", 2,
     [](PreprocessConfig& c, const Words& w) { read_edge(c, ResizeTo::kShortestEdge, w); }},
    {"resize longest edge", 2,
     [](PreprocessConfig& c, const Words& w) { read_edge(c, ResizeTo::kLongestEdge, w); }},
    {"resize", 2,
     [](PreprocessConfig& c, const Words& w) {
       c.resize_to = ResizeTo::kExact;
       c.resize_size = size(w[0]);
       c.resample = filter(w[1]);
     }},
    {"center crop", 1, [](PreprocessConfig& c, const Words& w) { c.center_crop = size(w[0]); }},
    {"pad", 3,
     [](PreprocessConfig& c, const Words& w) {
       c.pad = size(w[0]);
       c.pad_value = number<std::uint8_t>(w[2]);  // "with" stands between
     }},
    {"flip channels", 0, [](PreprocessConfig& c, const Words&) { c.flip_channels = true; }},
    {"rescale", 1, [](PreprocessConfig& c, const Words& w) { c.rescale = number<float>(w[0]); }},
    {"minus 1", 0, [](PreprocessConfig& c, const Words&) { c.rescale_offset = true; }},
    {"mean", 3,
     [](PreprocessConfig& c, const Words& w) {
       c.mean = floats(w[0]);
       c.std = floats(w[2]);  // "std" stands between
     }},
    {"divide by std again", 0,
     [](PreprocessConfig& c, const Words&) { c.divide_by_std_again = true; }},
    {"channels first", 0, [](PreprocessConfig& c, const Words&) { c.channels_last = false; }},
    {"channels last", 0, [](PreprocessConfig& c, const Words&) { c.channels_last = true; }},
};

void read_step(PreprocessConfig& config, std::string_view text) {
  for (const Step& step : kSteps) {
    if (!text.starts_with(step.name)) continue;
    const std::string_view rest = text.substr(step.name.size());
    const Words words = rest.empty() ? Words() : split(rest.substr(1), " ");
    if (words.size() < step.words) return;
    return step.read(config, words);
  }
}

bool is_side(std::int64_t side) {
  return side >= 1 && side <= PixelSize::kMaxSide;
}

// What preprocess_config.cpp sees to when it reads a file.
bool is_sound(const PreprocessConfig& config) {
  const auto is_size = [](const PixelSize& s) { return is_side(s.height) && is_side(s.width); };
  const auto channels = static_cast<std::size_t>(config.channels());
  return (config.resize_to != ResizeTo::kExact || is_size(config.resize_size)) &&
         (config.resize_to == ResizeTo::kKeep || config.resize_to == ResizeTo::kExact ||
          is_side(config.resize_edge)) &&
         (!config.center_crop || is_size(*config.center_crop)) &&
         (!config.pad || is_size(*config.pad)) && config.mean.size() == config.std.size() &&
         (config.mean.empty() || config.mean.size() == channels) &&
         std::ranges::all_of(config.std, [](float s) { return s > 0; });
}

}  // namespace

std::string PixelSize::str() const {
  return std::to_string(height) + "x" + std::to_string(width);
}

std::string PreprocessConfig::str() const {
  std::string text = grey ? "grey" : "rgb";
  const auto step = [&](const std::string& words) { text += "; " + words; };
  const std::string by = " " + std::string(resample_name(resample));
  switch (resize_to) {
    case ResizeTo::kKeep:
      break;
    case ResizeTo::kExact:
      step("resize " + resize_size.str() + by);
      break;
    case ResizeTo::kShortestEdge:
      step("resize shortest edge " + std::to_string(resize_edge) + by);
      break;
    case ResizeTo::kLongestEdge:
      step("resize longest edge " + std::to_string(resize_edge) + by);
      break;
  }
  if (center_crop) step("center crop " + center_crop->str());
  if (pad) step("pad " + pad->str() + " with " + std::to_string(pad_value));
  if (flip_channels) step("flip channels");
  if (rescale) step("rescale " + float_text(*rescale));
  if (rescale_offset) step("minus 1");
  if (!mean.empty()) step("mean " + floats_text(mean) + " std " + floats_text(std));
  if (divide_by_std_again) step("divide by std again");
  step(channels_last ? "channels last" : "channels first");
  return text;
}

PreprocessConfig parse_preprocess_line(std::string_view line) {
  PreprocessConfig config;
  for (const std::string_view step : split(line, "; ")) read_step(config, step);
  if (config.str() != line || !is_sound(config))
    throw bad_input("this is no preprocessing that q8 knows: '" + std::string(line) + "'");
  return config;
}

}  // namespace q8

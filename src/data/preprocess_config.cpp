#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "data/preprocess.h"
#include "q8/nearest_name.h"

namespace q8 {
namespace {

using Json = nlohmann::json;

// Keys that change the result; each is read somewhere below.
constexpr std::string_view kKeys[] = {
    "do_convert_grayscale",
    "do_resize",
    "size",
    "default_to_square",
    "resample",
    "crop_pct",
    "do_center_crop",
    "crop_size",
    "do_pad",
    "pad_size",
    "pad_value",
    "do_flip_channel_order",
    "do_rescale",
    "rescale_factor",
    "rescale_offset",
    "do_normalize",
    "image_mean",
    "image_std",
    "include_top",
    "data_format",
    "image_processor_type",
    "feature_extractor_type",
};

// Keys that Hugging Face writes beside them and that do not change an image's pixels: names of
// classes, places to run, formats of the result, treatment of label maps.
constexpr std::string_view kPassedOver[] = {
    "processor_class", "_processor_class", "_valid_processor_keys", "auto_map",
    "device",          "disable_grouping", "return_tensors",        "input_data_format",
    "do_convert_rgb",  "_name_or_path",    "transformers_version",  "do_reduce_labels",
    "reduce_labels",   "image_seq_length", "model_input_names",     "torch_dtype",
};

// What a number as `size` and a missing do_rescale mean to the processors that q8 knows, by the
// beginning of the type's name (ViTImageProcessor, ViTFeatureExtractor, ViTImageProcessorFast).
struct Processor {
  std::string_view name;
  bool number_is_square;
};
constexpr Processor kProcessors[] = {
    {"ViT", true},          {"ViTHybrid", true},  {"DeiT", true},         {"Beit", true},
    {"EfficientNet", true}, {"Siglip", true},     {"Siglip2", true},      {"Segformer", true},
    {"DINOv3ViT", true},    {"Blip", true},       {"CLIP", false},        {"ChineseCLIP", false},
    {"ConvNext", false},    {"MobileViT", false}, {"MobileNetV1", false}, {"MobileNetV2", false},
    {"Bit", false},
};
// Processors that scale `size` by a factor of their own before they use it.
constexpr std::string_view kScaleTheirSize[] = {"Levit", "PoolFormer", "DPT"};

class Reader {
 public:
  Reader(const Json& json, std::string_view source) : json_(json), source_(source) {}

  PreprocessConfig read() {
    check_keys();
    find_processor();
    PreprocessConfig config;
    config.grey = flag("do_convert_grayscale");
    read_resize(config);
    if (flag("do_center_crop")) config.center_crop = size_of("crop_size", "do_center_crop");
    if (flag("do_pad")) {
      config.pad = size_of("pad_size", "do_pad");
      if (const Json* value = find("pad_value"))
        config.pad_value = static_cast<std::uint8_t>(integer(*value, "pad_value", 0, 255));
    }
    config.flip_channels = flag("do_flip_channel_order");
    read_values(config);
    if (const Json* format = find("data_format")) {
      if (*format != "channels_first" && *format != "channels_last")
        throw wrong("data_format", "\"channels_first\" or \"channels_last\"", *format);
      config.channels_last = *format == "channels_last";
    }
    if (is_convnext() || find("crop_pct") != nullptr) apply_crop_pct(config);
    return config;
  }

 private:
  Error error(const std::string& message) const {
    return bad_input(std::string(source_) + ": " + message);
  }
  Error wrong(std::string_view key, const std::string& expected, const Json& found) const {
    return error("\"" + std::string(key) + "\": expected " + expected + ", found " + found.dump());
  }
  const Json* find(std::string_view key) const {
    const auto it = json_.find(key);
    return it == json_.end() || it->is_null() ? nullptr : &*it;
  }
  bool flag(std::string_view key, bool missing = false) const {
    const Json* value = find(key);
    if (value == nullptr) return missing;
    if (!value->is_boolean()) throw wrong(key, "true or false", *value);
    return value->get<bool>();
  }
  std::int64_t integer(const Json& value, std::string_view key, std::int64_t low,
                       std::int64_t high) const {
    const bool whole =
        value.is_number_integer() ||
        (value.is_number_float() && std::nearbyint(value.get<double>()) == value.get<double>());
    const double number = whole ? value.get<double>() : 0;
    if (!whole || number < static_cast<double>(low) || number > static_cast<double>(high))
      throw wrong(key, "a whole number from " + std::to_string(low) + " to " + std::to_string(high),
                  value);
    return static_cast<std::int64_t>(number);
  }
  float real(const Json& value, std::string_view key) const {
    if (!value.is_number()) throw wrong(key, "a number", value);
    const double number = value.get<double>();
    if (!(std::abs(number) <= double{std::numeric_limits<float>::max()}))
      throw wrong(key, "a number that FP32 can hold", value);
    return static_cast<float>(number);
  }
  std::int64_t side(const Json& value, std::string_view key) const {
    return integer(value, key, 1, PixelSize::kMaxSide);
  }

  void check_keys() const {
    if (!json_.is_object()) throw error("expected a JSON object, found " + json_.dump());
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(kKeys, key) != std::end(kKeys)) continue;
      if (std::ranges::find(kPassedOver, key) != std::end(kPassedOver)) continue;
      throw error("unknown key \"" + key + "\"; the nearest known one is \"" +
                  std::string(nearest_name(key, kKeys)) + "\"");
    }
  }

  void find_processor() {
    for (const std::string_view key : {"image_processor_type", "feature_extractor_type"}) {
      const Json* type = find(key);
      if (type == nullptr) continue;
      if (!type->is_string()) throw wrong(key, "a name", *type);
      processor_type_ = type->get<std::string>();
      break;
    }
    std::string_view name = processor_type_;
    for (const std::string_view ending : {"Fast", "ImageProcessor", "FeatureExtractor"})
      if (name.ends_with(ending)) name.remove_suffix(ending.size());
    const auto* it =
        std::ranges::find_if(kProcessors, [&](const Processor& p) { return p.name == name; });
    processor_ = it == std::end(kProcessors) ? nullptr : it;
    if (std::ranges::find(kScaleTheirSize, name) != std::end(kScaleTheirSize))
      throw unsupported(std::string(source_) + ": " + processor_type_ +
                        " computes the resize from \"size\" in a way of its own: give the sides "
                        "it arrives at as {\"shortest_edge\": N} or {\"height\": H, \"width\": "
                        "W} and leave the type away");
  }
  bool is_convnext() const { return processor_ != nullptr && processor_->name == "ConvNext"; }

  PixelSize size_of(std::string_view key, std::string_view step) const {
    const Json* value = find(key);
    if (value == nullptr)
      throw error("\"" + std::string(step) + "\" is true, but \"" + std::string(key) +
                  "\" is missing");
    if (value->is_number()) return {side(*value, key), side(*value, key)};
    if (value->is_array() && value->size() == 2)  // [height, width]
      return {side((*value)[0], key), side((*value)[1], key)};
    if (!value->is_object() || value->size() != 2 || !value->contains("height") ||
        !value->contains("width"))
      throw wrong(key, "{\"height\": H, \"width\": W} or a number", *value);
    return {side((*value)["height"], key), side((*value)["width"], key)};
  }

  bool number_is_square() const {
    if (find("default_to_square") != nullptr) return flag("default_to_square");
    if (processor_ != nullptr) return processor_->number_is_square;
    if (processor_type_.empty()) return true;
    throw error("\"size\" is a number, and q8 does not know what " + processor_type_ +
                " means by it: write {\"shortest_edge\": N} or {\"height\": N, \"width\": N}");
  }

  void read_resize(PreprocessConfig& config) const {
    if (const Json* code = find("resample"))
      config.resample = *resample_of_code(integer(*code, "resample", 0, 5));
    if (!flag("do_resize")) return;
    using ResizeTo = PreprocessConfig::ResizeTo;
    const Json* size = find("size");
    if (size == nullptr) throw error("\"do_resize\" is true, but \"size\" is missing");
    const auto edge = [&](ResizeTo to, const Json& value) {
      config.resize_to = to;
      config.resize_edge = side(value, "size");
    };
    if (size->is_number() && !number_is_square()) {
      edge(ResizeTo::kShortestEdge, *size);
    } else if (size->is_object() && size->size() == 1 && size->contains("shortest_edge")) {
      edge(ResizeTo::kShortestEdge, (*size)["shortest_edge"]);
    } else if (size->is_object() && size->size() == 1 && size->contains("longest_edge")) {
      edge(ResizeTo::kLongestEdge, (*size)["longest_edge"]);
    } else if (size->is_object() &&
               (!size->contains("height") || !size->contains("width") || size->size() != 2)) {
      throw wrong("size",
                  "one of {\"shortest_edge\"}, {\"longest_edge\"} and {\"height\", "
                  "\"width\"}",
                  *size);
    } else {
      config.resize_to = ResizeTo::kExact;
      config.resize_size = size_of("size", "do_resize");
    }
  }

  std::vector<float> per_channel(std::string_view key, std::int64_t channels) const {
    const Json* value = find(key);
    if (value == nullptr)
      throw error("\"do_normalize\" is true, but \"" + std::string(key) + "\" is missing");
    std::vector<float> numbers;
    if (value->is_array())
      for (const Json& each : *value) numbers.push_back(real(each, key));
    else
      numbers.assign(static_cast<std::size_t>(channels), real(*value, key));
    if (std::ssize(numbers) != channels)
      throw wrong(key, std::to_string(channels) + " numbers, one a channel", *value);
    return numbers;
  }

  void read_values(PreprocessConfig& config) const {
    if (flag("do_normalize")) {
      config.mean = per_channel("image_mean", config.channels());
      config.std = per_channel("image_std", config.channels());
      for (const float s : config.std)
        if (!(s > 0)) throw wrong("image_std", "numbers above 0", *find("image_std"));
    }
    const auto for_unit_range = [](float v) { return std::abs(v) <= 1; };
    const bool missing_means_yes =
        !processor_type_.empty() ||
        (!config.mean.empty() && std::ranges::all_of(config.mean, for_unit_range) &&
         std::ranges::all_of(config.std, for_unit_range));
    if (flag("do_rescale", missing_means_yes)) {
      const Json* factor = find("rescale_factor");
      if (factor == nullptr && find("do_rescale") != nullptr && processor_type_.empty())
        throw error(
            "\"do_rescale\" is true, but \"rescale_factor\" is missing (usually 1/255 = "
            "0.00392156862745098)");
      config.rescale = factor != nullptr ? real(*factor, "rescale_factor") : 1.0F / 255.0F;
      config.rescale_offset = flag("rescale_offset");
    }
    // EfficientNet divides by image_std twice unless told not to.
    const bool is_efficientnet = processor_ != nullptr && processor_->name == "EfficientNet";
    config.divide_by_std_again = !config.std.empty() && flag("include_top", is_efficientnet);
  }

  // ConvNext resizes in its own way: see preprocess.h.
  void apply_crop_pct(PreprocessConfig& config) const {
    if (!processor_type_.empty() && !is_convnext())
      throw unsupported(std::string(source_) + ": \"crop_pct\" is only known of ConvNext, not of " +
                        processor_type_);
    using ResizeTo = PreprocessConfig::ResizeTo;
    if (config.resize_to == ResizeTo::kKeep) return;
    const bool is_square = config.resize_to == ResizeTo::kExact &&
                           config.resize_size.height == config.resize_size.width;
    if (config.resize_to != ResizeTo::kShortestEdge && !is_square)
      throw wrong("size", "{\"shortest_edge\": N}, which crop_pct is for", *find("size"));
    const std::int64_t edge = is_square ? config.resize_size.height : config.resize_edge;
    if (edge >= 384) {  // Hugging Face's ConvNextImageProcessor: no crop for large inputs
      config.resize_to = ResizeTo::kExact;
      config.resize_size = {edge, edge};
      config.resize_edge = 0;
      return;
    }
    const Json* crop_pct = find("crop_pct");
    const double kept = crop_pct == nullptr     ? 224.0 / 256.0
                        : crop_pct->is_number() ? crop_pct->get<double>()
                                                : 0;
    if (!(kept > 0 && kept <= 1))
      throw wrong("crop_pct", "a number above 0 and up to 1", *crop_pct);
    config.resize_to = ResizeTo::kShortestEdge;
    config.resize_size = {};
    config.resize_edge =
        std::min(static_cast<std::int64_t>(static_cast<double>(edge) / kept), PixelSize::kMaxSide);
    if (config.center_crop)
      throw error("\"crop_pct\" and \"do_center_crop\" both crop: leave one of them away");
    config.center_crop = PixelSize{edge, edge};
  }

  const Json& json_;
  std::string_view source_;
  std::string processor_type_;
  const Processor* processor_ = nullptr;
};

}  // namespace

PreprocessConfig parse_preprocess_config(std::string_view text, std::string_view source) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw bad_input(std::string(source) + ": this is not valid JSON");
  return Reader(json, source).read();
}

PreprocessConfig read_preprocess_config(const std::filesystem::path& path) {
  return parse_preprocess_config(read_text_file(path), path.string());
}

}  // namespace q8

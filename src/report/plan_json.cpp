#include "report/plan_json.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "q8/nearest_name.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "q8 plan 1";
constexpr std::array kModes = {NodeMode::kInteger, NodeMode::kWeightOnly, NodeMode::kAbsorbed,
                               NodeMode::kFloat, NodeMode::kDynamic};
constexpr std::array kTypes = {DType::kU8, DType::kS8, DType::kU16, DType::kS16,
                               DType::kU4, DType::kS4, DType::kS32};
constexpr std::array<std::string_view, 2> kStorages = {"tensor", "rows"};

void add_params(Json& json, const QuantParams& params) {
  json["type"] = dtype_name(params.dtype);
  json["axis"] = params.axis;
  json["scale"] = params.scale;
  json["zero_point"] = params.zero_point;
}

Json node_json(const NodePlan& node) {
  return {{"node", node.node},
          {"op_type", node.op_type},
          {"mode", mode_name(node.mode)},
          {"float16", node.float16},
          {"reason", node.reason}};
}

Json value_json(const std::string& name, const ActivationPlan& value) {
  Json json = {{"value", name}};
  add_params(json, value.params);
  json["low"] = value.range.low;
  json["high"] = value.range.high;
  json["observer"] = value.observer;
  json["shares_with"] = value.shares_with;
  json["everywhere"] = value.everywhere;
  return json;
}

Json constant_json(const std::string& node, std::size_t input, const ConstantPlan& constant) {
  Json json = {{"node", node}, {"input", input}, {"value", constant.value}};
  add_params(json, constant.params);
  json["block"] = constant.params.block;
  json["storage"] = kStorages[constant.storage == Storage::kRows ? 1 : 0];
  return json;
}

Json scaled_json(const ScaledValue& scaled) {
  return {{"value", scaled.value}, {"by_product", scaled.by_product}, {"factors", scaled.factors}};
}

// The object has these keys, all of them and no others.
void check_keys(const Json& json, std::initializer_list<std::string_view> keys) {
  const std::vector<std::string_view> known(keys);
  for (const auto& [key, value] : json.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw bad_input("there is no key '" + key + "' in " + json.dump().substr(0, 80) +
                      "; the nearest is '" + std::string(nearest_name(key, known)) + "'");
  for (const std::string_view key : known)
    if (!json.contains(key))
      throw bad_input("the key '" + std::string(key) + "' is missing in " +
                      json.dump().substr(0, 80));
}

// The row whose name stands in the text.
template <typename Rows, typename Name>
std::size_t index_of(const Rows& rows, const std::string& text, std::string_view what,
                     Name&& name_of) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(name_of(row));
  const auto it = std::find(names.begin(), names.end(), text);
  if (it == names.end())
    throw bad_input("'" + text + "' is no " + std::string(what) + "; the nearest is '" +
                    std::string(nearest_name(text, names)) + "'");
  return static_cast<std::size_t>(it - names.begin());
}

QuantParams params_of(const Json& json, std::string_view owner) {
  QuantParams p{.dtype = kTypes[index_of(kTypes, json.at("type"), "type", dtype_name)],
                .axis = json.at("axis"),
                .scale = json.at("scale"),
                .zero_point = json.at("zero_point")};
  const QuantLimits limits = quant_limits(p.dtype);
  const bool counts = p.scale.size() == p.zero_point.size() && !p.scale.empty() &&
                      (p.axis >= 0 || p.scale.size() == 1) && p.axis >= -1;
  if (!counts)
    throw bad_input("'" + std::string(owner) +
                    "': expected one scale and zero_point for each channel along axis, or one of "
                    "each where axis is -1");
  for (const float scale : p.scale)
    if (!(scale > 0) || !std::isfinite(scale))
      throw bad_input("'" + std::string(owner) + "': a scale must be above 0 and finite");
  for (const std::int32_t zero : p.zero_point)
    if (zero < limits.min || zero > limits.max)
      throw bad_input("'" + std::string(owner) + "': zero_point " + std::to_string(zero) +
                      " is not in " + std::string(dtype_name(p.dtype)));
  return p;
}

NodePlan node_of(const Json& json) {
  check_keys(json, {"node", "op_type", "mode", "float16", "reason"});
  return {.node = json.at("node"),
          .op_type = json.at("op_type"),
          .mode = kModes[index_of(kModes, json.at("mode"), "mode", mode_name)],
          .reason = json.at("reason"),
          .float16 = json.at("float16")};
}

std::pair<std::string, ActivationPlan> value_of(const Json& json) {
  check_keys(json, {"value", "type", "axis", "scale", "zero_point", "low", "high", "observer",
                    "shares_with", "everywhere"});
  const std::string name = json.at("value");
  ActivationPlan value{.params = params_of(json, name),
                       .range = {json.at("low"), json.at("high")},
                       .observer = json.at("observer"),
                       .shares_with = json.at("shares_with"),
                       .everywhere = json.at("everywhere")};
  if (!value.params.is_per_tensor())
    throw bad_input("'" + name + "': an activation has one scale, and axis -1");
  return {name, std::move(value)};
}

std::pair<std::pair<std::string, std::size_t>, ConstantPlan> constant_of(const Json& json) {
  check_keys(json,
             {"node", "input", "value", "type", "axis", "scale", "zero_point", "block", "storage"});
  const std::string node = json.at("node");
  ConstantPlan constant{.value = json.at("value"),
                        .params = params_of(json, json.at("value").get<std::string>()),
                        .storage = Storage::kTensor,
                        .integers = {}};
  constant.params.block = json.at("block");
  if (constant.params.block < 0 || (constant.params.is_blocked() && constant.params.axis < 0))
    throw bad_input("'" + constant.value + "': expected a block of 0, or above it with an axis");
  const auto same = [](std::string_view name) { return name; };
  if (index_of(kStorages, json.at("storage"), "storage", same) == 1)
    constant.storage = Storage::kRows;
  return {{node, json.at("input").get<std::size_t>()}, std::move(constant)};
}

ScaledValue scaled_of(const Json& json) {
  check_keys(json, {"value", "by_product", "factors"});
  ScaledValue scaled{.value = json.at("value"),
                     .by_product = json.at("by_product"),
                     .factors = json.at("factors")};
  for (const float factor : scaled.factors)
    if (!(factor > 0) || !std::isfinite(factor))
      throw bad_input("'" + scaled.value + "': a factor must be above 0 and finite");
  return scaled;
}

QuantizationPlan plan_of(const Json& json) {
  check_keys(json, {"format", "target", "settings", "integer_conv_needs_output", "opset", "scaled",
                    "nodes", "values", "constants", "warnings"});
  if (json.at("format") != kFormat)
    throw bad_input("expected format '" + std::string(kFormat) + "', found " +
                    json.at("format").dump());
  QuantizationPlan plan;
  plan.target = json.at("target");
  plan.settings = json.at("settings");
  plan.needs_output = json.at("integer_conv_needs_output");
  plan.opset = json.at("opset");
  for (const Json& scaled : json.at("scaled")) plan.scaled.push_back(scaled_of(scaled));
  for (const Json& node : json.at("nodes")) plan.nodes.push_back(node_of(node));
  for (const Json& value : json.at("values"))
    if (auto row = value_of(value); !plan.activations.insert(row).second)
      throw bad_input("the value '" + row.first + "' stands there twice");
  for (const Json& constant : json.at("constants"))
    if (auto row = constant_of(constant); !plan.constants.insert(row).second)
      throw bad_input("input " + std::to_string(row.first.second) + " of node '" + row.first.first +
                      "' stands there twice");
  plan.warnings = json.at("warnings").get<std::vector<std::string>>();
  return plan;
}

}  // namespace

std::string plan_json(const QuantizationPlan& plan) {
  Json json = {{"format", kFormat},
               {"target", plan.target},
               {"settings", plan.settings},
               {"integer_conv_needs_output", plan.needs_output},
               {"opset", plan.opset}};
  json["scaled"] = json["nodes"] = json["values"] = json["constants"] = Json::array();
  for (const ScaledValue& scaled : plan.scaled) json["scaled"].push_back(scaled_json(scaled));
  for (const NodePlan& node : plan.nodes) json["nodes"].push_back(node_json(node));
  for (const auto& [name, value] : plan.activations)
    json["values"].push_back(value_json(name, value));
  for (const auto& [key, constant] : plan.constants)
    json["constants"].push_back(constant_json(key.first, key.second, constant));
  json["warnings"] = plan.warnings;
  try {
    return json.dump(1) + "\n";
  } catch (const Json::type_error&) {  // replaced bytes would name another node
    throw unsupported("the plan cannot be JSON: a name in the model is not UTF-8");
  }
}

bool is_plan_json(std::string_view text) {
  return text.substr(0, 64).find(kFormat) != std::string_view::npos;
}

QuantizationPlan read_plan_json(std::string_view text, std::string_view source) {
  try {
    return plan_of(Json::parse(text));
  } catch (const nlohmann::json::exception& error) {
    throw bad_input(std::string(source) + ": no plan of q8 quantize: " + error.what());
  } catch (const Error& error) {
    throw error.within(source);
  }
}

}  // namespace q8

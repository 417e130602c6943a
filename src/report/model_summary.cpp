#include "report/model_summary.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "exec/lowering/fuse_qdq.h"
#include "graph/bodies.h"
#include "graph/type_text.h"
#include "ops/ops.h"
#include "report/figures.h"
#include "report/json_text.h"
#include "report/text_table.h"

namespace q8 {
namespace {

using Json = nlohmann::ordered_json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

bool computes_on_integers(const Node& node) {
  return node.op_type.starts_with("QLinear") || node.op_type.starts_with("QGemm") ||
         node.op_type.ends_with("Integer");
}

bool is_product(const Node& node) {
  const OpRow* row = find_operator(node.domain, node.op_type);
  return row != nullptr && row->role == QuantRole::kWeighted && !computes_on_integers(node);
}

std::string operator_name(const Node& node) {
  return node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
}

Pairs types_of(const Graph& graph, const std::vector<ValueId>& values) {
  Pairs list;
  for (const ValueId id : values)
    list.emplace_back(graph.value(id).name, type_text(graph.value(id).type));
  return list;
}

std::string table(const std::string& title, const Pairs& rows) {
  if (rows.empty()) return {};
  TextTable text("ll");
  for (const auto& [name, value] : rows) text.add({printable(name), printable(value)});
  return "\n" + title + "\n" + text.str();
}

// Entries of several lines on one.
Pairs on_one_line(Pairs rows) {
  for (auto& [name, value] : rows) {
    value.erase(value.find_last_not_of('\n') + 1);
    for (std::size_t at = 0; (at = value.find('\n', at)) != std::string::npos; at += 2)
      value.replace(at, 1, "; ");
  }
  return rows;
}

Json named(const Pairs& rows) {
  Json list = Json::array();
  for (const auto& [name, type] : rows) list.push_back({{"name", name}, {"type", type}});
  return list;
}

void count_constants(const Graph& graph, ModelSummary& summary) {
  for (const Value& value : graph.values())
    if (value.constant) {
      summary.weights += value.constant->size();
      summary.weight_bytes += static_cast<std::int64_t>(value.constant->size_bytes());
    }
}

void count_nodes(const Graph& graph, ModelSummary& summary) {
  for (const Node& node : graph.nodes()) {
    ++summary.operators[operator_name(node)];
    summary.quantize_nodes += node.op_type == "QuantizeLinear";
    summary.dequantize_nodes += node.op_type == "DequantizeLinear";
    summary.integer_nodes += computes_on_integers(node);
  }
  Graph fused = graph;
  summary.integer_nodes += fuse_qdq(fused, {});
  summary.float_products += std::ranges::count_if(fused.nodes(), is_product);
}

}  // namespace

bool is_quantized(const Graph& graph) {
  return std::ranges::any_of(with_bodies(graph), [](const PlacedGraph& placed) {
    return std::ranges::any_of(placed.graph->nodes(), [](const Node& node) {
      return computes_on_integers(node) || node.op_type == "QuantizeLinear" ||
             node.op_type == "DequantizeLinear";
    });
  });
}

ModelSummary summarize(const Model& model) {
  const Graph& graph = model.graph;
  ModelSummary summary{.file = {},
                       .sha256 = {},
                       .ir_version = model.ir_version,
                       .producer = model.producer_name,
                       .inputs = types_of(graph, graph.inputs()),
                       .outputs = types_of(graph, graph.outputs()),
                       .metadata = model.metadata};
  if (!model.producer_version.empty()) summary.producer += " " + model.producer_version;
  for (const auto& [domain, version] : graph.opsets)
    summary.opsets[domain.empty() ? "ai.onnx" : domain] = version;
  for (const PlacedGraph& placed : with_bodies(graph)) count_constants(*placed.graph, summary);
  Graph whole = graph;
  take_outer_constants(whole);
  for (const PlacedGraph& placed : with_bodies(whole)) count_nodes(*placed.graph, summary);
  return summary;
}

std::string summary_text(const ModelSummary& summary) {
  Pairs facts = {{"sha256", summary.sha256},
                 {"size", byte_size(summary.bytes)},
                 {"IR version", std::to_string(summary.ir_version)}};
  for (const auto& [domain, version] : summary.opsets)
    facts.emplace_back("opset", std::to_string(version) + " of " + domain);
  if (!summary.producer.empty()) facts.emplace_back("producer", summary.producer);
  facts.emplace_back(
      "constants", std::to_string(summary.weights) + " values, " + byte_size(summary.weight_bytes));
  if (summary.quantize_nodes + summary.dequantize_nodes + summary.integer_nodes > 0) {
    facts.emplace_back("Q, DQ nodes", std::to_string(summary.quantize_nodes) + ", " +
                                          std::to_string(summary.dequantize_nodes));
    facts.emplace_back("in integers", std::to_string(summary.integer_nodes) + " operators");
    facts.emplace_back("in float",
                       std::to_string(summary.float_products) + " of Conv, Gemm, MatMul");
  }
  Pairs counts;
  for (const auto& [name, count] : summary.operators)
    counts.emplace_back(name, std::to_string(count));
  std::ranges::stable_sort(counts, std::greater{},
                           [](const auto& row) { return std::stoll(row.second); });
  return printable(summary.file) + ": ONNX model\n" + table("", facts).substr(2) +
         table("inputs", summary.inputs) + table("outputs", summary.outputs) +
         table("operators", counts) + table("metadata", on_one_line(summary.metadata));
}

std::string summary_json(const ModelSummary& summary) {
  Json json = {{"kind", "model"},
               {"file", summary.file},
               {"sha256", summary.sha256},
               {"bytes", summary.bytes},
               {"ir_version", summary.ir_version},
               {"opsets", summary.opsets},
               {"producer", summary.producer},
               {"inputs", named(summary.inputs)},
               {"outputs", named(summary.outputs)},
               {"constants", {{"values", summary.weights}, {"bytes", summary.weight_bytes}}},
               {"operators", summary.operators},
               {"quantize_nodes", summary.quantize_nodes},
               {"dequantize_nodes", summary.dequantize_nodes},
               {"integer_nodes", summary.integer_nodes},
               {"float_products", summary.float_products},
               {"metadata", Json::object()}};
  for (const auto& [key, value] : summary.metadata) json["metadata"][key] = value;
  return json_text(json);
}

}  // namespace q8

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace q8 {

// What `q8 inspect` says of a model.
struct ModelSummary {
  std::string file, sha256;
  std::int64_t bytes = 0;
  std::int64_t ir_version = 0;
  std::map<std::string, std::int64_t> opsets = {};  // "ai.onnx" for the default domain
  std::string producer = {};
  std::vector<std::pair<std::string, std::string>> inputs = {}, outputs = {};  // name, type
  std::int64_t weights = 0, weight_bytes = 0;  // elements of all constants
  std::map<std::string, std::int64_t> operators = {};
  std::int64_t quantize_nodes = 0, dequantize_nodes = 0;
  // Operators that q8 runs on integers (QDQ groups included), and those of Conv, ConvTranspose,
  // Gemm and MatMul that it runs in float.
  std::int64_t integer_nodes = 0, float_products = 0;
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

ModelSummary summarize(const Model& model);  // all but file, sha256 and bytes
bool is_quantized(const Graph& graph);       // whether any node quantizes or computes on integers

std::string summary_text(const ModelSummary& summary);
std::string summary_json(const ModelSummary& summary);

}  // namespace q8

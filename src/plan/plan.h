#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tensor/quant_params.h"

namespace q8 {

// What becomes of a node.
enum class NodeMode {
  kInteger,     // reads and makes quantized values: the runtime runs it on integers
  kWeightOnly,  // computes in float; its constants are stored quantized
  kAbsorbed,    // a clamp that the quantized range of its producer already does: removed
  kFloat,
  kDynamic,  // a product in integers that quantizes its input while it runs
};
std::string_view mode_name(NodeMode mode);  // "integer", "weights", "absorbed", "float", "dynamic"

struct NodePlan {
  std::string node, op_type;
  NodeMode mode = NodeMode::kFloat;
  std::string reason;    // why, in words; never empty
  bool float16 = false;  // computes in float16, between Casts
};

// One computed float value (or graph input) that is stored quantized somewhere.
struct ActivationPlan {
  QuantParams params;  // per tensor
  Range range;         // what the parameters were made for
  std::string observer;
  std::string shares_with;  // the value whose parameters these are; empty: its own
  // Every reader sees the quantized value. Otherwise only integer nodes do, and float nodes read
  // the float value that its float producer made.
  bool everywhere = false;
};

// How a constant input is stored.
enum class Storage {
  kTensor,  // quantized, behind one DequantizeLinear
  kRows,    // a table read by Gather: rows are gathered first and dequantized then
};

struct ConstantPlan {
  std::string value;
  QuantParams params;  // s8 along the channel axis, or s32 for a bias
  Storage storage = Storage::kTensor;
  // The integers, where a recovery pass chose them; otherwise they are rounded from the value.
  std::optional<Tensor> integers;
};

// Channels of a value that are divided by factors, which the layers behind it take back
// (recover/channel_groups.h). The float model computes the same, and is the one that the rest of
// the plan is for.
struct ScaledValue {
  std::string value;
  bool by_product = false;     // by a Mul of its own; otherwise by what makes the value
  std::vector<float> factors;  // one for each channel, > 0
};

// What is quantized, how, and why. Made by make_plan (and edited by recovery passes); apply_plan
// writes it into a graph. Values and nodes are named as in the canonical graph it was made for.
struct QuantizationPlan {
  std::string target;
  std::string settings;             // the configuration as text, for provenance
  std::vector<ScaledValue> scaled;  // in this order, before anything else
  std::vector<NodePlan> nodes;      // in the graph's order, all of them
  std::map<std::string, ActivationPlan, std::less<>> activations;  // by value
  std::map<std::pair<std::string, std::size_t>, ConstantPlan, std::less<>>
      constants;             // by node, input
  bool needs_output = true;  // as Target::integer_conv_needs_output
  std::int64_t opset = 13;   // the result's at least: DequantizeLinear with an axis
  std::vector<std::string> warnings;

  const NodePlan* find_node(std::string_view name) const;
  const ActivationPlan* find_activation(std::string_view value) const;
  const ConstantPlan* find_constant(const std::string& node, std::size_t input) const;
  std::size_t count(NodeMode mode) const;
};

// A fixed text of the whole plan, one line a fact: for printing, hashing and comparing.
std::string describe(const QuantizationPlan& plan);

}  // namespace q8

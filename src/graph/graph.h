#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/attribute.h"
#include "tensor/tensor.h"

namespace q8 {

using ValueId = std::int32_t;  // index into Graph::values(); stable as long as the Graph lives
using NodeId = std::int32_t;   // index into Graph::nodes(); changes with Graph::tidy()
constexpr ValueId kNoValue = -1;
constexpr NodeId kNoNode = -1;

constexpr std::int64_t kUnknownDim = -1;

// What a model says about a value before it is run.
struct TypeInfo {
  std::optional<DType> dtype;
  std::optional<std::vector<std::int64_t>>
      dims;                            // kUnknownDim where symbolic; nothing: rank unknown
  std::vector<std::string> dim_names;  // as long as dims, or empty; "" where the dim is a number
};

// metadata_props: names and values, in file order.
using MetadataProps = std::vector<std::pair<std::string, std::string>>;

struct Value {
  std::string name;
  TypeInfo type;
  std::optional<Tensor> constant;  // an initializer, or the output of a folded node
  std::string doc = {};
  MetadataProps metadata = {};
};

struct Node {
  std::string name;    // unique and not empty after load_model
  std::string domain;  // "" is ai.onnx
  std::string op_type;
  std::vector<ValueId> inputs;   // kNoValue where an optional one is left out
  std::vector<ValueId> outputs;  // likewise
  Attributes attributes;
  std::string doc;
  MetadataProps metadata = {};

  ValueId input(std::size_t i) const { return i < inputs.size() ? inputs[i] : kNoValue; }
  bool is(std::string_view type) const { return domain.empty() && op_type == type; }
  std::string label() const { return op_type + " '" + name + "'"; }  // for messages
};

// A value of the enclosing graph that a subgraph reads by name.
struct Capture {
  ValueId outer;  // in the enclosing graph
  ValueId inner;  // in this one; it has no producer
};

// A quantization_annotation: names of parameters (SCALE_TENSOR …) and the values that hold them.
struct QuantizationAnnotation {
  ValueId value;
  std::vector<std::pair<std::string, ValueId>> parameters;
};

class Uses;

// A directed acyclic graph of operators. Owns its nodes, values and constants; copies are deep but
// for the tensors' memory, which is shared and read-only.
class Graph {
 public:
  std::string name;
  std::string doc;
  MetadataProps metadata;
  std::map<std::string, std::int64_t, std::less<>> opsets;  // domain → version
  std::vector<QuantizationAnnotation> annotations;

  std::int64_t opset(std::string_view domain = "") const;  // 0 where the domain is not imported

  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  Node& node(NodeId id) { return nodes_[static_cast<std::size_t>(id)]; }
  NodeId node_count() const { return static_cast<NodeId>(nodes_.size()); }

  const std::vector<Value>& values() const { return values_; }
  const Value& value(ValueId id) const { return values_[static_cast<std::size_t>(id)]; }
  Value& value(ValueId id) { return values_[static_cast<std::size_t>(id)]; }
  ValueId value_count() const { return static_cast<ValueId>(values_.size()); }
  // kNoValue where there is none of that name.
  ValueId find_value(std::string_view name) const;
  // The constant behind an input, or null: for a value that is computed, and for kNoValue.
  const Tensor* constant(ValueId id) const;

  const std::vector<ValueId>& inputs() const { return inputs_; }
  const std::vector<ValueId>& outputs() const { return outputs_; }
  const std::vector<Capture>& captures() const { return captures_; }
  void add_input(ValueId id) { inputs_.push_back(id); }
  void add_output(ValueId id) { outputs_.push_back(id); }
  void add_capture(Capture capture) { captures_.push_back(capture); }
  bool is_input(ValueId id) const;
  bool is_output(ValueId id) const;

  // Names are unique: `wanted` with a number behind it where it is taken.
  ValueId add_value(std::string_view wanted);
  ValueId add_constant(std::string_view wanted, Tensor tensor);
  void rename_value(ValueId id, std::string_view wanted);
  std::string unique_node_name(std::string_view wanted) const;
  // Appends; call tidy() before the order matters. An empty or taken name is replaced by a unique
  // one.
  NodeId add_node(Node node);
  // The same for a node whose name is known to be unique: no look-up.
  NodeId append_node(Node node);
  // All nodes, for a pass that appends what takes their place.
  std::vector<Node> take_nodes() { return std::move(nodes_); }
  // Removed nodes stay as empty shells (no outputs) until tidy().
  void remove_node(NodeId id);
  // Every node input (and subgraph capture) that reads `from` reads `to`; graph outputs stay as
  // they are.
  void replace_uses(ValueId from, ValueId to);
  void redirect_captures(ValueId from, ValueId to);  // of this graph, where it is a subgraph
  // Lets `from` be read wherever `to` was, graph outputs with their names included: the producer of
  // `from` becomes the producer of `to` where `to` is a graph output. False where that cannot be
  // done (both are outputs, or `from` is an input or constant while `to` is an output); nothing is
  // changed then.
  bool bypass(ValueId from, ValueId to);

  // Drops nodes whose outputs nobody reads and brings the rest into topological order (stable: the
  // given order is kept where it is one). Throws bad_input naming a node on a cycle. NodeIds
  // change, ValueIds do not. Values in `also_needed` count as read. Captures that the graph makes
  // itself by now (they became constants), or that nobody reads any more, are forgotten.
  void tidy(const std::vector<ValueId>& also_needed = {});

 private:
  NodeId node_on_cycle(const Uses& uses, const std::vector<int>& waiting) const;

  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::vector<ValueId> inputs_, outputs_;
  std::vector<Capture> captures_;
  std::unordered_map<std::string, ValueId> by_name_;
};

// Who makes and who reads each value. A snapshot: made anew after the graph is changed.
class Uses {
 public:
  explicit Uses(const Graph& graph);
  NodeId producer(ValueId id) const { return producers_[static_cast<std::size_t>(id)]; }
  // Reading nodes, in order, once for each input that reads it; nodes whose subgraphs capture it
  // included.
  const std::vector<NodeId>& consumers(ValueId id) const {
    return consumers_[static_cast<std::size_t>(id)];
  }
  // The only reader, or kNoNode: none, several, or the value is a graph output.
  NodeId only_consumer(ValueId id) const;

 private:
  std::vector<NodeId> producers_;
  std::vector<std::vector<NodeId>> consumers_;
  std::vector<bool> is_output_;
};

// A model file: the graph and what is kept so that saving loses nothing.
struct Model {
  Graph graph;
  std::int64_t ir_version = 8;
  std::string producer_name, producer_version, domain, doc;
  std::int64_t model_version = 0;
  MetadataProps metadata;
  std::vector<std::filesystem::path> external_files = {};  // beside it, with weights; sorted
};

// Throws bad_input where a value is read that nobody makes, made twice, an output is made by
// nobody, or a node lacks an input that its operator requires; in bodies too.
void verify(const Graph& graph);

}  // namespace q8

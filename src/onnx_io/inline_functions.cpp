#include "onnx_io/inline_functions.h"

#include <map>
#include <set>
#include <string>

#include "base/error.h"

namespace q8 {
namespace {

using Key = std::pair<std::string, std::string>;  // domain, name

std::string canonical_domain(const std::string& domain) {
  return domain == "ai.onnx" ? "" : domain;
}

class Inliner {
 public:
  explicit Inliner(onnx::ModelProto& model) : model_(model) {
    for (const auto& function : model.functions())
      if (!functions_.try_emplace({canonical_domain(function.domain()), function.name()}, &function)
               .second)
        throw unsupported("the function '" + function.name() +
                          "' stands twice in the model; overloads are not supported");
  }

  void run() {
    if (functions_.empty()) return;
    std::set<Key> open;
    expand(*model_.mutable_graph(), open);
    import_opsets();
  }

 private:
  // Functions that call functions can make a graph of exponential size out of a small file.
  static constexpr int kMostNodes = 250'000;
  static constexpr std::size_t kDeepest = 100;

  using Renames = std::map<std::string, std::string>;

  const onnx::FunctionProto* find(const onnx::NodeProto& node) const {
    const auto it = functions_.find({canonical_domain(node.domain()), node.op_type()});
    return it == functions_.end() ? nullptr : it->second;
  }

  void expand(onnx::GraphProto& graph, std::set<Key>& open) {
    google::protobuf::RepeatedPtrField<onnx::NodeProto> nodes;
    nodes.Swap(graph.mutable_node());
    for (onnx::NodeProto& node : nodes) append(node, *graph.mutable_node(), open);
  }

  void append(onnx::NodeProto& node, google::protobuf::RepeatedPtrField<onnx::NodeProto>& to,
              std::set<Key>& open) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (attribute.has_g()) expand(*attribute.mutable_g(), open);
      for (auto& graph : *attribute.mutable_graphs()) expand(graph, open);
    }
    const onnx::FunctionProto* function = find(node);
    if (function == nullptr) {
      if (calls_ > 0 && to.size() >= kMostNodes)
        throw unsupported("the model's functions unfold to more than " +
                          std::to_string(kMostNodes) + " nodes");
      *to.Add() = std::move(node);
      return;
    }
    const Key key{canonical_domain(function->domain()), function->name()};
    if (!open.insert(key).second)
      throw bad_input("the model's function '" + function->name() + "' calls itself");
    if (open.size() > kDeepest)
      throw unsupported("the model's functions call each other more than " +
                        std::to_string(kDeepest) + " deep");
    if (++calls_ > kMostNodes)
      throw unsupported("the model's functions are called more than " + std::to_string(kMostNodes) +
                        " times");
    used_.push_back(function);
    const std::string prefix = "q8_inlined_" + std::to_string(calls_) + "_" +
                               (node.name().empty() ? node.op_type() : node.name()) + "/";
    Renames renames;
    for (int i = 0; i < function->input_size(); ++i)
      renames[function->input(i)] = i < node.input_size() ? node.input(i) : "";
    for (int i = 0; i < function->output_size() && i < node.output_size(); ++i) {
      if (node.output(i).empty()) continue;
      const auto [entry, is_new] = renames.try_emplace(function->output(i), node.output(i));
      if (!is_new) add_identity(entry->second, node.output(i), prefix, to);
    }
    for (onnx::NodeProto body : function->node()) {
      rename(body, renames, prefix);
      bind_attributes(body, node, *function);
      append(body, to, open);
    }
    open.erase(key);
  }

  // An output of a function that is one of its inputs, or the same as an output before it.
  static void add_identity(const std::string& from, const std::string& output,
                           const std::string& prefix,
                           google::protobuf::RepeatedPtrField<onnx::NodeProto>& to) {
    onnx::NodeProto* identity = to.Add();
    identity->set_name(prefix + "output_" + output);
    identity->set_op_type("Identity");
    identity->add_input(from);
    identity->add_output(output);
  }

  static std::string renamed(const std::string& name, Renames& renames, const std::string& prefix) {
    if (name.empty()) return name;
    return renames.try_emplace(name, prefix + name).first->second;
  }

  void rename(onnx::NodeProto& node, Renames& renames, const std::string& prefix) {
    node.set_name(prefix + node.name());
    for (auto& input : *node.mutable_input()) input = renamed(input, renames, prefix);
    for (auto& output : *node.mutable_output()) output = renamed(output, renames, prefix);
    for (auto& attribute : *node.mutable_attribute())
      if (attribute.has_g()) rename(*attribute.mutable_g(), renames, prefix);
  }

  void rename(onnx::GraphProto& graph, Renames& renames, const std::string& prefix) {
    for (auto& input : *graph.mutable_input())
      input.set_name(renamed(input.name(), renames, prefix));
    for (auto& tensor : *graph.mutable_initializer())
      tensor.set_name(renamed(tensor.name(), renames, prefix));
    for (auto& node : *graph.mutable_node()) rename(node, renames, prefix);
    for (auto& output : *graph.mutable_output())
      output.set_name(renamed(output.name(), renames, prefix));
  }

  // Attributes of the body that refer to the function's are given the call's value, or are dropped.
  static void bind_attributes(onnx::NodeProto& body, const onnx::NodeProto& call,
                              const onnx::FunctionProto& function) {
    google::protobuf::RepeatedPtrField<onnx::AttributeProto> bound;
    for (onnx::AttributeProto& attribute : *body.mutable_attribute()) {
      if (attribute.has_g())
        for (auto& node : *attribute.mutable_g()->mutable_node())
          bind_attributes(node, call, function);
      if (attribute.ref_attr_name().empty()) {
        *bound.Add() = std::move(attribute);
        continue;
      }
      const onnx::AttributeProto* value = nullptr;
      for (const auto& fallback : attribute_defaults(function))
        if (fallback.name() == attribute.ref_attr_name()) value = &fallback;
      for (const auto& given : call.attribute())
        if (given.name() == attribute.ref_attr_name()) value = &given;
      if (value == nullptr) continue;
      onnx::AttributeProto* copy = bound.Add();
      *copy = *value;
      copy->set_name(attribute.name());
    }
    body.mutable_attribute()->Swap(&bound);
  }

  // FunctionProto.attribute_proto (field 11, IR version 9) is newer than the installed library, so
  // it is read from the fields that the library did not know.
  static std::vector<onnx::AttributeProto> attribute_defaults(const onnx::FunctionProto& function) {
    constexpr int kAttributeProto = 11;
    std::vector<onnx::AttributeProto> defaults;
    const auto& unknown = function.GetReflection()->GetUnknownFields(function);
    for (int i = 0; i < unknown.field_count(); ++i) {
      const auto& field = unknown.field(i);
      if (field.number() != kAttributeProto ||
          field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
        continue;
      if (!defaults.emplace_back().ParseFromString(field.length_delimited()))
        throw bad_input("the function '" + function.name() + "' has a broken attribute");
    }
    return defaults;
  }

  // What the functions import holds for the whole graph now. Two versions of one domain cannot
  // both.
  void import_opsets() {
    for (const onnx::FunctionProto* function : used_)
      for (const auto& wanted : function->opset_import()) {
        const onnx::OperatorSetIdProto* have = nullptr;
        for (const auto& import : model_.opset_import())
          if (canonical_domain(import.domain()) == canonical_domain(wanted.domain()))
            have = &import;
        if (have == nullptr) {
          *model_.add_opset_import() = wanted;
        } else if (have->version() != wanted.version()) {
          throw unsupported("the function '" + function->name() + "' is written for opset " +
                            std::to_string(wanted.version()) + " of domain '" + wanted.domain() +
                            "' and the model for " + std::to_string(have->version()));
        }
      }
  }

  onnx::ModelProto& model_;
  std::map<Key, const onnx::FunctionProto*> functions_;
  std::vector<const onnx::FunctionProto*> used_;
  int calls_ = 0;
};

}  // namespace

void inline_functions(onnx::ModelProto& model) {
  Inliner(model).run();
}

}  // namespace q8

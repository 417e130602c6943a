#include <algorithm>

#include "inspect/lint.h"
#include "inspect/products.h"
#include "tensor/onnx_type.h"

namespace q8 {
namespace {

// What the target makes of a product's weights of 4 bits, or nothing where they stay as they are.
std::string four_bit_fault(const LintContext& context, const Product& product) {
  constexpr std::int64_t kSmallestBlock = 16;  // of ONNX Runtime's MatMulNBits
  const std::int64_t block = product.weights->block_size;
  const bool in_blocks = block > 0;
  switch (context.target.four_bit_weights) {
    case FourBits::kAny:
      return "";
    case FourBits::kNone:
      return "which the target does not read";
    case FourBits::kProductsBlocks:
      if (product.is_conv()) return "which the target reads in Gemm and MatMul alone";
      return in_blocks ? "" : "which the target reads in blocks alone";
    case FourBits::kProductsFloat:
      if (product.is_conv()) return "which are dequantized in every run";
      if (product.input != nullptr)
        return "which are dequantized in every run: only those of products with float inputs are "
               "not";
      return in_blocks && block < kSmallestBlock
                 ? "which are dequantized in every run: their blocks are smaller than 16"
                 : "";
  }
  return "";
}

// Who makes numbers of the type that it reads.
bool keeps_type(const Node& node) {
  constexpr std::string_view kOthers[] = {
      "Cast",    "QuantizeLinear", "DequantizeLinear", "Shape", "Size", "ArgMax", "ArgMin",
      "NonZero", "Equal",          "Greater",          "Less"};
  return std::ranges::find(kOthers, node.op_type) == std::end(kOthers);
}

// Values that are float16: by what the model declares, or by what makes them.
std::vector<bool> float16_values(const Graph& graph) {
  std::vector<bool> half(graph.values().size());
  for (ValueId id = 0; id < graph.value_count(); ++id) {
    const Tensor* constant = graph.constant(id);
    half[static_cast<std::size_t>(id)] = constant != nullptr
                                             ? constant->dtype() == DType::kF16
                                             : graph.value(id).type.dtype == DType::kF16;
  }
  for (const Node& node : graph.nodes()) {
    const bool makes = node.is("Cast")
                           ? dtype_of_onnx(node.attributes.get_int("to", 0)) == DType::kF16
                           : keeps_type(node) && std::ranges::any_of(node.inputs, [&](ValueId id) {
                               return id != kNoValue && half[static_cast<std::size_t>(id)];
                             });
    for (const ValueId output : node.outputs)
      if (makes && output != kNoValue) half[static_cast<std::size_t>(output)] = true;
  }
  return half;
}

}  // namespace

void check_four_bits(LintContext& context) {
  for (const Node& node : context.graph.nodes()) {
    if (!is_product(node)) continue;
    const Product product = read_product(context, node);
    if (product.weights == nullptr || !product.has_constant_weights ||
        dtype_bits(product.weights->dtype) != 4)
      continue;
    const std::string fault = four_bit_fault(context, product);
    if (fault.empty()) continue;
    context.report(context.unfit_level(), "four-bits", &node,
                   node.label() + " has weights of " +
                       std::string(dtype_name(product.weights->dtype)) + ", " + fault);
  }
}

void check_float16(LintContext& context) {
  if (context.target.computes_float16) return;
  const std::vector<bool> half = float16_values(context.graph);
  const Node* first = nullptr;
  std::int64_t count = 0;
  for (const Node& node : context.graph.nodes()) {
    const bool computes = keeps_type(node) && std::ranges::any_of(node.outputs, [&](ValueId id) {
                            return id != kNoValue && half[static_cast<std::size_t>(id)];
                          });
    if (!computes) continue;
    if (count++ == 0) first = &node;
  }
  if (count > 0)
    context.report(FindingLevel::kWarning, "float16", first,
                   std::to_string(count) + " node(s) in float16, " + first->label() +
                       " first: the target computes them in float32");
}

}  // namespace q8

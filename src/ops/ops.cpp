#include "ops/ops.h"

#include <map>

#include "graph/bodies.h"
#include "ops/families.h"

namespace q8 {
namespace {

using Family = std::span<const OpRow> (*)();

// One row per operator family.
constexpr Family kFamilies[] = {
    activation_operators,
    reduce_operators,
    cast_operators,
    det_operators,
    spectral_operators,
    einsum_operators,
    detection_operators,
    recurrent_operators,
    control_flow_operators,
    select_operators,
    arg_reduce_operators,
    fill_operators,
    scatter_operators,
    gather_operators,
    pad_operators,
    slice_operators,
    join_operators,
    shape_operators,
    math_operators,
    logic_operators,
    arithmetic_operators,
    smooth_activation_operators,
    softmax_operators,
    pool_operators,
    quantize_linear_operators,
    quantized_conv_operators,
    quantized_conv_transpose_operators,
    quantized_matmul_operators,
    quantized_elementwise_operators,
    quantized_pool_operators,
    rows_to_bytes_operators,
    scale_shift_operators,
    normalization_operators,
    layer_normalization_operators,
    vector_normalization_operators,
    conv_operators,
    conv_transpose_operators,
    matmul_operators,
    gemm_operators,
    resize_operators,
    space_depth_operators,
    attention_operators,
    attention_by_heads_operators,
    fused_attention_operators,
    group_query_attention_operators,
    rotary_operators,
    embedding_operators,
    dynamic_product_operators,
    block_weights_operators,
    wrapped_operators,
    deform_conv_operators,
    sampling_operators,
    roi_operators,
    placement_operators,
    ngrams_operators,
};

const std::map<std::pair<std::string_view, std::string_view>, const OpRow*>& table() {
  static const auto rows = [] {
    std::map<std::pair<std::string_view, std::string_view>, const OpRow*> map;
    for (const Family family : kFamilies)
      for (const OpRow& row : family())
        Q8_ASSERT(map.try_emplace({row.domain, row.type}, &row).second);
    return map;
  }();
  return rows;
}

struct Missing {
  std::string first_node;
  int count = 0;
};

void collect_missing(const Graph& graph, std::map<std::string, Missing>& missing) {
  for (const Node& node : graph.nodes()) {
    // The domain "q8" is what lowering makes, with promises that a file cannot give.
    if (node.domain == "q8" || find_operator(node.domain, node.op_type) == nullptr) {
      const std::string type =
          node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
      Missing& entry = missing[type];
      if (entry.count++ == 0) entry.first_node = node.name;
    }
    for_each_body(node, [&](const Graph& body) { collect_missing(body, missing); });
  }
}

}  // namespace

const OpRow* find_operator(std::string_view domain, std::string_view type) {
  const auto it = table().find({domain, type});
  return it == table().end() ? nullptr : it->second;
}

std::vector<const OpRow*> all_operators() {
  std::vector<const OpRow*> rows;
  for (const Family family : kFamilies)
    for (const OpRow& row : family()) rows.push_back(&row);
  return rows;
}

void check_operators(const Graph& graph) {
  std::map<std::string, Missing> missing;
  collect_missing(graph, missing);
  if (missing.empty()) return;
  std::string list;
  for (const auto& [type, entry] : missing) {
    if (!list.empty()) list += ", ";
    list += type + " (" + std::to_string(entry.count) + (entry.count == 1 ? " node" : " nodes") +
            ", first '" + entry.first_node + "')";
  }
  throw unsupported("operators that q8 does not have: " + list);
}

}  // namespace q8

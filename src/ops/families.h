#pragma once

#include "ops/operator.h"

namespace q8 {

// The rows of each family; one file of that name each (activation_operators: activation.cpp).
std::span<const OpRow> activation_operators();
std::span<const OpRow> smooth_activation_operators();
std::span<const OpRow> softmax_operators();
std::span<const OpRow> arithmetic_operators();
std::span<const OpRow> logic_operators();
std::span<const OpRow> math_operators();
std::span<const OpRow> cast_operators();
std::span<const OpRow> det_operators();
std::span<const OpRow> spectral_operators();
std::span<const OpRow> einsum_operators();
std::span<const OpRow> detection_operators();
std::span<const OpRow> recurrent_operators();
std::span<const OpRow> control_flow_operators();
std::span<const OpRow> select_operators();
std::span<const OpRow> arg_reduce_operators();
std::span<const OpRow> fill_operators();
std::span<const OpRow> scatter_operators();
std::span<const OpRow> gather_operators();
std::span<const OpRow> pad_operators();
std::span<const OpRow> slice_operators();
std::span<const OpRow> join_operators();
std::span<const OpRow> shape_operators();
std::span<const OpRow> reduce_operators();
std::span<const OpRow> pool_operators();

std::span<const OpRow> quantize_linear_operators();
std::span<const OpRow> quantized_conv_operators();
std::span<const OpRow> quantized_conv_transpose_operators();
std::span<const OpRow> quantized_matmul_operators();
std::span<const OpRow> quantized_elementwise_operators();
std::span<const OpRow> quantized_pool_operators();
std::span<const OpRow> rows_to_bytes_operators();
std::span<const OpRow> scale_shift_operators();
std::span<const OpRow> normalization_operators();
std::span<const OpRow> layer_normalization_operators();
std::span<const OpRow> vector_normalization_operators();
std::span<const OpRow> conv_operators();
std::span<const OpRow> conv_transpose_operators();
std::span<const OpRow> matmul_operators();
std::span<const OpRow> gemm_operators();
std::span<const OpRow> resize_operators();
std::span<const OpRow> space_depth_operators();
std::span<const OpRow> attention_operators();
std::span<const OpRow> attention_by_heads_operators();
std::span<const OpRow> fused_attention_operators();
std::span<const OpRow> group_query_attention_operators();
std::span<const OpRow> rotary_operators();
std::span<const OpRow> embedding_operators();
std::span<const OpRow> dynamic_product_operators();
std::span<const OpRow> block_weights_operators();
std::span<const OpRow> wrapped_operators();
std::span<const OpRow> deform_conv_operators();
std::span<const OpRow> sampling_operators();
std::span<const OpRow> roi_operators();
std::span<const OpRow> placement_operators();
std::span<const OpRow> ngrams_operators();

}  // namespace q8

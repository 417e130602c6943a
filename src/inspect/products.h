#pragma once

#include <string>

#include "inspect/lint.h"

namespace q8 {

// A Conv, ConvTranspose, Gemm or MatMul with what feeds it.
struct Product {
  const Node* node = nullptr;
  const Link* input = nullptr;        // the DequantizeLinear that makes its activation, or null
  const Link* weights = nullptr;      // that makes its weights (or second activation), or null
  const Link* bias = nullptr;         // that makes its bias, or null
  bool has_constant_weights = false;  // stored, in whatever form
  bool has_float_bias = false;

  bool is_conv() const { return node->is("Conv") || node->is("ConvTranspose"); }
  std::size_t weight_position() const { return weight_first ? 0 : 1; }
  bool weight_first = false;  // a MatMul of a constant with an activation
};

bool is_product(const Node& node);
Product read_product(const LintContext& context, const Node& node);

// The weights as they are stored, integers or floats, or null.
const Tensor* stored_weights(const LintContext& context, const Product& product);

// The axis of the weights' output channels; -1 where one scale must do.
int output_channel_axis(const Product& product, std::int64_t rank);

// Why a product whose inputs are quantized computes in float all the same on the target; empty
// where it runs on integers.
std::string why_not_integer(const LintContext& context, const Product& product);

// Whether the bias has the scale that the sums have, s_x·s_w, to a ten-thousandth.
bool bias_fits(const Product& product);

// The Relu or Clip that alone reads a value, or null.
const Node* clamp_behind(const LintContext& context, ValueId value);

// Whether the range of integers does what the clamp does.
bool range_clamps(const LintContext& context, const Node& clamp, const Link& quantizer);

}  // namespace q8

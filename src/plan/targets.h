#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tensor/dtype.h"

namespace q8 {

// Which weights of 4 bits stay 4 bits in memory while the model runs.
enum class FourBits {
  kAny,
  kNone,            // not read at all
  kProductsBlocks,  // Gemm and MatMul, in blocks; others are not read
  kProductsFloat,   // Gemm and MatMul of float inputs, in blocks of 16 or more or one a channel;
                    // others are dequantized in every run
};

// How a MatMul of two activations is computed.
enum class ActivationProducts {
  kInteger,
  kFasterInFloat,  // in integers too, but slower
  kFloat,
};

// What one runtime and its hardware can do with a quantized model: a row of facts, no behaviour.
struct Target {
  std::string_view name;
  std::string_view help;
  std::string_view documentation;  // where the facts come from

  DType activation_dtype = DType::kU8;
  bool symmetric_activations = false;
  std::int32_t weight_levels = 127;  // 64: pairs of products are summed in 16 bits
  bool per_channel_weights = true;
  bool per_channel_gemm = true;    // MatMul and Gemm take one scale per column
  bool quantized_bias = true;      // s32 bias with scale s_x·s_w; otherwise float
  bool quantized_outputs = false;  // graph outputs get a Q/DQ pair too
  bool integer_conv_transpose = false;
  bool integer_conv_needs_output = true;      // Conv is integer only where its output is quantized
  std::int64_t least_group_channels = 1;      // a Conv in groups is faster in float where one has
                                              // fewer input channels, but for depthwise ones
  std::int64_t least_depthwise_channels = 1;  // those are where they have fewer of them, and in
                                              // integers slow with what is left over of so many
  bool fixed_bounded_ranges = false;          // Softmax, Sigmoid: [0, 1]; Tanh: [−1, 1], always
  bool absorbs_clamps = true;  // Relu and Clip go away where the quantized range says the same
  bool rescales = true;        // Concat and AveragePool may have other scales before than behind
  bool integer_adds = true;    // residual Adds in integers; otherwise one float input is left
  bool integer_gates = false;  // x · Sigmoid(x) and HardSwish: products of integers beat one float
                               // function between quantized values

  ActivationProducts activation_products = ActivationProducts::kInteger;
  bool quantized_recurrent_weights = true;  // of LSTM, GRU and RNN, behind a DequantizeLinear

  // What `q8 inspect --target` holds the models of any quantizer against.
  bool refuses = false;               // what it cannot do is refused, not computed in float
  bool reads_qoperators = true;       // QLinearConv and its kin
  bool runs_dynamic_products = true;  // integer products of inputs quantized while it runs
  bool reads_microsoft_domain = true;
  bool reads_quantized_bias = true;
  bool adds_bias_in_float = false;     // behind the sums, whatever its form; otherwise s32, in them
  bool quantizes_float_bias = false;   // of a product between quantized values
  bool checks_gemm_bias_scale = true;  // false: takes s_x·s_w, whatever the model says
  bool asymmetric_conv_weights = true;  // u8, or with zero points
  bool asymmetric_gemm_weights = true;
  bool wide_activations = false;  // 16 bits
  FourBits four_bit_weights = FourBits::kAny;
  bool computes_float16 = true;  // false: in float32, between Casts of its own
  bool fuses_clamps = false;     // also those that the quantized range behind them does not do
  bool quantizes_float_weights = false;  // of a Conv between quantized values, unasked
  bool joins_what_follows =
      false;  // an Add or a clamp behind a product, even if that is in float then
};

std::span<const Target> targets();
// Throws usage_error that suggests the known names.
const Target& find_target(std::string_view name);

}  // namespace q8

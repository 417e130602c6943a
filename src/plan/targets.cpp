#include "plan/targets.h"

#include <string>

#include "base/error.h"

namespace q8 {
namespace {

constexpr std::string_view kOnnxRuntime =
    "https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html";
// Its QLinearConv multiplies group by group, and depthwise reads 16 channels at once but what is
// left one by one: measured on x86-64, docs/targets.md has the figures.
constexpr std::int64_t kOnnxRuntimeGroup = 8, kOnnxRuntimeDepthwise = 16;

constexpr Target kTargets[] = {
    {.name = "onnxruntime-x86",
     .help = "ONNX Runtime on x86-64 CPUs with VNNI",
     .documentation = kOnnxRuntime,
     .least_group_channels = kOnnxRuntimeGroup,
     .least_depthwise_channels = kOnnxRuntimeDepthwise,
     .integer_gates = true,
     .activation_products = ActivationProducts::kFasterInFloat,
     .quantizes_float_bias = true,
     .checks_gemm_bias_scale = false,
     .four_bit_weights = FourBits::kProductsFloat,
     .computes_float16 = false,
     .quantizes_float_weights = true,
     .joins_what_follows = true},
    {.name = "onnxruntime-x86-avx2",
     .help = "ONNX Runtime on x86-64 CPUs without VNNI: weights in 7 bits",
     .documentation = kOnnxRuntime,
     .weight_levels = 64,
     .least_group_channels = kOnnxRuntimeGroup,
     .least_depthwise_channels = kOnnxRuntimeDepthwise,
     .integer_gates = true,
     .activation_products = ActivationProducts::kFasterInFloat,
     .quantizes_float_bias = true,
     .checks_gemm_bias_scale = false,
     .four_bit_weights = FourBits::kProductsFloat,
     .computes_float16 = false,
     .quantizes_float_weights = true,
     .joins_what_follows = true},
    {.name = "onnxruntime-arm",
     .help = "ONNX Runtime on 64-bit ARM CPUs: s8 activations",
     .documentation = kOnnxRuntime,
     .activation_dtype = DType::kS8,
     .integer_gates = true,
     .quantizes_float_bias = true,
     .checks_gemm_bias_scale = false,
     .four_bit_weights = FourBits::kProductsFloat,
     .quantizes_float_weights = true,
     .joins_what_follows = true},
    {.name = "tensorrt",
     .help = "TensorRT: symmetric s8, float biases",
     .documentation = "https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/"
                      "work-quantized-types.html",
     .activation_dtype = DType::kS8,
     .symmetric_activations = true,
     .quantized_bias = false,
     .integer_conv_transpose = true,
     .integer_conv_needs_output = false,
     .absorbs_clamps = false,
     .integer_adds = false,
     .refuses = true,
     .reads_qoperators = false,
     .runs_dynamic_products = false,
     .reads_microsoft_domain = false,
     .reads_quantized_bias = false,
     .adds_bias_in_float = true,
     .asymmetric_conv_weights = false,
     .asymmetric_gemm_weights = false,
     .four_bit_weights = FourBits::kProductsBlocks,
     .fuses_clamps = true},
    {.name = "openvino",
     .help = "OpenVINO on CPU: u8 activations, float biases",
     .documentation = "https://docs.openvino.ai/2024/documentation/openvino-extensibility/"
                      "openvino-plugin-library/advanced-guides/low-precision-transformations.html",
     .quantized_bias = false,
     .integer_conv_transpose = true,
     .integer_conv_needs_output = false,
     .absorbs_clamps = false,
     .activation_products = ActivationProducts::kFloat,
     .quantized_recurrent_weights = false,
     .reads_qoperators = false,
     .runs_dynamic_products = false,
     .adds_bias_in_float = true,
     .asymmetric_conv_weights = false,
     .fuses_clamps = true},
    {.name = "tflite-like",
     .help = "LiteRT's specification: s8 asymmetric activations, per-axis weights, all in integers",
     .documentation =
         "https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/quantization_spec",
     .activation_dtype = DType::kS8,
     .per_channel_gemm = false,
     .quantized_outputs = true,
     .integer_conv_transpose = true,
     .fixed_bounded_ranges = true,
     .absorbs_clamps = false,
     .rescales = false,
     .refuses = true,
     .reads_qoperators = false,
     .runs_dynamic_products = false,
     .reads_microsoft_domain = false,
     .asymmetric_conv_weights = false,
     .asymmetric_gemm_weights = false,
     .four_bit_weights = FourBits::kNone,
     .computes_float16 = false,
     .fuses_clamps = true},
    {.name = "qnn",
     .help = "Qualcomm AI Engine through ONNX Runtime: all in integers, u8",
     .documentation = "https://onnxruntime.ai/docs/execution-providers/QNN-ExecutionProvider.html",
     .per_channel_gemm = false,
     .quantized_outputs = true,
     .integer_conv_transpose = true,
     .reads_qoperators = false,
     .runs_dynamic_products = false,
     .wide_activations = true},
};

}  // namespace

std::span<const Target> targets() {
  return kTargets;
}

const Target& find_target(std::string_view name) {
  std::string known;
  for (const Target& target : kTargets) {
    if (target.name == name) return target;
    known += (known.empty() ? "" : ", ") + std::string(target.name);
  }
  throw usage_error("there is no target '" + std::string(name) + "'; known are " + known);
}

}  // namespace q8

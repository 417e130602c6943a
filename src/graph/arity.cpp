#include "graph/arity.h"

#include <algorithm>
#include <ranges>

namespace q8 {
namespace {

struct Row {
  std::size_t inputs;
  std::int64_t since;         // version of the operator set
  std::string_view op_types;  // with a blank between two
};

// From the schemas of opsets 7 to 25. Of two rows with an operator the later one counts; one that
// is in none has one required input.
constexpr Row kRows[] = {
    {0, 1, "Constant Loop Optional OptionalHasElement RandomNormal RandomUniform SequenceEmpty"},
    {2, 1,
     "Add AffineGrid And BitShift BitwiseAnd BitwiseOr BitwiseXor CastLike CenterCropPad "
     "Compress Conv ConvInteger ConvTranspose CumSum DequantizeLinear Div Equal Expand "
     "Gather GatherElements GatherND Greater GreaterOrEqual GridSample LayerNormalization "
     "Less LessOrEqual MatMul MatMulInteger MaxRoiPool MaxUnpool Mod Mul "
     "NegativeLogLikelihoodLoss NonMaxSuppression Or PRelu Pow QuantizeLinear "
     "RMSNormalization Reshape ReverseSequence STFT SequenceAt SequenceInsert "
     "SoftmaxCrossEntropyLoss StringConcat Sub TensorScatter Tile Xor"},
    {3, 1,
     "Attention Col2Im DeformConv GRU Gemm GroupNormalization InstanceNormalization LSTM "
     "OneHot RNN Range RoiAlign RotaryEmbedding Scatter ScatterElements ScatterND Where"},
    {5, 1, "BatchNormalization MelWeightMatrix"},
    {8, 1, "QLinearConv QLinearMatMul"},
    {0, 8, "Scan"},  // its first may be left out, though not those behind it
    {1, 9, "Scan"},
    {2, 9, "Upsample"},
    {2, 10, "Resize TopK"},
    {3, 10, "Slice"},
    {1, 11, "Resize"},  // 11 and 12 ask for three, but exporters leave out the second
    {2, 11, "Gemm Pad"},
    {2, 13, "Unsqueeze"},
};

bool lists(const Row& row, std::string_view op_type) {
  return std::ranges::any_of(std::views::split(row.op_types, ' '), [&](const auto& word) {
    return std::string_view(word.begin(), word.end()) == op_type;
  });
}

}  // namespace

std::size_t required_inputs(std::string_view op_type, std::int64_t opset) {
  std::size_t inputs = 1;
  for (const Row& row : kRows)
    if (opset >= row.since && lists(row, op_type)) inputs = row.inputs;
  return inputs;
}

}  // namespace q8

#include "kernels/f32/elementwise.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"
#include "kernels/f32/elementwise_rows.h"

namespace q8 {
namespace {

constexpr std::int64_t kGrain = 16 * 1024;  // elements that are worth handing to another thread

std::int64_t row_grain(std::int64_t columns) {
  return std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, columns));
}

const float* operand(const float* p, OperandF32 form, std::int64_t row, std::int64_t columns) {
  switch (form) {
    case OperandF32::kWhole:
      return p + row * columns;
    case OperandF32::kPerRow:
      return p + row;
    case OperandF32::kPerColumn:
    case OperandF32::kScalar:
      return p;
  }
  return p;
}

bool is_one_value(OperandF32 form) {
  return form == OperandF32::kPerRow || form == OperandF32::kScalar;
}

// What stays one operand when rows are joined to one long row.
bool joins_rows(OperandF32 form) {
  return form == OperandF32::kWhole || form == OperandF32::kScalar;
}

}  // namespace

void map_f32(const KernelSet& kernels, UnaryF32 op, const float* in, float* out, std::int64_t n,
             Threads& threads, float alpha, float beta) {
  const UnaryFunctionF32 function = kernels.elementwise_f32->functions->unary[static_cast<int>(op)];
  threads.parallel_for(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    function(in + begin, out + begin, end - begin, alpha, beta);
  });
}

void combine_f32(const KernelSet& kernels, BinaryF32 op, const CombineF32& shape, const float* a,
                 const float* b, float* out, Threads& threads) {
  Q8_ASSERT(shape.a_form == OperandF32::kWhole || shape.b_form == OperandF32::kWhole);
  const ElementwiseF32Functions& f = *kernels.elementwise_f32->functions;
  const BinaryFunctionF32* functions = is_one_value(shape.a_form)   ? f.binary_scalar_left
                                       : is_one_value(shape.b_form) ? f.binary_scalar_right
                                                                    : f.binary;
  const BinaryFunctionF32 function = functions[static_cast<int>(op)];
  if (joins_rows(shape.a_form) && joins_rows(shape.b_form)) {
    threads.parallel_for(shape.rows * shape.columns, kGrain,
                         [&](std::int64_t begin, std::int64_t end) {
                           function(operand(a, shape.a_form, begin, 1),
                                    operand(b, shape.b_form, begin, 1), out + begin, end - begin);
                         });
    return;
  }
  threads.parallel_for(shape.rows, row_grain(shape.columns),
                       [&](std::int64_t begin, std::int64_t end) {
                         for (std::int64_t row = begin; row < end; ++row)
                           function(operand(a, shape.a_form, row, shape.columns),
                                    operand(b, shape.b_form, row, shape.columns),
                                    out + row * shape.columns, shape.columns);
                       });
}

void scale_shift_f32(const KernelSet& kernels, std::int64_t rows, std::int64_t columns,
                     const ScaleShiftF32& parameters, const float* in, float* out,
                     Threads& threads) {
  threads.parallel_for(rows, row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      kernels.elementwise_f32->functions->scale_shift(parameters, in + row * columns,
                                                      out + row * columns, columns);
  });
}

void softmax_f32(const KernelSet& kernels, std::int64_t rows, std::int64_t columns, const float* in,
                 float* out, Threads& threads) {
  threads.parallel_for(rows, row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      kernels.elementwise_f32->functions->softmax(in + row * columns, out + row * columns, columns);
  });
}

void layer_norm_f32(const KernelSet& kernels, const LayerNormF32& shape, const float* in,
                    float* out, Threads& threads) {
  threads.parallel_for(
      shape.rows, row_grain(shape.columns), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
          kernels.elementwise_f32->functions->layer_norm(
              {.in = in + row * shape.columns,
               .out = out + row * shape.columns,
               .n = shape.columns,
               .scale = shape.scale,
               .shift = shape.shift,
               .epsilon = shape.epsilon,
               .is_centred = shape.is_centred,
               .mean = shape.mean == nullptr ? nullptr : shape.mean + row,
               .inverse_deviation =
                   shape.inverse_deviation == nullptr ? nullptr : shape.inverse_deviation + row});
      });
}

}  // namespace q8

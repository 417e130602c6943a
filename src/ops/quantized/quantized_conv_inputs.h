#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/int8/epilogue_u8s8.h"
#include "kernels/kernel_set.h"
#include "ops/operator.h"
#include "ops/quantized/quant_inputs.h"

namespace q8 {

// Limits of a quantized output that a clamp became, domain "q8" only.
struct QuantizedClamp {
  std::optional<std::int64_t> low, high;
  explicit QuantizedClamp(const Attributes& attributes);
};

// QLinearConv's inputs: x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point,
// B; domain "q8" adds a table of 256 bytes (u8 or s8, then the output's type), which the results
// are looked up in. Its QLinearConvTranspose has the same.
struct QLinearConvInputs {
  QuantInputs x, w, y;
  const Tensor* weights;
  const Tensor* bias;
  const Tensor* table;

  // All but x: of a node whose inputs behind x are constants, and of one that runs. Of a chain's
  // node, whose links have kCount of them each behind the one x, those of that link.
  static constexpr std::size_t kCount = 9;
  static QLinearConvInputs constant(const NodeContext& node, std::size_t link = 0);
  static QLinearConvInputs of(const RunContext& run);
  static bool are_constant(const NodeContext& node);
  static DType result_type(const RunContext& run);
};

// What becomes of the sums, and the numbers that this points to.
class QLinearConvOutput {
 public:
  // channels: of the output. Throws bad_input where B or the table does not fit.
  QLinearConvOutput(const QLinearConvInputs& in, std::int64_t channels, const QuantizedClamp& clamp,
                    const KernelSet& kernels);
  QLinearConvOutput(const QLinearConvOutput&) = delete;
  QLinearConvOutput& operator=(const QLinearConvOutput&) = delete;

  const OutputU8S8& view() const { return view_; }

 private:
  std::vector<float> multiplier_;
  std::vector<std::int32_t> bias_;
  OutputU8S8 view_;
};

}  // namespace q8

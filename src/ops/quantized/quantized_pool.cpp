#include "kernels/int8/pool_u8.h"
#include "ops/channel_layout.h"
#include "ops/families.h"
#include "ops/quantized/quant_inputs.h"
#include "ops/window.h"
#include "tensor/quant_params.h"

namespace q8 {
namespace {

// com.microsoft QLinearAveragePool and QLinearGlobalAveragePool: X, x_scale, x_zero, y_scale,
// y_zero; channels_last says where the channels stand.
struct PoolNode {
  bool is_global = false;
  WindowAttributes window;
  Layout layout;
  bool count_include_pad;

  PoolNode(const NodeContext& node, bool global)
      : is_global(global),
        window(node.attributes()),
        layout(layout_of(node.attributes())),
        count_include_pad(node.attributes().get_int("count_include_pad", 0) != 0) {}
};

Window whole_image(const ImageDims& image) {
  Window window;
  window.input = image.size;
  window.kernel = image.size;  // stride 1, one output
  return window;
}

void run_pool(RunContext& run, const PoolNode& node) {
  const Tensor& x = run.input(0);
  need_byte(x, "the input");
  const QuantInputs from = quant_inputs(run, 1), to = quant_inputs(run, 3, x.dtype());
  ImageDims image = image_dims(x.shape(), node.layout);
  const Window window =
      node.is_global ? whole_image(image) : node.window.at(image, node.window.kernel());
  AveragePoolU8 pool;
  pool.geometry = pool_geometry(image, window);
  pool.counted_pad_end = window.pad_end;
  pool.count_include_pad = node.count_include_pad;
  pool.x_format = {.scale = from.scale.at(0),
                   .zero_point = from.zero_point[0],
                   .is_signed = x.dtype() == DType::kS8};
  pool.y_scale = to.scale.at(0);
  pool.y_zero_point = to.zero_point[0];
  const auto [low, high] = quant_limits(to.dtype);
  pool.low = low;
  pool.high = high;
  const bool first = node.layout == Layout::kChannelsFirst;
  const Tensor input = first ? to_channels_last(x, run) : x;
  image.size = window.output;
  Tensor y(to.dtype, image_shape(image, Layout::kChannelsLast), run.allocator);
  average_pool_u8(pool, reinterpret_cast<const std::uint8_t*>(input.bytes()),
                  reinterpret_cast<std::uint8_t*>(y.mutable_bytes()), run.threads);
  run.set_output(0, first ? to_channels_first(y, run) : std::move(y));
}

OpFunction make_average_pool(const NodeContext& node) {
  return [pool = PoolNode(node, false)](RunContext& run) { run_pool(run, pool); };
}

OpFunction make_global_average_pool(const NodeContext& node) {
  return [pool = PoolNode(node, true)](RunContext& run) { run_pool(run, pool); };
}

constexpr OpRow kRows[] = {
    {"com.microsoft", "QLinearAveragePool", make_average_pool},
    {"com.microsoft", "QLinearGlobalAveragePool", make_global_average_pool},
};

}  // namespace

std::span<const OpRow> quantized_pool_operators() {
  return kRows;
}

}  // namespace q8

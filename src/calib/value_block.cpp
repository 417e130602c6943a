#include "calib/value_block.h"

#include <algorithm>

namespace q8 {
namespace {

// Per-channel extrema are for equalization; nothing that has more channels is equalized.
constexpr std::int64_t kMaxChannels = 65536;

}  // namespace

ValueBlock block_of(const Tensor& floats, std::span<const int> axes,
                    ObservedValue::Channels channels) {
  const Shape& shape = floats.shape();
  const std::int64_t rank = shape.rank();
  ValueBlock whole{.data = floats.data<float>(), .inner = floats.size()};
  if (rank < 2 || floats.size() == 0) return whole;
  const bool second = channels == ObservedValue::Channels::kSecond ||
                      (channels == ObservedValue::Channels::kUnknown && rank >= 4);
  const std::int64_t axis = second ? 1 : rank - 1;
  std::int64_t position = axis;
  if (!axes.empty())
    position = std::find(axes.begin(), axes.end(), static_cast<int>(axis)) - axes.begin();
  if (position >= rank || shape[position] > kMaxChannels) return whole;
  return {.data = floats.data<float>(),
          .outer = shape.count(0, position),
          .channels = shape[position],
          .inner = shape.count(position + 1, rank),
          .channel_axis = axis};
}

}  // namespace q8

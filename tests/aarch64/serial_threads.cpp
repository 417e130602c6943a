// Threads for builds without TBB: the same chunks, one after the other, the last one first, so that
// no result can lean on their order.

#include <algorithm>

#include "base/threads.h"

namespace q8 {

struct Threads::Arena {};

Threads::Threads(int count) : count_(count > 0 ? count : 1) {}

Threads::~Threads() = default;

void Threads::run(std::int64_t size, std::int64_t grain, RangeFunction function, void* context) {
  const std::int64_t most = 4 * static_cast<std::int64_t>(count_);
  const std::int64_t chunk = std::max({grain, (size + most - 1) / most, std::int64_t{1}});
  for (std::int64_t begin = (size - 1) / chunk * chunk; begin >= 0; begin -= chunk)
    function(context, begin, std::min(size, begin + chunk));
}

}  // namespace q8

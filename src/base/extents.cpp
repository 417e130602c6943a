#include "base/extents.h"

#include <algorithm>
#include <iterator>

namespace q8 {

std::size_t Extents::take(std::size_t size) {
  const auto gap =
      std::ranges::find_if(gaps_, [&](const auto& candidate) { return candidate.second >= size; });
  if (gap != gaps_.end()) {
    const auto [offset, room] = *gap;
    gaps_.erase(gap);
    if (room > size) gaps_.emplace(offset + size, room - size);
    return offset;
  }
  std::size_t offset = end_;
  if (!gaps_.empty()) {  // a gap at the line's end need only become longer
    const auto last = std::prev(gaps_.end());
    if (last->first + last->second == end_) {
      offset = last->first;
      gaps_.erase(last);
    }
  }
  end_ = offset + size;
  return offset;
}

void Extents::give_back(std::size_t offset, std::size_t size) {
  auto next = gaps_.lower_bound(offset);
  if (next != gaps_.end() && next->first == offset + size) {
    size += next->second;
    next = gaps_.erase(next);
  }
  if (next != gaps_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += size;
      return;
    }
  }
  gaps_.emplace(offset, size);
}

}  // namespace q8

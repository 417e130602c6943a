#include "base/extents.h"

#include <algorithm>
#include <iterator>

namespace q8 {
namespace {

constexpr std::size_t kLarge = 16 * 1024;  // bytes that several threads share
constexpr std::size_t kRemembered = 32;    // parts: more than a network has shapes at a time

}  // namespace

// Part of a gap, or all of it.
std::size_t Extents::take_from(Gaps::iterator gap, const Part& part) {
  const auto [begin, room] = *gap;
  const std::size_t before = part.offset - begin, behind = room - before - part.size;
  if (behind > 0) gaps_.emplace_hint(std::next(gap), part.offset + part.size, behind);
  if (before > 0)
    gap->second = before;
  else
    gaps_.erase(gap);
  return part.offset;
}

std::size_t Extents::take(std::size_t size) {
  for (auto part = given_back_.rbegin(); size >= kLarge && part != given_back_.rend(); ++part) {
    if (part->size != size) continue;
    auto gap = gaps_.upper_bound(part->offset);
    if (gap == gaps_.begin()) continue;
    --gap;
    if (gap->first + gap->second >= part->offset + size) return take_from(gap, *part);
  }
  const auto gap =
      std::ranges::find_if(gaps_, [&](const auto& candidate) { return candidate.second >= size; });
  if (gap != gaps_.end()) return take_from(gap, {gap->first, size});
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
  if (size >= kLarge) {
    std::erase(given_back_, Part{offset, size});
    if (given_back_.size() == kRemembered) given_back_.erase(given_back_.begin());
    given_back_.push_back({offset, size});
  }
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

#pragma once

#include <cstdint>

namespace q8 {

// Items [begin, end) of a loop's work.
struct Interval {
  std::int64_t begin, end;
  std::int64_t count() const { return end - begin; }
};

// One of `parts` parts of [0, size), as alike as can be.
inline Interval part(std::int64_t size, std::int64_t index, std::int64_t parts) {
  return {size * index / parts, size * (index + 1) / parts};
}

}  // namespace q8

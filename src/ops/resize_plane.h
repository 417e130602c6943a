#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/threads.h"
#include "ops/interpolation.h"

namespace q8 {

// Interpolation along two neighbouring axes, [images, lines, columns, inner] floats, a line of
// results at a time: lines whose columns are resized already are held while other lines need them,
// so that what is between stays in the cache. Columns come first, then lines; no tap may be
// missing.
class PlaneResize {
 public:
  using TapTable = std::vector<std::vector<Tap>>;  // by output position

  // Lines are counted through all images.
  struct Ends {
    // Where the floats of an input line are: in `scratch`, which it may fill, or elsewhere.
    std::function<const float*(std::int64_t line, float* scratch)> load;
    // Where those of an output line go: to `scratch`, or elsewhere; and what becomes of them.
    std::function<float*(std::int64_t line, float* scratch)> place;
    std::function<void(std::int64_t line, const float* values)> store;
  };

  // No columns: they keep their number.
  PlaneResize(TapTable lines, TapTable columns, std::int64_t in_lines, std::int64_t in_columns,
              std::int64_t inner);

  void run(std::int64_t images, const Ends& ends, Threads& threads) const;

 private:
  class Worker;
  std::int64_t out_row() const;

  TapTable lines_, columns_;
  std::int64_t in_lines_, in_row_, inner_;
  std::int64_t held_ = 1;  // lines that are held: as many as one result may need
};

}  // namespace q8

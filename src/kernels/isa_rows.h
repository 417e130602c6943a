#pragma once

#include <span>

#include "base/error.h"
#include "base/isa.h"

namespace q8 {

// Dispatch. Every kind of kernel has a row struct (name, isa, function pointers, tile sizes) and
// one explicit array of rows, best first, whose last row is the scalar specification. The kind's
// plain header declares `std::span<const Row> <kind>_rows()`. All rows of a kind give the same
// bits.
//
// The best row that this CPU has and `max` allows.
template <typename Row>
const Row& select(std::span<const Row> rows, Isa max) {
  for (const Row& row : rows)
    if (row.isa <= max && cpu_has(row.isa)) return row;
  Q8_ASSERT(!rows.empty());
  return rows.back();
}

}  // namespace q8

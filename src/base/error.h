#pragma once

#include "q8/error.h"

namespace q8 {

[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

}  // namespace q8

// A broken invariant of our own; on in every build outside inner loops. Throws Error(kInternal).
#define Q8_ASSERT(condition) \
  ((condition) ? (void)0 : ::q8::assert_failed(#condition, __FILE__, __LINE__))

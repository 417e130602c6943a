#include "base/error.h"
#include "kernels/peak_f32.h"
#include "kernels/peak_u8s8.h"

namespace q8 {

std::int64_t spin_u8s8(Isa, std::int64_t) {
  throw unsupported("the peak of byte products is measured on x86-64 only");
}

std::int64_t spin_f32(Isa, std::int64_t) {
  throw unsupported("the peak of FP32 is measured on x86-64 only");
}

}  // namespace q8

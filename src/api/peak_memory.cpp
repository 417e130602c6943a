#include "api/peak_memory.h"

#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace q8 {
namespace {

std::optional<std::int64_t> status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::int64_t kilobytes = 0; word == key && status >> kilobytes) return kilobytes * 1024;
  return std::nullopt;
}

bool reset_peak() {
  std::ofstream clear("/proc/self/clear_refs");
  clear << "5" << std::flush;  // 5: the peak becomes what is resident now
  return clear.good();
}

}  // namespace

PeakMemory::PeakMemory() {
  malloc_trim(0);
  if (reset_peak()) before_ = status_bytes("VmRSS:");
}

std::optional<std::int64_t> PeakMemory::bytes() const {
  const auto peak = status_bytes("VmHWM:");
  if (!before_ || !peak) return std::nullopt;
  return std::max<std::int64_t>(0, *peak - *before_);
}

}  // namespace q8

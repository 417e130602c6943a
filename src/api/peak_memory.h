#pragma once

#include <cstdint>
#include <optional>

namespace q8 {

// How much resident memory the process takes on top of what it had when this was made. Linux alone
// tells (clear_refs and VmHWM of /proc/self, see proc(5)).
class PeakMemory {
 public:
  PeakMemory();  // gives free heap back first
  std::optional<std::int64_t> bytes() const;

 private:
  std::optional<std::int64_t> before_;
};

}  // namespace q8

#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "q8/progress.h"

namespace q8 {

// What a job runs on and whom it tells. The library prints nothing itself.
struct Host {
  int threads = 0;    // 0: one per core that the process may use
  std::string isa;    // the best instruction set to use (q8 --version --verbose lists them); empty:
                      // the CPU's best
  Progress progress;  // see q8/progress.h
  std::stop_token stop;  // asked between samples; the job then ends with Error(kInterrupted)
  std::function<void(const std::string&)> warn;  // whole sentences; empty: nobody listens
};

}  // namespace q8

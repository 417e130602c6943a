#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/dataset.h"

namespace q8 {

// Loads samples ahead on other threads while the caller computes, and hands them out in the order
// of `indices`. At most `ahead` samples wait at a time. With no threads each is loaded when it is
// asked for. The dataset must outlive the stream.
class SampleStream {
 public:
  SampleStream(const Dataset& dataset, std::vector<std::int64_t> indices, int threads = 1,
               std::size_t ahead = 4);
  ~SampleStream();  // stops loading
  SampleStream(const SampleStream&) = delete;
  SampleStream& operator=(const SampleStream&) = delete;

  // The next sample; nothing after the last. What went wrong loading it is thrown here, when its
  // turn comes; calls after that throw it again. One caller at a time.
  std::optional<Sample> next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace q8

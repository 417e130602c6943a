#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace q8 {

// Called by long work after each step: what is being done, how many steps are done and of how many.
// Empty: nobody watches. The library never prints; the command line draws the bar.
using Progress = std::function<void(std::string_view what, std::int64_t done, std::int64_t total)>;

}  // namespace q8

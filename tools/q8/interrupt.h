#pragma once

#include <stop_token>

namespace q8::cli {

// Turns the first Ctrl-C or SIGTERM into a stop request, so that work ends cleanly between two
// samples; the second one ends the process at once with exit code 130 and no file half written.
// Call before any thread is made.
std::stop_token stop_on_signals();

}  // namespace q8::cli

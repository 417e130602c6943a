#pragma once

#include <cstdint>
#include <string>

#include "q8/validate.h"

namespace q8 {

// Figures as people read them; every format writes them the same way.
std::string percent(double share, int digits = 2);  // "98.37 %"
std::string points(double share);                   // "−0.25": signed, in percentage points
std::string decibels(double db, int digits = 1);    // "31.2 dB", "∞ dB"
std::string small_number(double value);             // four significant digits
std::string byte_size(std::int64_t size);           // "319.3 KB"
std::string times_smaller(std::int64_t fp32_bytes, std::int64_t int8_bytes);  // "3.41×"

// With more digits than above where it takes them to tell a value that failed from its limit.
std::string gate_value(const Gate& gate);
std::string gate_limit(const Gate& gate);  // "≤ 1.00 %", "≥ 30.0 dB"

}  // namespace q8

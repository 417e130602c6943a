#include "report/figures.h"

#include <cmath>
#include <cstdio>

namespace q8 {
namespace {

// printf: the same digits on every machine, in the C locale that a process starts in.
std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

bool is_zero(const std::string& text) {
  return text.find_first_not_of("0.") == std::string::npos;
}

bool is_upper_limit(const Gate& gate) {
  return gate.name.starts_with("max-");
}

std::string figure(const Gate& gate, double value, int more_digits) {
  return gate.unit == "dB" ? decibels(value, 1 + more_digits) : percent(value, 2 + more_digits);
}

// How many digits more than usual show that the gate failed.
int more_digits(const Gate& gate) {
  constexpr int kMost = 6;
  int digits = 0;
  while (!gate.passed && digits < kMost &&
         figure(gate, gate.value, digits) == figure(gate, gate.limit, digits))
    ++digits;
  return digits;
}

}  // namespace

std::string percent(double share, int digits) {
  const std::string text = fixed(std::abs(100 * share), digits);
  return (share < 0 && !is_zero(text) ? "−" : "") + text + " %";
}

std::string points(double share) {
  const std::string text = fixed(std::abs(100 * share), 2);
  if (is_zero(text)) return text;
  return (share < 0 ? "−" : "+") + text;
}

std::string decibels(double db, int digits) {
  if (std::isinf(db)) return db > 0 ? "∞ dB" : "−∞ dB";
  return fixed(db, digits) + " dB";
}

std::string small_number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string byte_size(std::int64_t size) {
  const double kilobytes = static_cast<double>(size) / 1024;
  return kilobytes < 1024 ? fixed(kilobytes, 1) + " KB" : fixed(kilobytes / 1024, 1) + " MB";
}

std::string times_smaller(std::int64_t fp32_bytes, std::int64_t int8_bytes) {
  return fixed(static_cast<double>(fp32_bytes) / static_cast<double>(int8_bytes), 2) + "×";
}

std::string gate_value(const Gate& gate) {
  return figure(gate, gate.value, more_digits(gate));
}

std::string gate_limit(const Gate& gate) {
  return (is_upper_limit(gate) ? "≤ " : "≥ ") + figure(gate, gate.limit, more_digits(gate));
}

}  // namespace q8

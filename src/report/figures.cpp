#include "report/figures.h"

#include <cmath>
#include <cstdio>

namespace q8 {
namespace {

// printf: the same digits on every machine, in the C locale that a process starts in.
std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

bool is_upper_limit(const Gate& gate) {
  return gate.name.starts_with("max-");
}

std::string figure(const Gate& gate, double value) {
  return gate.unit == "dB" ? decibels(value) : percent(value);
}

}  // namespace

std::string percent(double share) {
  const std::string text = number("%.2f %%", std::abs(100 * share));
  return (share < 0 && text != "0.00 %" ? "−" : "") + text;
}

std::string points(double share) {
  const std::string text = number("%.2f", std::abs(100 * share));
  if (text == "0.00") return text;
  return (share < 0 ? "−" : "+") + text;
}

std::string decibels(double db) {
  if (std::isinf(db)) return db > 0 ? "∞ dB" : "−∞ dB";
  return number("%.1f dB", db);
}

std::string small_number(double value) {
  return number("%.4g", value);
}

std::string byte_size(std::int64_t size) {
  const auto bytes = static_cast<double>(size);
  if (bytes < 1024.0 * 1024) return number("%.1f KB", bytes / 1024);
  return number("%.1f MB", bytes / (1024.0 * 1024));
}

std::string times_smaller(std::int64_t fp32_bytes, std::int64_t int8_bytes) {
  return number("%.2f×", static_cast<double>(fp32_bytes) / static_cast<double>(int8_bytes));
}

std::string gate_value(const Gate& gate) {
  return figure(gate, gate.value);
}

std::string gate_limit(const Gate& gate) {
  return (is_upper_limit(gate) ? "≤ " : "≥ ") + figure(gate, gate.limit);
}

}  // namespace q8

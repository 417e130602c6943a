#pragma once

#include <span>

#include "base/isa.h"

namespace q8 {

struct WinogradWeightsF32;  // kernels/f32/winograd_kernels.h
struct WinogradInputF32;
struct WinogradOutputF32;

// One way to transform tiles; all give the same bits.
struct WinogradF32Row {
  const char* name;
  Isa isa;
  void (*weights)(const WinogradWeightsF32&);
  void (*input)(const WinogradInputF32&);
  void (*output)(const WinogradOutputF32&);
};

std::span<const WinogradF32Row> winograd_f32_rows();  // best first, the last is scalar

}  // namespace q8

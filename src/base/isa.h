#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace q8 {

// Instruction sets that kernels are written for, worst first. A kernel row names the one it needs;
// the best row with isa <= the chosen limit that this CPU has is used.
enum class Isa {
  kScalar,
  kNeonDot,     // aarch64 dot product
  kAvx2,        // AVX2 + FMA
  kAvxVnni,     // VEX-coded vpdpbusd, 256 bit
  kAvx512,      // F, BW, DQ, VL
  kAvx512Vnni,  // kAvx512 + AVX512-VNNI
  kAmx,         // kAvx512Vnni + AMX-INT8
};

std::span<const Isa> all_isas();  // worst first
std::string_view isa_name(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);

// Whether this CPU and its operating system can run code of that instruction set.
bool cpu_has(Isa isa);
Isa best_isa();

// Tells this core that its thread waits in a loop.
void pause_core();

}  // namespace q8

#include "base/isa.h"

#include <array>
#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

// The one file that asks the CPU what it has, and the only one with #if on the architecture.

namespace q8 {
namespace {

struct Features {
  bool neon_dot = false, avx2 = false, avx_vnni = false, avx512 = false, avx512_vnni = false,
       amx = false;
};

#if defined(__x86_64__)
struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);
  return r;
}

bool bit(unsigned value, int index) {
  return (value >> index & 1u) != 0;
}

// Linux gives a process the AMX tile registers only when it asks for them.
bool request_amx() {
  constexpr long kArchReqXcompPerm = 0x1023;
  constexpr long kXfeatureTileData = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureTileData) == 0;
}

Features detect() {
  Features f;
  const Registers one = cpuid(1, 0);
  if (!bit(one.c, 27)) return f;  // OSXSAVE
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  const bool os_ymm = (low & 0x6u) == 0x6u;
  const bool os_zmm = (low & 0xe6u) == 0xe6u;
  const bool os_tile = (low & 0x60000u) == 0x60000u;
  const Registers seven = cpuid(7, 0);
  const Registers seven1 = seven.a >= 1 ? cpuid(7, 1) : Registers{};
  f.avx2 = os_ymm && bit(seven.b, 5) && bit(one.c, 12);
  f.avx_vnni = f.avx2 && bit(seven1.a, 4);
  f.avx512 = f.avx2 && os_zmm && bit(seven.b, 16) && bit(seven.b, 17) && bit(seven.b, 30) &&
             bit(seven.b, 31);
  f.avx512_vnni = f.avx512 && bit(seven.c, 11);
  f.amx = f.avx512_vnni && os_tile && bit(seven.d, 24) && bit(seven.d, 25) && request_amx();
  return f;
}
#elif defined(__aarch64__)
Features detect() {
  Features f;
  f.neon_dot = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  return f;
}
#else
Features detect() {
  return {};
}
#endif

struct IsaRow {
  Isa isa;
  std::string_view name;
  bool Features::*has;  // null: always there
};

constexpr std::array kRows = {
    IsaRow{Isa::kScalar, "scalar", nullptr},
    IsaRow{Isa::kNeonDot, "neondot", &Features::neon_dot},
    IsaRow{Isa::kAvx2, "avx2", &Features::avx2},
    IsaRow{Isa::kAvxVnni, "avxvnni", &Features::avx_vnni},
    IsaRow{Isa::kAvx512, "avx512", &Features::avx512},
    IsaRow{Isa::kAvx512Vnni, "avx512vnni", &Features::avx512_vnni},
    IsaRow{Isa::kAmx, "amx", &Features::amx},
};

}  // namespace

std::span<const Isa> all_isas() {
  static constexpr std::array kAll = {Isa::kScalar, Isa::kNeonDot,    Isa::kAvx2, Isa::kAvxVnni,
                                      Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAmx};
  return kAll;
}

std::string_view isa_name(Isa isa) {
  for (const IsaRow& row : kRows)
    if (row.isa == isa) return row.name;
  return "?";
}

std::optional<Isa> parse_isa(std::string_view name) {
  for (const IsaRow& row : kRows)
    if (row.name == name) return row.isa;
  return std::nullopt;
}

bool cpu_has(Isa isa) {
  static const Features features = detect();
  for (const IsaRow& row : kRows)
    if (row.isa == isa) return row.has == nullptr || features.*row.has;
  return false;
}

Isa best_isa() {
  Isa best = Isa::kScalar;
  for (const Isa isa : all_isas())
    if (cpu_has(isa)) best = isa;
  return best;
}

void pause_core() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

}  // namespace q8

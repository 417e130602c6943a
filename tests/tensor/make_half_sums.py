"""The checksums that half_test.cpp compares with, computed by NumPy.

    python tests/tensor/make_half_sums.py

FNV-1a over the bits of: every float16 as float32, and float32 patterns (bits = i * 2654435761 mod 2^32 for i below
2^18, NaNs left out) as float16. bfloat16 is the rounding rule itself on integers: add 0x7fff and the lowest kept bit.
"""
import numpy as np


def fnv(values):
    sum_ = 14695981039346656037
    for value in values:
        sum_ = ((sum_ ^ int(value)) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return sum_


def main():
    halves = np.arange(65536, dtype=np.uint16)
    numbers = halves[~np.isnan(halves.view(np.float16))]
    print(f"to_float  0x{fnv(numbers.view(np.float16).astype(np.float32).view(np.uint32)):016x}")
    bits = (np.arange(1 << 18, dtype=np.uint64) * 2654435761 % 2**32).astype(np.uint32)
    floats = bits[~np.isnan(bits.view(np.float32))]
    with np.errstate(over="ignore", under="ignore"):
        print(f"to_half   0x{fnv(floats.view(np.float32).astype(np.float16).view(np.uint16)):016x}")
    wide = floats.astype(np.uint64)
    print(f"to_bfloat 0x{fnv((wide + 0x7FFF + (wide >> 16 & 1)) >> 16):016x}")


if __name__ == "__main__":
    main()

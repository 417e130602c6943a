#!/usr/bin/env python3
"""Writes data/observers.txt: what NumPy makes of the tensors that observers_test.cpp generates.

The thresholds of the entropy observer come from a plain loop over the published definition
(S. Migacz, 8-bit inference with TensorRT, GTC 2017), with q8's choices stated in
src/calib/observers/{divergence.h,entropy.cpp}: fractional borders, zeros left out, 99.9 % of the
values kept, 512 candidates, both ends in turn. Percentiles come from numpy.percentile.
"""

import math
import pathlib

import numpy as np

MAX_BINS = 4096


def generate(kind):
    """The same numbers as values_of() in the test: a 32-bit linear congruential generator."""
    state = 12345
    values = []
    for _ in range(20000):
        total = 0.0
        for _ in range(4):
            state = (state * 1664525 + 1013904223) % 2**32
            total += (state >> 8) / 2**24
        r = (total - 2.0) * 2.0
        if kind == "relu":
            r = max(r, 0.0)
        elif kind == "skewed":
            r = r * r * 2.0 if r > 0 else r * 0.125
        values.append(r)
    if kind == "outlier":
        values[777] = 40.0
    if kind == "negative":
        values = [-abs(v) for v in values]
    return np.array(values, dtype=np.float32)


def histogram(values):
    """Counts of the non-zero values from the lowest bin (or zero) to the highest (or zero)."""
    values = values[values != 0].astype(np.float64)
    for exponent in range(-120, 118):
        magnitude = np.floor(np.abs(values) / 2.0**exponent)
        if magnitude.max() >= MAX_BINS:
            continue
        magnitude = magnitude.astype(np.int64)
        index = np.where(values < 0, -1 - magnitude, magnitude)
        low, high = min(index.min(), 0), max(index.max(), -1)
        if high - low + 1 <= MAX_BINS:
            counts = np.zeros(high - low + 1)
            np.add.at(counts, index - low, 1)
            return counts, -low, 2.0**exponent


def divergence(counts, begin, end, levels):
    window = counts[begin:end]
    p = window.copy()
    p[0] += counts[:begin].sum()
    p[-1] += counts[end:].sum()
    edges = [level * (end - begin) / levels for level in range(levels + 1)]
    q = np.zeros_like(p)
    for left, right in zip(edges, edges[1:]):
        share = np.zeros_like(p)
        for i in range(int(left), min(math.ceil(right), len(p))):
            share[i] = min(right, i + 1) - max(left, i)
        filled = (share * (p > 0)).sum()
        if filled > 0:
            q += share * (p > 0) * ((share * window).sum() / filled)
    q[(p > 0) & (q == 0)] = 1
    p, q = p / p.sum(), q / q.sum()
    return sum(a * math.log(a / b) for a, b in zip(p, q) if a > 0)


def entropy_range(values, symmetric):
    counts, zero, width = histogram(values)
    levels = 256
    if symmetric:
        levels = 128
        above, below = counts[zero:], counts[:zero][::-1]
        folded = np.zeros(max(len(above), len(below)))
        folded[: len(above)] += above
        folded[: len(below)] += below
        counts, zero = folded, 0
    size = len(counts)
    step = max(1, size // 512)
    two_sided = 0 < zero < size
    allowed = 0.001 * counts.sum() / (2 if two_sided else 1)
    begin, end = 0, size
    for _ in range(2 if two_sided else 1):
        if zero < size:
            ends = [e for e in range(size, 0, -step) if e - begin >= levels and e >= zero]
            ends = [e for e in ends if counts[e:].sum() <= allowed]
            end = min(ends, key=lambda e: divergence(counts, begin, e, levels))
        if zero > 0:
            begins = [b for b in range(0, size, step) if end - b >= levels and b <= zero]
            begins = [b for b in begins if counts[:b].sum() <= allowed]
            begin = min(begins, key=lambda b: divergence(counts, b, end, levels))
    high = (end - zero) * width
    low = -high if symmetric else (begin - zero) * width
    largest = float(np.abs(values).max())
    full = (-largest, largest) if symmetric else (float(values.min()), float(values.max()))
    return float(max(low, min(full[0], 0.0))), float(min(high, max(full[1], 0.0))), width


def main():
    lines = ["# observer kind symmetric low high bin_width; made by make_observer_data.py"]
    for kind in ("normal", "relu", "outlier", "skewed", "negative"):
        values = generate(kind)
        for symmetric in (False, True):
            low, high, width = entropy_range(values, symmetric)
            lines.append(f"entropy {kind} {int(symmetric)} {low!r} {high!r} {width!r}")
            if symmetric:
                high = float(np.percentile(np.abs(values), 99))
                low = -high
            elif (values < 0).any() and (values > 0).any():
                low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
            else:
                low, high = (float(v) for v in np.percentile(values, (1, 99)))
                low, high = (low, 0.0) if (values < 0).any() else (0.0, high)
            lines.append(f"percentile {kind} {int(symmetric)} {low!r} {high!r} {width!r}")
    path = pathlib.Path(__file__).parent / "data" / "observers.txt"
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

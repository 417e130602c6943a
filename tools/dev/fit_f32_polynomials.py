"""Fits the polynomials of src/kernels/f32/elementwise_formulas.h and prints their coefficients.

    python tools/dev/fit_f32_polynomials.py

Each fit is a weighted least-squares fit on Chebyshev nodes, reweighted until the error is level
(Lawson's iteration), in extended precision. Coefficients are rounded to FP32 from the highest down,
the rest fitted anew after each rounding.
"""
import math

import numpy as np
from scipy.special import erf, erfcx

Wide = np.longdouble


def nodes(low, high, count=2000):
    angle = (np.arange(count, dtype=Wide) + 0.5) * math.pi / count
    return (low + high) / 2 + (high - low) / 2 * np.cos(angle)


def fit(x, y, weight, degree):
    """FP32 coefficients c[0..degree] with max |weight · (Σ c[i] xⁱ − y)| about least."""
    known = {}
    for fixed in range(degree, -1, -1):
        target = y - sum((c * x**i for i, c in known.items()), np.zeros_like(x))
        powers = np.stack([x**i for i in range(fixed + 1)], axis=1)
        level = np.ones(len(x))
        for _ in range(60):
            scale = (weight * np.sqrt(level)).astype(float)
            c = np.linalg.lstsq(powers.astype(float) * scale[:, None], target.astype(float) * scale, rcond=None)[0]
            error = np.abs(weight * (powers @ c.astype(Wide) - target)).astype(float)
            level = level * (error + 1e-30)
            level /= level.max()
        known[fixed] = Wide(np.float32(c[fixed]))
    error = np.max(np.abs(weight * (sum(c * x**i for i, c in known.items()) - y)))
    return [known[i] for i in range(degree + 1)], error


def show(name, coefficients, error):
    print(f"{name}: largest error {float(error):.2e}")
    for i, c in enumerate(coefficients):
        print(f"  {i}: {np.float32(c):.9g}f")


r = nodes(-0.347, 0.347)
r = r[np.abs(r) > 1e-4]
show("exp(r) = 1 + r + r² P(r), relative", *fit(r, (np.expm1(r) - r) / r**2, r**2 / np.exp(r), 4))

x = nodes(1e-3, 0.625)
show("tanh(x) = x + x³ P(x²), relative", *fit(x**2, (np.tanh(x) - x) / x**3, x**3 / np.tanh(x), 4))

x = nodes(1e-3, 1.0)
erf_x = erf(x.astype(float)).astype(Wide)
show("erf(x) = x + x P(x²), relative", *fit(x**2, (erf_x - x) / x, x / erf_x, 6))

x = nodes(1.0, 4.0)
log_erfc = np.log(erfcx(x.astype(float)).astype(Wide)) - x**2
show("erf(x) = 1 - exp(P(x)), absolute", *fit(x, log_erfc, np.exp(log_erfc), 7))

"""Writes elementwise_f32_cases.txt: functions of FP32 arguments, computed in double by SciPy.

    python tests/kernels/f32/make_elementwise_cases.py > tests/kernels/f32/elementwise_cases.txt

One case a line: function, argument (hexadecimal float), expected value.
"""
import numpy as np
from scipy.special import erf, erfc, expit

rng = np.random.default_rng(7)
dense = rng.uniform(-6, 6, 90)
wide = rng.uniform(-110, 95, 60)
small = np.concatenate([s * 10.0 ** rng.uniform(-30, 0, 20) for s in (-1, 1)])
edges = [0.0, -0.0, 0.624999, 0.625, 0.625001, -0.625, 0.999999, 1.0, 1.000001, -1.0, 3.999, 4.0, 4.5,
         88.72, 88.73, -87.4, -103.9, -104.1, 3.0, -3.0, 2.999999, -2.999999, 1e30, -1e30, np.inf]
x = np.float32(np.concatenate([dense, wide, small, edges])).astype(np.float64)

with np.errstate(over="ignore", invalid="ignore"):
    functions = {
        "exp": np.exp(x),
        "tanh": np.tanh(x),
        "sigmoid": expit(x),
        "erf": erf(x),
        "gelu": x * (0.5 * erfc(-x / np.sqrt(2.0))),
        "gelu_tanh": x * expit(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)),
        "silu": x * expit(x),
        "hard_swish": x * np.clip(x / 6 + 0.5, 0, 1),
    }
for name, y in functions.items():
    for argument, value in zip(x, y):
        print(name, float(argument).hex(), repr(float(value)))

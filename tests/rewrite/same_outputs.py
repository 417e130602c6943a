"""Runs pairs NAME.old.onnx and NAME.new.onnx of a folder in ONNX Runtime on the same random input: the outputs must be equal.

    python same_outputs.py FOLDER COUNT
"""
import pathlib
import sys

import numpy as np
import onnxruntime as ort


def run(path, x):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run(["y"], {"x": x})[0]


def main():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype(np.float32)
    pairs = sorted(pathlib.Path(sys.argv[1]).glob("*.old.onnx"))
    wrong = len(pairs) != int(sys.argv[2])
    for old in pairs:
        new = old.with_name(old.name.replace(".old.", ".new."))
        a, b = run(old, x), run(new, x)
        if a.shape != b.shape or not np.array_equal(a, b):
            print(f"{old.name}: {a.shape} and {b.shape} differ")
            wrong = True
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

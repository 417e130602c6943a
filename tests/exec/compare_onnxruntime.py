"""q8 against ONNX Runtime on the models of small_models.py and float_models.py, fused (q8 run) and as they stand (--no-optimize).

    python tests/exec/compare_onnxruntime.py build/q8 [name ...]

Exact cases: the same bits as ONNX Runtime's fused integer kernels. The others, where runtimes have tables or roundings
of their own: within one step of the last quantization of ONNX Runtime without fusion (the float definition).
"""
import pathlib
import subprocess
import sys
import tempfile

import float_models
import numpy as np
import onnxruntime
import small_models


def run_onnxruntime(path, feeds, fused):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if fused else level.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))


def run_q8(q8, folder, path, feeds, arguments):
    np.savez(folder / "in.npz", **feeds)
    command = [q8, "run", str(path), "--inputs", str(folder / "in.npz"), "-o", str(folder / "out.npz"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or f"exit code {done.returncode}")
    with np.load(folder / "out.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def complaint(expected, found, exact, step):
    for name, a in expected.items():
        b = found.get(name)
        if b is None or a.shape != b.shape or a.dtype != b.dtype:
            return f"{name}: {a.dtype}{a.shape} is expected, {'nothing' if b is None else f'{b.dtype}{b.shape}'} found"
        if exact and not np.array_equal(a, b):
            return f"{name}: {np.count_nonzero(a != b)} of {a.size} values differ, by {np.abs(a - b).max()} at most"
        far = np.abs(a.astype(np.float64) - b.astype(np.float64)).max() if a.size else 0
        if not exact and not far <= step:
            return f"{name}: {far} apart, {step} is allowed"
    return None


def largest_step(model, expected):
    """Of a quantized model: the scale of the last DequantizeLinear; of a float one: rounding of sums."""
    scales = {i.name: i for i in model.graph.initializer}
    last = [n for n in model.graph.node if n.op_type == "DequantizeLinear"]
    if last:
        return 1.001 * float(small_models.numpy_helper.to_array(scales[last[-1].input[1]]).max())
    largest = max(float(np.abs(a).max()) for a in expected.values())
    half = any(a.dtype == np.float16 for a in expected.values())
    return largest * (2e-3 if half else 1e-5)


def main():
    q8, names = sys.argv[1], sys.argv[2:]
    cases, failed = small_models.small_cases() | float_models.float_cases(), 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name, (model, feeds, exact) in cases.items():
            if names and name not in names:
                continue
            path = folder / f"{name}.onnx"
            path.write_bytes(model.SerializeToString())
            for arguments in ([], ["--no-optimize"]):
                is_fused = not arguments
                bits = exact is True and is_fused
                try:
                    expected = run_onnxruntime(path, feeds, bits)
                    found = run_q8(q8, folder, path, feeds, arguments)
                    wrong = complaint(expected, found, bits, largest_step(model, expected))
                except RuntimeError as error:
                    wrong = str(error)
                failed += wrong is not None
                print(f"{name + ('' if is_fused else ' as it stands'):45} {wrong or 'ok'}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

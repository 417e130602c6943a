"""Every hard model: q8 calibrates and quantizes it, ONNX Runtime and q8 run the result, and it is near the float model.

    python tests/hard_cases/test_hard_cases.py build/q8 [name ...]
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

SKIP = 77
try:
    import numpy as np
    import onnx
    import onnxruntime as ort

    import hard_models
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(SKIP)

MINIMUM_SQNR_DB = 20  # of INT8 to FP32: what a handful of random 8-bit layers keep
MINIMUM_AGREEMENT_DB = 35  # of q8 to ONNX Runtime on the same INT8 model: rounding of float islands only


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{command[1]}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout + done.stderr


def write_test_data(folder, model, samples):
    """As ONNX test data sets: the only form of data for inputs of varying shapes."""
    names = [i.name for i in model.graph.input if i.name not in {t.name for t in model.graph.initializer}]
    for k, feed in enumerate(samples):
        target = folder / f"test_data_set_{k}"
        target.mkdir(parents=True)
        for i, name in enumerate(names):
            (target / f"input_{i}.pb").write_bytes(onnx.numpy_helper.from_array(feed[name], name).SerializeToString())


def session(path):
    options = ort.SessionOptions()
    options.log_severity_level = 2  # a warning about our file would be ours to mend
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def sqnr_db(pairs):
    signal = sum(float((a.astype(np.float64) ** 2).sum()) for a, _ in pairs)
    noise = sum(float(((a.astype(np.float64) - b.astype(np.float64)) ** 2).sum()) for a, b in pairs)
    return float("inf") if noise == 0 else 10 * float(np.log10(signal / noise))


def check(q8, make, folder, *options, minimum=MINIMUM_SQNR_DB):
    model, samples = make()
    path, int8 = folder / "model.onnx", folder / "model.int8.onnx"
    onnx.save(model, path)
    if not (folder / "data").exists():
        write_test_data(folder / "data", model, samples)
        run(q8, "calibrate", path, "--data", folder / "data", "-o", folder / "model.q8cal")
    plan = folder / "plan.json"
    said = run(q8, "--verbose", "quantize", path, "--calibration", folder / "model.q8cal", "--plan", plan, "-o", int8, *options)
    reference, quantized = session(path), session(int8)
    against_float, against_q8 = [], []
    for feed in samples[:8]:
        expected, found = reference.run(None, feed), quantized.run(None, feed)
        against_float += list(zip(expected, found))
        np.savez(folder / "in.npz", **feed)
        run(q8, "run", int8, "--inputs", folder / "in.npz", "-o", folder / "out.npz")
        with np.load(folder / "out.npz") as ours:
            against_q8 += [(a, ours[o.name]) for a, o in zip(found, quantized.get_outputs())]
    loss, difference = sqnr_db(against_float), sqnr_db(against_q8)
    assert loss >= min(minimum, getattr(make, "minimum_sqnr_db", minimum)), f"INT8 to FP32: {loss:.1f} dB"
    assert difference >= MINIMUM_AGREEMENT_DB, f"q8 to ONNX Runtime: {difference:.1f} dB"
    assert "--mode" in options or getattr(make, "must_say", "") in said, f"says nothing of it: {said}"
    integer = collections.Counter(n["op_type"] for n in json.loads(plan.read_text())["nodes"] if n["mode"] == "integer")
    for op_type, count in (getattr(make, "integer", {}) if "--mode" not in options else {}).items():
        assert integer[op_type] == count, f"{integer[op_type]} of {count} {op_type} in integers"
    for node in model.graph.node:
        if node.op_type in ("LSTM", "GRU"):
            shown = {n.op_type for n in onnx.load(int8).graph.node}
            assert node.op_type in said or shown & {"DequantizeLinear", "DynamicQuantizeLSTM"}, "skipped in silence"
    return loss, difference


def main():
    q8, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    failed = 0
    for make in hard_models.MODELS:
        if names and make.__name__ not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for options in (["--per-channel"], ["--per-tensor"], ["--per-channel", "--format", "qoperator"]):
                label = f"{make.__name__} {' '.join(options)}"
                try:
                    loss, difference = check(q8, make, pathlib.Path(folder), *options)
                    print(f"ok      {label}: INT8 to FP32 {loss:.1f} dB, q8 to ONNX Runtime {difference:.1f} dB", flush=True)
                except Exception as error:  # one broken case must not hide the others
                    failed += 1
                    print(f"FAILED  {label}: {str(error)[:400]}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

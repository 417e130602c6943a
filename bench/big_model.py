"""Makes a model of SIZE gigabytes with external data, quantizes it, and measures the memory that takes.

    python bench/big_model.py build/q8 [--gigabytes 3] [--folder FOLDER] [--run] [--data] [-- options of q8 quantize]

Without options it is --mode weights; with --data static mode, calibrated with made-up samples. The weights are written piece by piece.
Exit code 1 where the peak memory of q8 passes 1.5 times the model's size (and 64 MB, which the program itself needs); 3 times for
quantize below 1 GB, where it runs both models before it writes. --run loads the result in ONNX Runtime and in q8 and compares their
outputs.
"""
import argparse
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

SKIP = 77  # ctest's SKIP_RETURN_CODE
try:
    import numpy as np
    from onnx import TensorProto, helper
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(SKIP)

WIDTH, SAMPLES = 2048, 4
LIMIT, LIMIT_OF_RUN, RUN_BELOW, PROGRAM = 1.5, 3, 1 << 30, 64 << 20
DISK = 2  # times the size: the model and what is made of it


def external(name, offset, length):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[WIDTH, WIDTH], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "big.onnx.data"), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def make(folder, size):
    """A chain of square products with a clamp between them; the answers do not count."""
    random = np.random.default_rng(0)
    layers, length = max(1, round(size / (WIDTH * WIDTH * 4))), WIDTH * WIDTH * 4
    nodes, weights, value = [], [], "x"
    base = random.normal(0, WIDTH ** -0.5, (WIDTH, WIDTH)).astype(np.float32)
    with open(folder / "big.onnx.data", "wb") as data:
        for i in range(layers):
            data.write(np.roll(base, i, axis=1).tobytes())
            weights.append(external(f"w{i}", i * length, length))
            nodes.append(helper.make_node("MatMul", [value, f"w{i}"], [f"m{i}"], name=f"product{i}"))
            nodes.append(helper.make_node("Relu", [f"m{i}"], [f"r{i}"], name=f"clamp{i}"))
            value = f"r{i}"
    graph = helper.make_graph(nodes, "big", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, WIDTH])],
                              [helper.make_tensor_value_info(value, TensorProto.FLOAT, [1, WIDTH])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "big.onnx").write_bytes(model.SerializeToString())
    return (folder / "big.onnx").stat().st_size + (folder / "big.onnx.data").stat().st_size


def make_samples(folder):
    folder.mkdir()
    for i in range(SAMPLES):
        np.save(folder / f"{i}.npy", np.random.default_rng(i).normal(size=(1, WIDTH)).astype(np.float32))


def peak_memory():
    """Of all programs run so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def calibrates_well(q8, folder, size):
    make_samples(folder / "samples")
    subprocess.run([q8, "calibrate", "big.onnx", "--data", "samples", "-o", "big.q8cal"], cwd=folder, check=True)
    print(f"calibrated in {peak_memory() / size:.2f} times the model's size")
    return peak_memory() <= LIMIT * size + PROGRAM


def compare(q8, folder, in_integers):
    import onnxruntime as ort

    x = np.random.default_rng(1).normal(size=(1, WIDTH)).astype(np.float32)
    np.savez(folder / "in.npz", x=x)
    subprocess.run([q8, "run", "big.int8.onnx", "--inputs", "in.npz", "-o", "out.npz"], cwd=folder, check=True)
    found = next(iter(np.load(folder / "out.npz").values()))
    options = ort.SessionOptions()
    if not in_integers:  # as the file says: its optimizer rounds what meets 8-bit weights to 8 bits as well
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(folder / "big.int8.onnx"), options, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})[0]
    worst = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"q8 and ONNX Runtime differ by {worst:.2g} of the largest output")
    return worst < 1e-4


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("q8")
    parser.add_argument("--gigabytes", type=float, default=3)
    parser.add_argument("--folder")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--data", action="store_true")
    given = sys.argv[1:]
    options = given[given.index("--") + 1:] if "--" in given else []
    arguments = parser.parse_args(given[:given.index("--")] if "--" in given else given)
    q8 = str(pathlib.Path(arguments.q8).resolve())
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = pathlib.Path(name)
        if shutil.disk_usage(folder).free < DISK * arguments.gigabytes * 1e9:
            print(f"SKIPPED: {DISK} times the model's size is not free in {folder}")
            return SKIP
        size = make(folder, arguments.gigabytes * 1e9)
        good = not arguments.data or calibrates_well(q8, folder, size)
        options = ["--data", "samples", *options] if arguments.data else options or ["--mode", "weights"]
        begin = time.monotonic()
        subprocess.run([q8, "quantize", "big.onnx", *options, "-o", "big.int8.onnx"], cwd=folder, check=True)
        seconds = time.monotonic() - begin
        peak = peak_memory()
        written = sum(f.stat().st_size for f in folder.glob("big.int8.onnx*"))
        print(f"{size / 1e9:.2f} GB to {written / 1e9:.2f} GB in {seconds:.1f} s, peak memory {peak / 1e9:.2f} GB: "
              f"{peak / size:.2f} times the model's size")
        good &= peak <= (LIMIT_OF_RUN if size < RUN_BELOW else LIMIT) * size + PROGRAM
        if arguments.run:
            good &= compare(q8, folder, in_integers=arguments.data)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

"""Quantizes models of the zoo with q8 and asks ONNX Runtime what it made of them: every Conv, MatMul and Gemm that stands
between DequantizeLinear and QuantizeLinear must run in integers, and no other Conv may; so must every such Mul, as the
gates of Swish and HardSwish are.

    python onnxruntime_fusion.py --q8 path/to/q8 [--models a,b] [--samples 8]
"""
import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "zoo"))
import zoo  # noqa: E402

INTEGER_PRODUCTS = ("QLinearMatMul", "QGemm", "MatMulIntegerToFloat")


def quantize(q8, model, task, samples, folder):
    profile, int8 = folder / "m.q8cal", folder / "m.int8.onnx"
    calibrate = [q8, "calibrate", model, "--data", zoo.ZOO / task["calib"], "--samples", samples, "-o", profile]
    preprocess = model.parent / "preprocessor_config.json"
    if preprocess.exists():
        calibrate += ["--preprocess", preprocess]
    for command in (calibrate, [q8, "quantize", model, "--calibration", profile, "-o", int8]):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[-300:]}")
    return int8


def expected(graph):
    """How many Conv, how many MatMul and Gemm, and how many Mul of two computed values the file says are integer."""
    made_by = {o: n.op_type for n in graph.node for o in n.output}
    readers = collections.defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node.op_type)
    counts = collections.Counter()
    for node in graph.node:
        if node.op_type not in ("Conv", "MatMul", "Gemm", "Mul"):
            continue
        if any(made_by.get(name) != "DequantizeLinear" for name in node.input):
            continue
        if node.op_type in ("Conv", "Mul") and readers[node.output[0]] != ["QuantizeLinear"]:
            continue
        counts[{"Conv": "conv", "Mul": "factor"}.get(node.op_type, "product")] += 1
    return counts


def optimized(path, folder):
    """Operator types of the graph that ONNX Runtime runs at its default level."""
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return collections.Counter(n.op_type for n in onnx.load(options.optimized_model_filepath).graph.node)


def main():
    import onnx

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8", required=True)
    parser.add_argument("--models")
    parser.add_argument("--samples", type=int, default=8)
    args = parser.parse_args()
    if not zoo.ZOO.exists():
        zoo.skip("no zoo beside this checkout")
    failed = 0
    for name, model, task in zoo.models(args.models.split(",") if args.models else None):
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            try:
                int8 = quantize(args.q8, model, task, args.samples, folder)
                want, have = expected(onnx.load(str(int8)).graph), optimized(int8, folder)
            except Exception as error:  # one model's failure must not hide the others'
                print(f"{name:32} FAILED {str(error)[:300]}", flush=True)
                failed += 1
                continue
        products = sum(have[op] for op in INTEGER_PRODUCTS)
        wrong = have["QLinearConv"] != want["conv"] or products != want["product"] or have["QLinearMul"] != want["factor"]
        failed += wrong
        print(f"{name:32} QLinearConv {have['QLinearConv']} of {want['conv']}, products {products} of {want['product']}, "
              f"QLinearMul {have['QLinearMul']} of {want['factor']}{'  WRONG' if wrong else ''}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

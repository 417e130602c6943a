"""The table of docs/compatibility.md: models of the zoo in every mode, loaded and run by the runtime that they are for.

    python tests/zoo/compatibility.py --q8 build/q8 [--models a,b] [--modes static,dynamic] [--samples 4] [--write docs/compatibility.md]

For each: whether the runtime (ONNX Runtime; OpenVINO for `--target openvino`) loads and runs it without a warning; how many products
(Conv, MatMul, Gemm …) it runs in integers, by its own profile, against what the plan says; the SQNR of its outputs against the FP32 model's
and of q8's outputs against its own; the share of samples whose largest output is the same one; how much smaller the file is.

Exit code 1 where a model does not load or run, warns, runs another number of products in integers than planned, or where q8's
outputs are not at least 6 dB nearer to the runtime's than these are to the FP32 model's (less for two modes, see MARGIN_DB) and
not as near as ONNX Runtime's own are with and without its optimizer, whose roundings differ too: some networks make a large
difference of one step anywhere. --write replaces the rows of the models that were run.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import zoo

MODES = {
    "static": ["--mode", "static"],
    "qoperator": ["--mode", "static", "--format", "qoperator"],
    "openvino": ["--mode", "static", "--target", "openvino"],
    "dynamic": ["--mode", "dynamic"],
    "weights": ["--mode", "weights"],
}
CALIBRATED = ("static", "qoperator", "openvino")
PLANNED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM")
INTEGER_OPERATORS = ("QLinearConv", "QLinearMatMul", "QGemm", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulInteger",
                     "ConvInteger", "DynamicQuantizeLSTM")
INTEGER_LAYERS = ("Convolution", "Deconvolution", "FullyConnected", "MatMul")
MARGIN_DB = {mode: 6 for mode in MODES}  # as in compare_int8.py
ENOUGH_DB = 50
# ONNX Runtime makes a MatMul with s8 weights a MatMulNBits, which rounds its inputs to 8 bits by itself.
MARGIN_DB["weights"] = 0
# OpenVINO carries scales over sums and pools and rounds in other places: two roundings of one size that have nothing to do
# with each other are 3 dB further apart than each is from the float model.
MARGIN_DB["openvino"] = -4
# OpenVINO's kernels for AMX stop some virtual machines that claim to have it; those for VNNI give the same integers.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_VNNI")
COLUMNS = ("model", "mode", "runs", "products in integers", "SQNR, dB", "q8 to runtime, dB", "same largest output", "times smaller")


class WarningsOf:
    """What native code writes to stderr while the block runs."""

    def __enter__(self):
        self.file = tempfile.TemporaryFile()
        self.saved = os.dup(2)
        os.dup2(self.file.fileno(), 2)
        return self

    def __exit__(self, *error):
        os.dup2(self.saved, 2)
        os.close(self.saved)
        self.file.seek(0)
        self.lines = self.file.read().decode(errors="replace").splitlines()
        self.file.close()


def session_of(path, severity, optimized=True):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = severity  # 2: warnings
    options.intra_op_num_threads = 1
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class OnnxRuntime:
    def __init__(self, path):
        self.path, self.session = path, session_of(path, 2)

    def run(self, feed):
        return self.session.run(None, feed)

    def own_agreement_db(self, feeds, results):
        """Of its results to those of its operators as the file has them."""
        plain = session_of(self.path, 3, optimized=False)
        return sqnr_db([pair for a, feed in zip(results, feeds) for pair in zip(a, plain.run(None, feed))])

    def integer_products(self, feed, folder):
        """Distinct nodes of integer types in the profile of one run."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level, options.enable_profiling = 3, True
        options.profile_file_prefix = str(folder / "profile")
        session = ort.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
        session.run(None, feed)
        events = json.loads(pathlib.Path(session.end_profiling()).read_text())
        return len({(e["args"].get("node_index"), e["name"]) for e in events
                    if e["name"].endswith("_kernel_time") and e["args"].get("op_name") in INTEGER_OPERATORS})


class OpenVino:
    def __init__(self, path):
        import openvino

        # In float as the file has it: bfloat16, its default on some CPUs, would hide what quantization does.
        self.model = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(self, feed):
        done = self.model(feed)
        return [done[i] for i in range(len(self.model.outputs))]

    def own_agreement_db(self, feeds, results):
        return float("inf")  # it has one way to run a model

    def integer_products(self, feed, folder):
        layers = [node.get_rt_info() for node in self.model.get_runtime_model().get_ops()]
        return sum(layer["layerType"].astype(str) in INTEGER_LAYERS and layer["runtimePrecision"].astype(str) in ("u8", "i8")
                   for layer in layers)


def sqnr_db(pairs):
    import numpy as np

    signal = noise = 0.0
    for a, b in pairs:
        if a.dtype.kind == "f":
            signal += float((a.astype(np.float64) ** 2).sum())
            noise += float(((a.astype(np.float64) - b.astype(np.float64)) ** 2).sum())
    return float("inf") if noise == 0 else 10 * float(np.log10(signal / noise)) if signal > 0 else float("nan")


def call(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[-200:]}")


def planned_products(plan):
    nodes = json.loads(plan.read_text())["nodes"]
    return sum(n["mode"] in ("integer", "dynamic") and n["op_type"] in PLANNED for n in nodes)


def row_of(q8, model, mode, source, reference, feeds, folder):
    """The cells of a row behind model and mode, and whether all is well."""
    int8, plan = folder / f"{mode}.onnx", folder / f"{mode}.json"
    call(q8, "quantize", model, *source, *MODES[mode], "--plan", plan, "-o", int8)
    with WarningsOf() as warnings:
        runtime = (OpenVino if mode == "openvino" else OnnxRuntime)(int8)
        results = [runtime.run(feed) for feed in feeds]
    state = "yes" if not warnings.lines else "warns: " + warnings.lines[0][-80:]
    expected = [reference.run(None, feed) for feed in feeds]
    ours = []
    for feed in feeds:
        outputs = zoo.q8_run(q8, int8, feed)
        ours.append([outputs[o.name] for o in reference.get_outputs()])
    quantization = sqnr_db([pair for a, b in zip(expected, results) for pair in zip(a, b)])
    agreement = sqnr_db([pair for a, b in zip(results, ours) for pair in zip(a, b)])
    same = sum(int(a[0].argmax()) == int(b[0].argmax()) for a, b in zip(expected, results)) / len(feeds)
    planned, ran = planned_products(plan), runtime.integer_products(feeds[0], folder)
    agrees = agreement >= min(quantization + MARGIN_DB[mode], ENOUGH_DB) or agreement >= runtime.own_agreement_db(feeds, results)
    well = state == "yes" and planned == ran and agrees
    products = str(ran) if planned == ran else f"{ran}, planned {planned}"
    return (state, products, f"{quantization:.1f}", "equal" if agreement == float("inf") else f"{agreement:.1f}", f"{100 * same:.0f} %",
            f"{model.stat().st_size / int8.stat().st_size:.2f}"), well


def rows_of(q8, model, task, modes, feeds, folder):
    reference = session_of(model, 3)
    profile = folder / "m.q8cal"
    if any(mode in CALIBRATED for mode in modes):
        preprocess = model.parent / "preprocessor_config.json"
        extra = ["--preprocess", preprocess] if preprocess.exists() else []
        call(q8, "calibrate", model, "--data", zoo.ZOO / task["calib"], "--samples", 100, "-o", profile, *extra)
    for mode in modes:
        source = ["--calibration", profile, "--observer", "auto:4", "--recover", "none"] if mode in CALIBRATED else []
        try:
            cells, well = row_of(q8, model, mode, source, reference, feeds, folder)
            yield (mode, *cells), well
        except Exception as error:  # the runtimes' own exceptions have no common base
            yield (mode, f"no: {' '.join(str(error).split())[-200:]}", "", "", "", "", ""), False


def line(cells):
    return "| " + " | ".join(cells) + " |"


def write(path, rows):
    """Puts the rows in place of those with the same model and mode, sorted as they are made."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = lines.index(line(COLUMNS))
    kept = {tuple(cell.strip() for cell in text.split("|")[1:3]): text for text in lines[head + 2:]}
    kept |= {row[:2]: line(row) for row in rows}
    modes = list(MODES)
    table = [kept[key] for key in sorted(kept, key=lambda key: (key[0], modes.index(key[1])))]
    path.write_text("\n".join(lines[:head + 2] + table) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8", required=True)
    parser.add_argument("--models")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--write", type=pathlib.Path)
    args = parser.parse_args()
    score = zoo.scorer()
    modes = args.modes.split(",")
    try:
        import openvino  # noqa: F401
    except ImportError:
        if modes == ["openvino"]:
            zoo.skip("openvino is not installed")
        print("openvino is not installed: its rows are left out")
        modes = [mode for mode in modes if mode != "openvino"]
    print(line(COLUMNS) + "\n" + line(["---"] * len(COLUMNS)), flush=True)
    rows, failed = [], 0
    for name, model, task in zoo.models(args.models.split(",") if args.models else None):
        feeds = zoo.samples(score, name, task, args.samples)
        with tempfile.TemporaryDirectory() as folder:
            for cells, well in rows_of(args.q8, model, task, modes, feeds, pathlib.Path(folder)):
                rows.append((name, *cells))
                failed += not well
                print(line(rows[-1]) + ("" if well else " FAILED"), flush=True)
    if args.write:
        write(args.write, rows)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

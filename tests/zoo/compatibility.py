"""The table of docs/compatibility.md: models of the zoo in every mode, loaded and run by the runtime that they are for.

    python tests/zoo/compatibility.py --q8 build/q8 [--models a,b] [--modes static,dynamic] [--samples 4] [--write docs/compatibility.md]

For each: whether the runtime (ONNX Runtime; OpenVINO for `--target openvino`) loads and runs it without a warning; how many products
(Conv, MatMul, Gemm …) it runs in integers, by its own profile, against what the plan says; the SQNR of its outputs against the FP32 model's
and of q8's outputs against its own; the share of samples whose largest output is the same one; how much smaller the file is.

Exit code 1 where a model does not load or run, warns, runs another number of products in integers than planned, or where q8's
outputs are not at least 3 dB nearer to the runtime's than these are to the FP32 model's (less for two modes, see MARGIN_DB) and
not as near as ONNX Runtime's own are with and without its optimizer, whose roundings differ too: some networks make a large
difference of one step anywhere. --write replaces the rows of the models that were run.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import zoo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runtimes import OnnxRuntime, OpenVino, WarningsOf, session_of, sqnr_db  # noqa: E402

MODES = {
    "static": ["--mode", "static"],
    "qoperator": ["--mode", "static", "--format", "qoperator"],
    "openvino": ["--mode", "static", "--target", "openvino"],
    "dynamic": ["--mode", "dynamic"],
    "weights": ["--mode", "weights"],
}
LOOKED_AT, NOTHING = 100, 0.01  # samples; of the largest output
CALIBRATED = ("static", "qoperator", "openvino")
PLANNED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM")
# Two errors of one size that have nothing to do with each other are 3 dB further apart than each is from the float model.
MARGIN_DB = {mode: 3 for mode in MODES}
ENOUGH_DB = 50
# ONNX Runtime makes a MatMul with s8 weights a MatMulNBits, which rounds its inputs to 8 bits by itself.
MARGIN_DB["weights"] = 0
# OpenVINO carries scales over sums and pools and rounds in other places.
MARGIN_DB["openvino"] = -4
COLUMNS = ("model", "mode", "runs", "products in integers", "SQNR, dB", "q8 to runtime, dB", "same largest output", "times smaller")


def call(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[-200:]}")


def planned_products(plan):
    nodes = json.loads(plan.read_text())["nodes"]
    return sum(n["mode"] in ("integer", "dynamic") and n["op_type"] in PLANNED for n in nodes)


def telling(model, feeds, count):
    """The first `count` with outputs above NOTHING: where a detector finds nothing, they are the last bits of sigmoids near 0."""
    reference = session_of(model, 3)
    signal = [max(float(abs(a).max()) for a in reference.run(None, feed) if a.dtype.kind == "f") for feed in feeds]
    return [feed for feed, s in zip(feeds, signal) if s >= NOTHING * max(signal)][:count]


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
    planned, ran = planned_products(plan), runtime.integer_products(feeds[:1], folder)
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
        feeds = telling(model, zoo.samples(score, name, task, LOOKED_AT), args.samples)
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

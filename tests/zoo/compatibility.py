"""The table of docs/compatibility.md: every model of the zoo in every mode, loaded and run by ONNX Runtime.

    python tests/zoo/compatibility.py --q8 build/q8 [--models a,b] [--modes static,dynamic] [--samples 4] [--markdown FILE]

For each: whether ONNX Runtime loads and runs it without a warning, the SQNR of its outputs against the FP32 model's
(both by ONNX Runtime, over all samples), the share of samples whose largest output is the same one, and how much smaller
the file is. Exit code 1 where a model does not load or run, or warns.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import zoo

MODES = {
    "static": ["--mode", "static"],
    "qoperator": ["--mode", "static", "--format", "qoperator"],
    "dynamic": ["--mode", "dynamic"],
    "weights": ["--mode", "weights"],
}


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


def session_of(path, severity):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = severity  # 2: warnings
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def compare(float_session, session, feeds):
    import numpy as np

    signal = noise = 0.0
    same = 0
    for feed in feeds:
        reference, result = float_session.run(None, feed), session.run(None, feed)
        for a, b in zip(reference, result):
            if a.dtype.kind == "f":
                signal += float((a.astype(np.float64) ** 2).sum())
                noise += float(((a.astype(np.float64) - b.astype(np.float64)) ** 2).sum())
        same += int(reference[0].argmax()) == int(result[0].argmax())
    sqnr = float("inf") if noise == 0 else 10 * np.log10(signal / noise) if noise == noise else float("nan")
    return sqnr, same / len(feeds)


def call(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[-200:]}")


def rows_of(q8, name, model, task, modes, feeds, folder):
    reference = session_of(model, 3)
    profile = folder / "m.q8cal"
    if "static" in modes or "qoperator" in modes:
        preprocess = model.parent / "preprocessor_config.json"
        extra = ["--preprocess", preprocess] if preprocess.exists() else []
        call(q8, "calibrate", model, "--data", zoo.ZOO / task["calib"], "--samples", 100, "-o", profile, *extra)
    for mode in modes:
        int8 = folder / f"{mode}.onnx"
        source = ["--calibration", profile, "--recover", "none"] if mode in ("static", "qoperator") else []
        try:
            call(q8, "quantize", model, *source, *MODES[mode], "-o", int8)
            with WarningsOf() as warnings:
                session = session_of(int8, 2)
                sqnr, same = compare(reference, session, feeds)
            state = "yes" if not warnings.lines else "warns: " + warnings.lines[0][-80:]
            yield mode, state, f"{sqnr:.1f}", f"{100 * same:.0f} %", f"{model.stat().st_size / int8.stat().st_size:.2f}"
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            yield mode, f"no: {str(error)[:120]}", "", "", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8", required=True)
    parser.add_argument("--models")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--markdown", type=pathlib.Path)
    args = parser.parse_args()
    score = zoo.scorer()
    lines = ["| model | mode | ONNX Runtime runs it | SQNR, dB | same largest output | times smaller |", "|---|---|---|---|---|---|"]
    print("\n".join(lines), flush=True)
    failed = 0
    for name, model, task in zoo.models(args.models.split(",") if args.models else None):
        feeds = zoo.samples(score, name, task, args.samples)
        with tempfile.TemporaryDirectory() as folder:
            for row in rows_of(args.q8, name, model, task, args.modes.split(","), feeds, pathlib.Path(folder)):
                lines.append("| " + " | ".join((name, *row)) + " |")
                print(lines[-1], flush=True)
                failed += row[1] != "yes"
    if args.markdown:
        args.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

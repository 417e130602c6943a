"""INT8 outputs of q8 against ONNX Runtime's, on the models that q8 quantized from the zoo.

    python tests/zoo/compare_int8.py --q8 build/q8 [--models a,b] [--samples 2] [--format qdq]

Prints, for each model, the share of equal output elements (bit for bit where the output is integers, to 1e-5 of the
output's range where the last operators are float), and two SQNRs: of q8's outputs with ONNX Runtime's as reference, and
of the INT8 model's with the FP32 model's. ONNX Runtime computes Sigmoid, Add and pools of bytes by tables of its own, so
99.9 % equal elements are only asked for where the graph is Conv, Gemm, pools and Concat; elsewhere the difference must,
on each sample, be at least 6 dB below the error that quantization makes there (or beyond 50 dB). ONNX Runtime with
and without its own optimizer differs by more.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import zoo

# Graphs of nothing but Conv, Gemm, MatMul, Relu, pools and Concat in integers.
EXACT = {"squeezenet1.1", "cifar10_nhwc", "mnist_cntk", "letter_mlp"}
# What is compared is the arithmetic of one file; which ranges it has does not matter.
UNTRIED = ["--observer", "auto:4", "--recover", "none"]
MARGIN_DB = 6
FLOOR = 0.01
# A float Softmax of logits near 30 turns their rounding, 30 · 2⁻²⁴, into 2e-6 of its result; a step of an integer output is 4e-3.
FLOAT_SLACK = 1e-5
ENOUGH_DB = 50  # near enough where quantization happens to make no error on a sample


def quantize(q8, name, model, task, options, folder):
    profile, int8 = folder / "m.q8cal", folder / "m.int8.onnx"
    calibrate = [q8, "calibrate", model, "--data", zoo.ZOO / task["calib"], "--samples", "100", "-o", profile]
    preprocess = model.parent / "preprocessor_config.json"
    if preprocess.exists():
        calibrate += ["--preprocess", preprocess]
    for command in (calibrate, [q8, "quantize", model, "--calibration", profile, "-o", int8, *options]):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()[-300:]}")
    return int8


def sqnr_db(reference, ours):
    """Elements below FLOOR count as FLOOR in the signal: a detector that sees nothing puts out a Sigmoid's far tail, where
    a rounding of the logit by one step is most of the value."""
    import numpy as np

    signal = sum(float(np.maximum(a.astype(np.float64) ** 2, FLOOR ** 2).sum()) for a in reference.values())
    noise = sum(float(((a.astype(np.float64) - ours[n].astype(np.float64)) ** 2).sum()) for n, a in reference.items())
    return float("inf") if noise == 0 else 10 * float(np.log10(signal / noise))


def equal_share(reference, ours):
    import numpy as np

    equal = count = 0
    for name, a in reference.items():
        b = ours[name]
        slack = FLOAT_SLACK * float(a.max() - a.min()) if a.dtype.kind == "f" else 0
        equal += int((np.abs(a.astype(np.float64) - b.astype(np.float64)) <= slack).sum())
        count += a.size
    return equal / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8", required=True)
    parser.add_argument("--models")
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--format", default="qdq")
    args = parser.parse_args()
    score = zoo.scorer()
    failed = 0
    for name, model, task in zoo.models(args.models.split(",") if args.models else None):
        try:
            with tempfile.TemporaryDirectory() as folder:
                int8 = quantize(args.q8, name, model, task, ["--format", args.format, *UNTRIED], pathlib.Path(folder))
                shares, ours, quantization = [], [], []
                for feed in zoo.samples(score, name, task, args.samples):
                    reference, result = zoo.onnxruntime_run(int8, feed), zoo.q8_run(args.q8, int8, feed)
                    shares.append(equal_share(reference, result))
                    ours.append(sqnr_db(reference, result))
                    quantization.append(sqnr_db(zoo.onnxruntime_run(model, feed), reference))
        except RuntimeError as error:
            print(f"{name:32} FAILED {error}", flush=True)
            failed += 1
            continue
        wrong = min(shares) < 0.999 if name in EXACT else any(o < min(q + MARGIN_DB, ENOUGH_DB) for o, q in zip(ours, quantization))
        failed += wrong
        print(f"{name:32} equal {100 * min(shares):6.2f} %  to ONNX Runtime {min(ours):6.1f} dB  INT8 to FP32 {max(quantization):5.1f} dB "
              f"{'TOO FAR' if wrong else 'ok'}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What calibration costs, as Markdown tables: q8 with and without statistics, ONNX Runtime's calibrators, and q8's memory by samples.

    python calibrate_cost.py --q8 build/q8 --model model.onnx --data images/ [--samples 100] [--curve 50,150,300,1000] [--threads 1]

ONNX Runtime gets random normal arrays of the input's shape: its cost does not depend on the values. Times are seconds for all samples; memory is the peak of the whole process. Needs onnxruntime.
"""
import argparse
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time


def run(command, **kwargs):
    """(stdout, wall seconds, peak MB) of a command, which must succeed."""
    begin = time.monotonic()
    child = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
    out, err = child.communicate()
    seconds = time.monotonic() - begin
    if child.returncode:
        sys.exit(f"{command}: {err.decode(errors='replace')}")
    return out.decode(), seconds


def measured(command):
    """(stdout, wall seconds, peak MB), the peak taken by a small parent of its own."""
    code = ("import resource,subprocess,sys\nd=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE)\nsys.stdout.buffer.write(d.stdout)\n"
            "print('peak_kb',resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\nsys.exit(d.returncode)")
    out, seconds = run([sys.executable, "-c", code, *[str(c) for c in command]])
    text, _, peak = out.rpartition("peak_kb ")
    return text, seconds, int(peak) / 1024


def peer(method, model, samples, threads):
    """Run in a process of its own: ONNX Runtime's calibrator, or plain inference for "forward"."""
    import numpy as np
    import onnxruntime as ort
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, create_calibrator

    ort.set_default_logger_severity(3)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    shapes = {i.name: [d if isinstance(d, int) else 1 for d in i.shape] for i in session.get_inputs()}
    rng = np.random.default_rng(1)
    feeds = [{n: rng.standard_normal(s, np.float32) for n, s in shapes.items()} for _ in range(4)]

    class Reader(CalibrationDataReader):
        count = 0

        def get_next(self):
            self.count += 1
            return feeds[self.count % len(feeds)] if self.count <= samples else None

    begin = time.monotonic()
    if method == "forward":
        for k in range(samples):
            session.run(None, feeds[k % len(feeds)])
    else:
        del session
        kind = {"minmax": CalibrationMethod.MinMax, "percentile": CalibrationMethod.Percentile, "entropy": CalibrationMethod.Entropy}[method]
        with tempfile.TemporaryDirectory() as folder:
            calibrator = create_calibrator(model, augmented_model_path=str(pathlib.Path(folder) / "a.onnx"), calibrate_method=kind)
            if threads:
                calibrator.infer_session = ort.InferenceSession(calibrator.augmented_model_path, options, providers=["CPUExecutionProvider"])
            calibrator.collect_data(Reader())
            calibrator.compute_data()
    print(f"{time.monotonic() - begin} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8")
    parser.add_argument("--model", required=True)
    parser.add_argument("--data")
    parser.add_argument("--preprocess")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--curve", default="50,150,300")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return peer(args.peer, args.model, args.samples, args.threads)

    with tempfile.TemporaryDirectory() as folder:
        def calibrate(samples, *more):
            command = [args.q8, "calibrate", args.model, "--data", args.data, "--samples", samples, "--threads", args.threads,
                       "--quiet", "-o", pathlib.Path(folder) / "p.q8cal", *more]
            return measured(command + (["--preprocess", args.preprocess] if args.preprocess else []))

        text, _, _ = calibrate(args.samples, "--profile-cost")
        forward, observed = (float(x) for x in re.search(r"forward pass ([\d.]+) ms, with statistics ([\d.]+) ms", text).groups())
        _, seconds, peak = calibrate(args.samples)
        print(f"{pathlib.Path(args.model).parent.name or args.model}, {args.samples} samples, {args.threads} thread(s)\n")
        print("| | ms a sample | times its forward pass | seconds in all | peak MB |\n|---|---|---|---|---|")
        print(f"| q8, forward pass | {forward:.2f} | 1 | | |")
        print(f"| q8, all observers | {observed:.2f} | {observed / forward:.2f} | {seconds:.1f} (decoding included) | {peak:.0f} |")
        base = None
        for method in ("forward", "minmax", "percentile", "entropy"):
            out, _ = run([sys.executable, os.path.abspath(__file__), "--peer", method, "--model", args.model, "--samples", args.samples,
                          "--threads", args.threads])
            spent, memory = (float(x) for x in out.split()[-2:])
            base = base or spent
            name = "forward pass" if method == "forward" else method
            print(f"| ONNX Runtime, {name} | {1000 * spent / args.samples:.2f} | {spent / base:.2f} | {spent:.1f} | {memory:.0f} |")
        print("\n| samples | peak MB |\n|---|---|")
        for samples in args.curve.split(","):
            out, _, peak = calibrate(samples)
            taken = re.search(r"(\d+) samples", out).group(1)
            print(f"| {taken} | {peak:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

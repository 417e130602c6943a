#!/usr/bin/env python3
"""Whether --observer auto is at least as good as each single observer, as a Markdown table.

    python compare_observers.py --q8 build/q8 --zoo DIR --score score.py [--models a,b] [--observers auto,minmax,mse] [--json out.json] [--paired PAIRS.md]

Every model of the zoo is calibrated once and quantized once for each observer; the results run in ONNX Runtime on samples that calibration
never saw. DIR/models/NAME holds model.onnx and task.json (calib, eval, input, samples); score.py loads the samples and compares (its functions
load_eval, load_pairs, run and compare). A cell is SQNR in dB and, for classifiers, the share of samples where INT8 and FP32 pick the same class.
What auto is behind in stands in the last column, and whether chance explains it: for SQNR the 95 % interval of the difference, from 500 bootstrap
samples of the evaluation samples (where it holds 0, other samples could as well have shown auto ahead); for agreement the exact McNemar test of the
samples where one of the two agrees and the other does not. Its p counts one comparison, and the best of several observers is compared here, so it is
too small rather than too large. With --paired PAIRS.md every pair of auto and a single observer is written there with the same tests. Options behind -- go to q8 quantize. With --json, results so far are kept there and not
measured again. Needs onnxruntime and what score.py needs.
"""
import argparse
import importlib.util
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

OBSERVERS = "auto,minmax,percentile,entropy,mse,average,aciq"


def load_module(path):
    spec = importlib.util.spec_from_file_location("score", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_q8(command, folder):
    begin = time.monotonic()
    done = subprocess.run([str(c) for c in command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[1]}: {done.stderr.strip()[-300:]}")
    return time.monotonic() - begin, done.stdout


def measure(score, q8, zoo, name, observers, extra, known):
    """{observer: {"sqnr", "agree", "seconds", "said"}}"""
    model = zoo / "models" / name
    task = json.loads((model / "task.json").read_text())
    missing = [o for o in observers if o not in known]
    if not missing:
        return known
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder) / "m.q8cal"
        calibrate = [q8, "calibrate", model / "model.onnx", "--data", zoo / task["calib"], "-o", profile, "--quiet"]
        if (model / "preprocessor_config.json").exists():
            calibrate += ["--preprocess", model / "preprocessor_config.json"]
        calibrate += ["--samples", task["samples"]] if "samples" in task else []
        run_q8(calibrate, folder)
        inputs, labels = score.load_eval(model, task, zoo)
        pairs = score.load_pairs(task, zoo)
        reference = score.run(model / "model.onnx", inputs)
        for observer in missing:
            int8 = pathlib.Path(folder) / "m.int8.onnx"
            seconds, said = run_q8([q8, "quantize", model / "model.onnx", "--calibration", profile, "--observer", observer, "-o", int8, "--quiet",
                                    *extra], folder)
            outputs = score.run(int8, inputs)
            result = score.compare(reference, outputs, labels, pairs)
            known[observer] = {k: float(v) for k, v in result.items() if k in ("sqnr", "agree", "spearman")}
            known[observer] |= {"samples": by_sample(reference, outputs)}
            known[observer] |= {"seconds": seconds, "said": said}
    return known


def by_sample(reference, outputs):
    """Of each sample: energy of the FP32 outputs, energy of the error, and whether the largest value of the first output is the same."""
    rows = []
    for r, o in zip(reference, outputs):
        a, b = (np.concatenate([np.asarray(x, np.float64) for x in y]) for y in (r, o))
        rows.append([float(a @ a), float((a - b) @ (a - b)), float(r[0].argmax() == o[0].argmax())])
    return rows


def interval(ours, theirs):
    """95 % of what the difference in SQNR, ours - theirs, would be for other samples of the kind."""
    a, b = np.array(ours), np.array(theirs)
    random = np.random.default_rng(0)

    def value(rows, chosen):
        signal, noise, _ = rows[chosen].sum(axis=0)
        return 10 * np.log10(signal / noise)

    drawn = (random.integers(0, len(a), len(a)) for _ in range(500))
    return np.percentile([value(a, chosen) - value(b, chosen) for chosen in drawn], [2.5, 97.5])


def mcnemar(ours, theirs):
    """(samples where ours alone agree, samples where theirs alone do, two-sided p of a split at least so uneven were both as good)"""
    a, b = (np.array(rows)[:, 2] > 0 for rows in (ours, theirs))
    ours_alone, theirs_alone = int((a & ~b).sum()), int((b & ~a).sum())
    n = ours_alone + theirs_alone
    tail = sum(math.comb(n, k) for k in range(min(ours_alone, theirs_alone) + 1))
    return ours_alone, theirs_alone, min(1.0, 2 * tail / 2**n)


def tested(key, theirs, auto):
    """How auto stands to another in words: the difference, and what chance says to it."""
    text = f"{theirs[key] - auto[key]:+.4f}"
    if key == "sqnr":
        text += " [{:+.2f}, {:+.2f}]".format(*interval(theirs["samples"], auto["samples"]))
    if key == "agree":
        theirs_alone, ours_alone, p = mcnemar(theirs["samples"], auto["samples"])
        text += f" ({theirs_alone} samples against {ours_alone}, p = {p:.2g})"
    return text


def cell(result, observer, best):
    r = result[observer]
    text = f"{r['sqnr']:.2f}" + (f" ({100 * r['agree']:.2f} %)" if "agree" in r else "")
    return f"**{text}**" if observer == best else text


def behind(result):
    """What auto is behind in, and by whom: never to be hidden."""
    auto = result["auto"]
    words = []
    for key, unit in (("sqnr", 0.005), ("agree", 1e-9), ("spearman", 1e-9)):
        better = [o for o, r in result.items() if o != "auto" and key in r and r[key] > auto[key] + unit]
        if better:
            most = max(better, key=lambda o: result[o][key])
            words.append(f"{key}: {most} by {tested(key, result[most], auto)}")
    return "; ".join(words)


def write_pairs(path, results):
    """Every model and single observer: what it is ahead of auto (behind, where negative)."""
    lines = ["| model | observer | SQNR dB, 95 % | agreement |", "|---|---|---|---|"]
    for name, result in results.items():
        for observer, r in result.items():
            if observer != "auto":
                agree = tested("agree", r, result["auto"]) if "agree" in r else "–"
                lines.append(f"| {name} | {observer} | {tested('sqnr', r, result['auto'])} | {agree} |")
    pathlib.Path(path).write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8", required=True)
    parser.add_argument("--zoo", required=True)
    parser.add_argument("--score", required=True)
    parser.add_argument("--models")
    parser.add_argument("--observers", default=OBSERVERS)
    parser.add_argument("--json")
    parser.add_argument("--paired")
    parser.add_argument("extra", nargs="*")
    args = parser.parse_args()
    score, zoo, q8 = load_module(args.score), pathlib.Path(args.zoo).resolve(), str(pathlib.Path(args.q8).resolve())
    names = args.models.split(",") if args.models else sorted(p.parent.name for p in zoo.glob("models/*/task.json"))
    observers = args.observers.split(",")
    store = pathlib.Path(args.json) if args.json else None
    results = json.loads(store.read_text()) if store and store.exists() else {}
    print("| model | " + " | ".join(observers) + " | auto behind in |\n|" + "---|" * (len(observers) + 2), flush=True)
    losses = 0
    for name in names:
        result = results[name] = measure(score, q8, zoo, name, observers, args.extra, results.get(name, {}))
        if store:
            store.write_text(json.dumps(results, indent=1))
        best = max(observers, key=lambda o: result[o]["sqnr"])
        lost = behind({o: result[o] for o in observers}) if "auto" in observers else ""
        losses += bool(lost)
        print(f"| {name} | " + " | ".join(cell(result, o, best) for o in observers) + f" | {lost} |", flush=True)
    if args.paired and "auto" in observers:
        write_pairs(args.paired, {n: {o: results[n][o] for o in observers} for n in names})
    print(f"\n{len(names)} models, auto is behind a single observer in {losses}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Whether --observer auto is at least as good as each single observer, as a Markdown table.

    python compare_observers.py --q8 build/q8 --zoo DIR --score score.py [--models a,b] [--observers auto,minmax,mse] [--json out.json]

Every model of the zoo is calibrated once and quantized once for each observer; the results run in ONNX Runtime on samples that calibration
never saw. DIR/models/NAME holds model.onnx and task.json (calib, eval, input, samples); score.py loads the samples and compares (its functions
load_eval, load_pairs, run and compare). A cell is SQNR in dB and, for classifiers, the share of samples where INT8 and FP32 pick the same class.
What auto is behind in stands in the last column with the 95 % interval of the difference, from 500 bootstrap samples of the evaluation samples: where
it holds 0, other samples could as well have shown auto ahead. Options behind -- go to q8 quantize. With --json, results so far are kept there and not
measured again. Needs onnxruntime and what score.py needs.
"""
import argparse
import importlib.util
import json
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


def interval(ours, theirs, key):
    """95 % of what the difference ours - theirs would be for other samples of the kind."""
    a, b = np.array(ours), np.array(theirs)
    random = np.random.default_rng(0)

    def value(rows, chosen):
        signal, noise, agree = rows[chosen].sum(axis=0)
        return 10 * np.log10(signal / noise) if key == "sqnr" else agree / len(chosen)

    drawn = (random.integers(0, len(a), len(a)) for _ in range(500))
    return np.percentile([value(a, chosen) - value(b, chosen) for chosen in drawn], [2.5, 97.5])


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
            words.append(f"{key}: {most} by {result[most][key] - auto[key]:.4f}")
            if key != "spearman":
                words[-1] += " [{:.4f}, {:.4f}]".format(*interval(result[most]["samples"], auto["samples"], key))
    return "; ".join(words)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8", required=True)
    parser.add_argument("--zoo", required=True)
    parser.add_argument("--score", required=True)
    parser.add_argument("--models")
    parser.add_argument("--observers", default=OBSERVERS)
    parser.add_argument("--json")
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
    print(f"\n{len(names)} models, auto is behind a single observer in {losses}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

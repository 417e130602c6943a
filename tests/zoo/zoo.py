"""What the zoo tests share: the models of ../shared/zoo, their samples, and q8 and ONNX Runtime run on them."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("Q8_SHARED", ROOT.parent / "shared"))
ZOO = SHARED / "zoo"
SKIP = 77  # ctest's SKIP_RETURN_CODE


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIP)


def scorer():
    """The zoo's own scoring script, for its preprocessing and sample rules."""
    path = SHARED / "tools" / "score.py"
    if not path.exists():
        skip(f"no {path.name} beside this checkout")
    spec = importlib.util.spec_from_file_location("score", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def models(names=None):
    """(name, model.onnx, task) of all models of the zoo, or of those named."""
    for folder in sorted(ZOO.glob("models/*")):
        if names and folder.name not in names:
            continue
        yield folder.name, folder / "model.onnx", json.loads((folder / "task.json").read_text())


def samples(score, name, task, count):
    """The first `count` evaluation samples, or all, as dicts of arrays, shaped as the model wants them."""
    task = dict(task, eval_limit=count)
    inputs, _ = score.load_eval(ZOO / "models" / name, task, ZOO)
    dims = input_dims(ZOO / "models" / name / "model.onnx")
    feeds = []
    for k in range(min(count, max(len(a) for a in inputs.values() if a.ndim))):
        feed = {}
        for i, shape in dims.items():
            a = inputs[i]
            feed[i] = a if a.ndim == 0 else a[k] if a.ndim == len(shape) + 1 else a[k:k + 1]
        feeds.append(feed)
    return feeds


def onnxruntime_session(model, optimized=True):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def input_dims(model):
    """Name → dimensions of each input; an open one is a name, None or not above 0."""
    return {i.name: i.shape for i in onnxruntime_session(model).get_inputs()}


def onnxruntime_run(model, feed, optimized=True):
    session = onnxruntime_session(model, optimized)
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feed)))


def q8_run(q8, model, feed, *options):
    """The outputs of `q8 run`; raises with its error where it fails."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        inputs, output = pathlib.Path(folder) / "in.npz", pathlib.Path(folder) / "out.npz"
        np.savez(inputs, **feed)
        command = [str(q8), "run", str(model), "--inputs", str(inputs), "-o", str(output), *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr.strip()}")
        with np.load(output) as arrays:
            return {key: arrays[key] for key in arrays.files}

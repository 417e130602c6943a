"""q8 beside ONNX Runtime on whole models, in one run: latency, peak memory and time to load, as Markdown tables.

    python bench/compare_with_onnxruntime.py --q8 build/q8 [--models resnet50,minilm_l6] [--threads 1,2]
                                             [--rounds 5] [--seconds 1.0] [--no-int8] [--layers] [--isa avx512vnni]

Models: ResNet-50, MobileNetV2 and a part of ViT-L/16 with random weights (make_models.py) and those of ../shared/zoo where it stands beside
the checkout. INT8 models are made by q8 (`q8 calibrate`, `q8 quantize`) and run by both. Both programs are fed what
`q8 bench` makes up: floats between 0 and 1, integers 1.

With --layers, products and convolutions of ResNet-50 and MobileNetV2 (make_layers.py) take the models' place, FP32 alone.
ONNX Runtime is called from Python, which is some 10 µs of its figures: part of the shortest ones only.

With --isa q8 uses no better instruction set than that one. ONNX Runtime is kept from AMX then, where the CPU has it
(without_amx.c); it has no switch for the others, so that beside --isa avx2 it still runs AVX512-VNNI.

The two take turns: in each round q8 runs for about --seconds, then ONNX Runtime. A figure is the least time of all
runs, which other work on the machine disturbs least; a ratio is q8's by ONNX Runtime's, below 1 is faster or smaller.
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime as ort

import make_layers
import make_models

ROOT = pathlib.Path(__file__).resolve().parents[1]
ZOO = pathlib.Path(os.environ.get("Q8_SHARED", ROOT.parent / "shared")) / "zoo"
# Where the model leaves more open than the batch: as its data are. Other open dimensions are 1.
SHAPES = {"minilm_l6": {"input_ids": (1, 64), "attention_mask": (1, 64), "token_type_ids": (1, 64)},
          "ocr_detection": {"x": (1, 3, 320, 320)},
          "text_direction_mobilenetv3": {"x": (1, 3, 48, 192)},
          "speech_digits_dscnn": {"logmel": (1, 80, 40)},
          "speech_digits_gru": {"logmel": (1, 80, 40)}}
TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_,
         "tensor(double)": np.float64, "tensor(uint8)": np.uint8}


def ort_session(model, threads):
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def shape_of(value, shapes):
    return shapes.get(value.name, tuple(d if isinstance(d, int) else 1 for d in value.shape))


def feed_of(session, shapes):
    random = np.random.default_rng(1)
    feed = {}
    for value in session.get_inputs():
        kind, shape = TYPES[value.type], shape_of(value, shapes)
        feed[value.name] = random.random(shape).astype(kind) if np.issubdtype(kind, np.floating) else np.ones(shape, kind)
    return feed


def status_kb(key):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def memory_and_load(model, threads, shapes):
    """(peak bytes from loading to the end of the first run, seconds to load) of ONNX Runtime. Runs in a child process."""
    session = ort_session(model, threads)  # what the process allocates once for all is there
    feed = feed_of(session, shapes)
    session.run(None, feed)
    del session
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        session = ort_session(model, threads)
        times.append(time.perf_counter() - begin)
        del session
    import ctypes
    ctypes.CDLL(None).malloc_trim(0)
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = status_kb("VmRSS")
    session = ort_session(model, threads)
    session.run(None, feed)
    return (status_kb("VmHWM") - before) * 1024, min(times)


def in_child(model, threads, shapes):
    request = json.dumps({"model": str(model), "threads": threads, "shapes": shapes})
    done = subprocess.run([sys.executable, __file__, "--child", request], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def may_use_amx():
    return "amx_int8" in pathlib.Path("/proc/cpuinfo").read_text() and "without_amx" not in os.environ.get("LD_PRELOAD", "")


def run_without_amx():
    """This program once more, with a library beside it that keeps it from AMX."""
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(folder) / "without_amx.so"
        source = pathlib.Path(__file__).with_name("without_amx.c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        return subprocess.run([sys.executable, *sys.argv], env=os.environ | {"LD_PRELOAD": str(library)}).returncode


def q8_bench(q8, isa, model, threads, shapes, runs):
    command = [q8, "--threads", str(threads), "bench", str(model), "--runs", str(runs), "--warmup", "3", "--json", "-"]
    if isa:
        command[1:1] = ["--isa", isa]
    for name, shape in shapes.items():
        command += ["--shape", f"{name}={'x'.join(map(str, shape))}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)["fp32"]


def ort_least_ms(session, feed, runs):
    times = []
    for _ in range(3 + runs):
        begin = time.perf_counter()
        session.run(None, feed)
        times.append(1000 * (time.perf_counter() - begin))
    return min(times[3:])


def latencies(args, model, threads, shapes):
    """What q8 says in each round, and the least time of ONNX Runtime in each."""
    session = ort_session(model, threads)
    feed = feed_of(session, shapes)
    shapes = {name: value.shape for name, value in feed.items() if name in shapes}
    once = ort_least_ms(session, feed, 1)
    runs = max(3, min(2000, int(1000 * args.seconds / once)))
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours.append(q8_bench(args.q8, args.isa, model, threads, shapes, runs))
        theirs.append(ort_least_ms(session, feed, runs))
    return ours, theirs


def compare(args, model, threads, shapes):
    ours, theirs = latencies(args, model, threads, shapes)
    peak, load = in_child(model, threads, shapes)
    return {"q8_ms": min(o["latency_ms"]["min"] for o in ours), "ort_ms": min(theirs),
            "q8_mb": min(o["peak_memory_bytes"] for o in ours) / 1e6, "ort_mb": peak / 1e6,
            "q8_load": min(o["load_ms"] for o in ours), "ort_load": 1000 * load}


def random_samples(model, folder):
    """Calibration data for a model without any: eight arrays."""
    folder.mkdir()
    random = np.random.default_rng(7)
    for i in range(8):
        np.save(folder / f"{i}.npy", random.random((3, 224, 224), np.float32))
    return folder


def quantize(q8, model, folder):
    task = model.parent / "task.json"
    data = ZOO / json.loads(task.read_text())["calib"] if task.exists() else random_samples(model, folder / "samples")
    profile, int8 = folder / "m.q8cal", folder / "m.int8.onnx"
    for command in ([q8, "calibrate", model, "--data", data, "--samples", "16", "-o", profile],
                    [q8, "quantize", model, "--calibration", profile, "--recover", "none", "-o", int8]):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr.strip())
    return int8


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def compare_layers(args, scratch):
    for threads in map(int, args.threads.split(",")):
        print(f"\n### FP32 layers, {threads} thread{'' if threads == 1 else 's'}\n")
        print("| layer | q8 µs | ONNX Runtime µs | ratio |\n|---|---|---|---|", flush=True)
        for name in args.models.split(",") if args.models else make_layers.LAYERS:
            model = scratch / f"{name}.onnx"
            make_models.save(make_layers.build(name), model)
            ours, theirs = latencies(args, model, threads, {})
            q8_ms, ort_ms = min(o["latency_ms"]["min"] for o in ours), min(theirs)
            print(f"| {name} | {1000 * q8_ms:.0f} | {1000 * ort_ms:.0f} | **{q8_ms / ort_ms:.2f}** |", flush=True)


HEADER = """
### {kind}, {threads} thread{s}

| model | q8 ms | ONNX Runtime ms | ratio | q8 MB | ONNX Runtime MB | ratio | q8 load ms | ONNX Runtime load ms |
|---|---|---|---|---|---|---|---|---|"""


OWN_HEADER = """
### INT8 beside FP32, both by q8

| model | threads | FP32 ms | INT8 ms | times faster | FP32 MB | INT8 MB | ratio |
|---|---|---|---|---|---|---|---|"""


def own_row(name, threads, fp32, int8):
    return (f"| {name} | {threads} | {fp32['q8_ms']:.3g} | {int8['q8_ms']:.3g} | **{fp32['q8_ms'] / int8['q8_ms']:.2f}** | "
            f"{fp32['q8_mb']:.1f} | {int8['q8_mb']:.1f} | {int8['q8_mb'] / fp32['q8_mb']:.2f} |")


def row(name, r):
    return (f"| {name} | {r['q8_ms']:.3g} | {r['ort_ms']:.3g} | **{r['q8_ms'] / r['ort_ms']:.2f}** | {r['q8_mb']:.1f} | "
            f"{r['ort_mb']:.1f} | {r['q8_mb'] / max(r['ort_mb'], 0.1):.2f} | {r['q8_load']:.1f} | {r['ort_load']:.1f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8")
    parser.add_argument("--models")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--no-int8", action="store_true")
    parser.add_argument("--no-fp32", action="store_true")
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--isa")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        request = json.loads(args.child)
        shapes = {name: tuple(shape) for name, shape in request["shapes"].items()}
        print(json.dumps(memory_and_load(request["model"], request["threads"], shapes)))
        return 0
    if not args.q8:
        parser.error("--q8 is needed")
    if args.isa not in (None, "amx") and may_use_amx():
        return run_without_amx()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        if args.layers:
            print(f"{cpu_name()}, {time.strftime('%Y-%m-%d')}, ONNX Runtime {ort.__version__}")
            compare_layers(args, scratch)
            return 0
        models = {}
        for name, build in make_models.MODELS.items():
            models[name] = scratch / f"{name}.onnx"
        for folder in sorted(ZOO.glob("models/*")):
            models[folder.name] = folder / "model.onnx"
        if args.models:
            models = {name: models[name] for name in args.models.split(",")}
        for name in models.keys() & make_models.MODELS.keys():
            make_models.save(make_models.MODELS[name](), models[name])
        print(f"{cpu_name()}, {time.strftime('%Y-%m-%d')}, ONNX Runtime {ort.__version__}")
        kinds = ([] if args.no_fp32 else ["FP32"]) + ([] if args.no_int8 else ["INT8"])
        failed, int8, results = 0, {}, {}
        for kind in kinds:
            for threads in map(int, args.threads.split(",")):
                print(HEADER.format(kind=kind, threads=threads, s="" if threads == 1 else "s"), flush=True)
                for name, model in models.items():
                    try:
                        if kind == "INT8" and name not in int8:
                            folder = scratch / f"{name}_int8"
                            folder.mkdir()
                            int8[name] = quantize(args.q8, model, folder)
                        result = compare(args, int8[name] if kind == "INT8" else model, threads, SHAPES.get(name, {}))
                        results[kind, threads, name] = result
                        print(row(name, result), flush=True)
                    except Exception as error:  # one model that fails must not hide the others
                        print(f"| {name} | failed: {str(error)[-200:]} |", flush=True)
                        failed += 1
        pairs = [(name, threads) for kind, threads, name in results if kind == "INT8" and ("FP32", threads, name) in results]
        if pairs:
            print(OWN_HEADER)
        for name, threads in pairs:
            print(own_row(name, threads, results["FP32", threads, name], results["INT8", threads, name]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

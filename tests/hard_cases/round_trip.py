"""A model through q8 and through ONNX Runtime: calibrated once, quantized in any number of ways, run by both, compared."""
import collections
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runtimes import OnnxRuntime, WarningsOf, session_of, sqnr_db  # noqa: E402

RUN_SAMPLES = 4
PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM")


class Quantized:
    """A quantized model: its file, the plan's nodes, and what q8 said of it."""

    def __init__(self, path, plan, said):
        self.path, self.plan, self.said = path, json.loads(plan.read_text())["nodes"], said
        self.model = onnx.load(path)

    def count(self, *modes):
        """Operator types of the nodes in these modes."""
        return collections.Counter(n["op_type"] for n in self.plan if n["mode"] in modes)

    def in_bodies(self, op_type, modes):
        """Nodes of the type in bodies, in these modes."""
        return sum(n["op_type"] == op_type and n["mode"] in modes and "; in " in n["reason"] for n in self.plan)

    def planned_products(self):
        counts = self.count("integer", "dynamic")
        return sum(counts[op_type] for op_type in PRODUCTS)


def write_samples(folder, model, samples):
    """As ONNX test data sets: the only form of data for inputs of varying shapes."""
    constants = {t.name for t in model.graph.initializer}
    names = [i.name for i in model.graph.input if i.name not in constants]
    for k, feed in enumerate(samples):
        target = folder / f"test_data_set_{k}"
        target.mkdir(parents=True)
        for i, name in enumerate(names):
            (target / f"input_{i}.pb").write_bytes(onnx.numpy_helper.from_array(feed[name], name).SerializeToString())


class RoundTrip:
    """`make` returns (model, samples); samples is a list of feeds."""

    def __init__(self, q8, make, folder):
        self.q8, self.folder = q8, folder
        self.model, self.samples = make()
        self.path, self.profile = folder / "model.onnx", folder / "model.q8cal"
        onnx.save(self.model, self.path)
        write_samples(folder / "data", self.model, self.samples)
        self.call("calibrate", self.path, "--data", folder / "data", "-o", self.profile)
        self.expected = None

    def start(self, *command):
        return subprocess.run([str(part) for part in (self.q8, *command)], capture_output=True, text=True)

    def call(self, *command):
        done = self.start(*command)
        if done.returncode:
            raise AssertionError(f"{command[0]}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout + done.stderr

    def quantize(self, *options):
        int8, plan = self.folder / "model.int8.onnx", self.folder / "plan.json"
        return Quantized(int8, plan, self.call("--verbose", "quantize", self.path, "--calibration", self.profile, "--plan", plan, "-o",
                                               int8, *options))

    def run_q8(self, path, feed, names):
        np.savez(self.folder / "in.npz", **feed)
        self.call("run", path, "--inputs", self.folder / "in.npz", "-o", self.folder / "out.npz")
        with np.load(self.folder / "out.npz") as arrays:
            return [arrays[name] for name in names]

    def losses(self, quantized, optimized=True):
        """In dB: what ONNX Runtime makes of the quantized model to the float one's results, and q8 to ONNX Runtime. A warning
        of ONNX Runtime about the file would be ours to mend. Outputs with a dimension called "found" are lists of what the numbers
        decide: they may differ from the float one's."""
        feeds = self.samples[:RUN_SAMPLES]
        if self.expected is None:
            self.expected = [session_of(self.path, 3).run(None, feed) for feed in feeds]
        with WarningsOf() as warnings:
            session = session_of(quantized.path, 2, optimized)
        assert not warnings.lines, f"ONNX Runtime warns: {warnings.lines[0][-160:]}"
        names = [o.name for o in session.get_outputs()]
        lists = {o.name for o in session.get_outputs() if "found" in o.shape}
        against_float, against_q8 = [], []
        for feed, expected in zip(feeds, self.expected):
            found, ours = session.run(None, feed), self.run_q8(quantized.path, feed, names)
            for name, e, f, o in zip(names, expected, found, ours):
                alike = f.shape == o.shape and (name in lists or e.shape == f.shape)
                assert alike, f"{name}: {e.shape} in float, {f.shape} in ONNX Runtime, {o.shape} in q8"
                assert e.dtype == f.dtype == o.dtype, f"{name}: {e.dtype} in float, {f.dtype} in ONNX Runtime, {o.dtype} in q8"
            against_float += [(e, f) for name, e, f in zip(names, expected, found) if name not in lists]
            against_q8 += zip(found, ours)
        return sqnr_db(against_float), sqnr_db(against_q8)

    def integer_products(self, quantized, as_on_arm):
        """How many ONNX Runtime runs, by its own profile; of branches, each with the samples that take it."""
        branches = any(node.op_type == "If" for node in self.model.graph.node)
        return OnnxRuntime(quantized.path).integer_products(self.samples if branches else self.samples[:1], self.folder, as_on_arm)

    def check_every_level(self, quantized, least_db):
        """ONNX Runtime makes of it what it makes without its optimizer, with every level and of the model that it saves itself."""
        feed = self.samples[0]
        plain = session_of(quantized.path, 2, optimized=False).run(None, feed)
        saved = self.folder / "optimized.onnx"
        sessions = {level: session_of(quantized.path, 2, level=level) for level in ("BASIC", "EXTENDED", "ALL")}
        session_of(quantized.path, 2, level="EXTENDED", saved=saved)
        sessions["what it saved"] = session_of(saved, 2)
        for level, session in sessions.items():
            agreement = sqnr_db(list(zip(plain, session.run(None, feed))))
            assert agreement >= least_db, f"ONNX Runtime's level {level} is {agreement:.1f} dB from none"

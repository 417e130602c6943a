"""What a profile holds, by q8 inspect --json: as NumPy works it out of the samples. Dates only where they are asked for."""
import hashlib
import json
import os
import re
import subprocess
import sys
import unittest

import q8_program

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    np = None

CHANNELS, PIXELS = 3, 8


def doubling_model(path):
    """y = 2 · x, which is exact."""
    types = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, CHANNELS, PIXELS, 1]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Mul", ["x", "two"], ["y"])], "doubling", [types[0]], [types[1]],
                              [numpy_helper.from_array(np.float32(2), "two")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


@unittest.skipIf(np is None, "needs numpy and onnx (Q8_PYTHON)")
class Contents(q8_program.Q8TestCase):
    def calibrate(self, samples, *more):
        """The JSON of a profile of these samples [count, channels, pixels, 1]."""
        doubling_model(self.folder / "m.onnx")
        (self.folder / "data").mkdir(exist_ok=True)
        np.save(self.folder / "data" / "x.npy", samples)
        self.succeed("calibrate", "m.onnx", "--data", "data", *more)
        return json.loads(self.succeed("inspect", "m.q8cal", "--json"))

    def samples(self, count, draw, seed=7):
        return draw(np.random.default_rng(seed), (count, CHANNELS, PIXELS, 1)).astype(np.float32)

    def kept(self, profile, samples):
        """The samples in the order of their hashes."""
        rows = {s["name"]: s["sha256"] for s in profile["seen"]}
        self.assertEqual(len(rows), len(samples))
        return samples[sorted(range(len(samples)), key=lambda k: rows[f"x.npy[{k}]"])]

    def test_statistics_are_those_of_the_samples(self):
        samples = self.samples(120, lambda rng, shape: rng.standard_normal(shape) * (rng.random(shape) > 0.3))
        profile = self.calibrate(samples)
        found = {t["name"]: t for t in profile["tensors"]}
        for name, values in (("x", samples), ("y", 2 * samples)):
            t = found[name]
            self.assertEqual((t["values"], t["zeros"]), (values.size, int((values == 0).sum())))
            width, first, counts = t["histogram"]["bin_width"], t["histogram"]["first"], t["histogram"]["counts"]
            bins = np.floor(np.abs(values[values != 0].astype(np.float64)) / width).astype(int)
            bins = np.where(values[values != 0] > 0, bins, -1 - bins)
            expected = dict(zip(*(part.tolist() for part in np.unique(bins, return_counts=True))))
            self.assertEqual({first + j: n for j, n in enumerate(counts) if n}, expected)
            self.assertLessEqual(width, np.abs(values).max() / 1024)
            for key, reduce in (("min", np.min), ("max", np.max)):
                self.assertEqual(t["channel_extrema"][key], [float(v) for v in reduce(values, axis=(0, 2, 3))])
                self.assertEqual(t["sample_extrema"][key], [float(v) for v in reduce(self.kept(profile, values), axis=(1, 2, 3))])
            self.assertEqual(t["channel_extrema"]["axis"], 1)

    def test_provenance(self):
        samples = self.samples(120, lambda rng, shape: rng.standard_normal(shape))
        profile = self.calibrate(samples, "--samples", 30, "--seed", 5, "--shard", "2/3")
        self.assertEqual(profile["model"]["sha256"], hashlib.sha256((self.folder / "m.onnx").read_bytes()).hexdigest())
        self.assertEqual(profile["settings"], {"samples": 30, "seed": 5, "by_class": True})
        self.assertEqual((profile["shards"], profile["samples"], len(profile["seen"])), (["2/3"], 10, 10))
        self.assertEqual(profile["sources"][0]["samples"], 120)
        self.assertTrue(all(re.fullmatch("[0-9a-f]{64}", s["sha256"]) for s in profile["seen"]))

    def growth(self, samples):
        """What the second half of the samples, in the order of their hashes, adds to the range with zero."""
        width = [max(part.max(), 0) - min(part.min(), 0) for part in (samples[:len(samples) // 2], samples)]
        return 1 - width[0] / width[1]

    def test_a_stream_that_converges(self):
        samples = self.samples(128, lambda rng, shape: rng.uniform(-1, 1, shape))
        profile = self.calibrate(samples)
        self.assertAlmostEqual(profile["mean_growth"], self.growth(self.kept(profile, samples)), places=6)
        self.assertLess(profile["mean_growth"], 0.05)
        self.assertFalse(profile["more_samples_would_help"])
        self.assertNotIn("worth it", self.succeed("inspect", "m.q8cal"))

    def test_a_stream_that_goes_on_growing(self):
        """Each sample is an eighth wider than the one before."""
        for seed in range(50):  # until the hashes put the widest one into the second half
            samples = self.samples(100, lambda rng, shape: rng.uniform(-1, 1, shape), seed)
            samples *= (1.125 ** np.arange(100, dtype=np.float32))[:, None, None, None]
            profile = self.calibrate(samples)
            wanted = self.growth(self.kept(profile, samples))
            if wanted > 0.05:
                break
        self.assertAlmostEqual(profile["mean_growth"], wanted, places=6)
        self.assertTrue(profile["more_samples_would_help"])
        self.assertIn("worth it", self.succeed("inspect", "m.q8cal"))
        shares = profile["convergence"]["tensors"][0]["share"]
        self.assertEqual(shares, sorted(shares))
        self.assertEqual((profile["convergence"]["samples"][-1], shares[-1]), (100, 1))

    def stamped(self, name, *arguments, epoch="86400"):
        done = subprocess.run([q8_program.Q8, *map(str, arguments), "--stamp", "-o", name], cwd=self.folder,
                              env=os.environ | {"SOURCE_DATE_EPOCH": epoch}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(self.succeed("inspect", name, "--json"))

    def test_dates_only_where_asked_for(self):
        samples = self.samples(100, lambda rng, shape: rng.standard_normal(shape))
        plain = self.calibrate(samples)
        self.assertNotIn("stamp", plain)
        bytes_before = (self.folder / "m.q8cal").read_bytes()
        self.calibrate(samples)
        self.assertEqual((self.folder / "m.q8cal").read_bytes(), bytes_before)
        day = self.stamped("day.q8cal", "calibrate", "m.onnx", "--data", "data")
        self.assertEqual(day["stamp"], "1970-01-02T00:00:00Z")
        self.assertEqual(day["sha256"], plain["sha256"], "the date is not part of what a model was made of")
        self.assertIn("1970-01-02T00:00:00Z", self.succeed("inspect", "day.q8cal"))
        for part in ("1/2", "2/2"):
            self.stamped(f"{part[0]}.q8cal", "calibrate", "m.onnx", "--data", "data", "--shard", part)
        self.succeed("calibrate", "--merge", "1.q8cal", "2.q8cal", "-o", "merged.q8cal")
        self.assertEqual((self.folder / "merged.q8cal").read_bytes(), bytes_before)
        merged = self.stamped("late.q8cal", "calibrate", "--merge", "1.q8cal", "2.q8cal", epoch="951782400")
        self.assertEqual(merged["stamp"], "2000-02-29T00:00:00Z")

    def test_a_date_that_is_none(self):
        self.calibrate(self.samples(100, lambda rng, shape: rng.standard_normal(shape)))
        done = subprocess.run([q8_program.Q8, "calibrate", "m.onnx", "--data", "data", "--stamp", "-o", "n.q8cal"], cwd=self.folder,
                              env=os.environ | {"SOURCE_DATE_EPOCH": "today"}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("SOURCE_DATE_EPOCH", done.stderr)
        self.assertNotIn("n.q8cal", self.files())


if __name__ == "__main__":
    if np is None:
        sys.exit(77)
    q8_program.main()

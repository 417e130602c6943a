"""--mask: statistics and comparisons are of the positions that the mask keeps, as NumPy works them out."""
import json
import sys
import unittest

import q8_program

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    np = None

VOCABULARY = 11


def attention_model(path, width, batch, length):
    """One attention head over embeddings; `batch` and `length` are numbers or names."""
    rng = np.random.default_rng(width)
    constants = {
        "table": rng.standard_normal((VOCABULARY, width)).astype(np.float32),
        "wq": rng.standard_normal((width, width)).astype(np.float32),
        "wk": rng.standard_normal((width, width)).astype(np.float32),
        "one": np.float32(1), "far": np.float32(-10000), "axis": np.array([1], np.int64),
    }
    nodes = [("Gather", ["table", "ids"], "x"), ("MatMul", ["x", "wq"], "q"), ("MatMul", ["x", "wk"], "k"), ("Transpose", ["k"], "kt"),
             ("MatMul", ["q", "kt"], "scores"), ("Cast", ["mask"], "kept"), ("Sub", ["one", "kept"], "padding"), ("Mul", ["padding", "far"], "away"),
             ("Unsqueeze", ["away", "axis"], "bias"), ("Add", ["scores", "bias"], "biased"), ("Softmax", ["biased"], "weights"),
             ("MatMul", ["weights", "x"], "context")]
    attributes = {"Transpose": {"perm": [0, 2, 1]}, "Cast": {"to": TensorProto.FLOAT}, "Softmax": {"axis": -1}}
    graph = helper.make_graph(
        [helper.make_node(op, inputs, [out], **attributes.get(op, {})) for op, inputs, out in nodes], "attention",
        [helper.make_tensor_value_info(n, TensorProto.INT64, [batch, length]) for n in ("ids", "mask")],
        [helper.make_tensor_value_info("context", TensorProto.FLOAT, [batch, length, width])],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return constants


def unmasked_values(c, ids, mask):
    """{value: what of it lies at kept positions}, of one row."""
    x = c["table"][ids]
    q, k = x @ c["wq"], x @ c["wk"]
    scores = q @ k.T
    biased = scores + (1 - mask.astype(np.float32)) * np.float32(-10000)
    weights = np.exp(biased - biased.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    keep = mask != 0
    both = np.ix_(keep, keep)
    return {"x": x[keep], "q": q[keep], "k": k[keep], "kt": k[keep], "scores": scores[both], "biased": biased[both],
            "weights": weights[both], "context": (weights @ x)[keep]}


@unittest.skipIf(np is None, "needs numpy, onnx and onnxruntime (Q8_PYTHON)")
class Mask(q8_program.Q8TestCase):
    def check(self, constants, ids, mask, name="m.q8cal"):
        expected = {}
        for row_ids, row_mask in zip(ids, mask):
            for value, kept in unmasked_values(constants, row_ids, row_mask).items():
                expected.setdefault(value, []).append(kept.ravel())
        tensors = {t["name"]: t for t in json.loads(self.succeed("inspect", name, "--json"))["tensors"]}
        for value, parts in expected.items():
            values, found = np.concatenate(parts).astype(np.float64), tensors[value]
            self.assertEqual(found["values"], values.size, value)
            scale = np.abs(values).max()
            for key, wanted in (("min", values.min()), ("max", values.max())):
                self.assertAlmostEqual(found[key], wanted, delta=2e-5 * scale, msg=f"{value} {key}")
            for key, wanted in (("mean", values.mean()), ("sigma", values.std())):  # from bins
                self.assertAlmostEqual(found[key], wanted, delta=scale / 1024, msg=f"{value} {key}")

    def rows(self, count, length, seed):
        rng = np.random.default_rng(seed)
        ids = rng.integers(1, VOCABULARY, (count, length))
        mask = (np.arange(length) < rng.integers(1, length + 1, (count, 1))).astype(np.int64)
        ids[mask == 0] = 0
        return ids, mask

    def test_a_free_length_even_where_it_equals_the_width(self):
        constants = attention_model(self.folder / "m.onnx", 6, "batch", "length")
        ids, mask = self.rows(40, 6, 1)
        (self.folder / "data").mkdir()
        np.savez(self.folder / "data" / "a.npz", ids=ids, mask=mask)
        self.succeed("calibrate", "m.onnx", "--data", "data", "--mask", "mask")
        self.check(constants, ids, mask)

    def test_a_fixed_length_and_a_batch(self):
        constants = attention_model(self.folder / "m.onnx", 5, 2, 7)
        ids, mask = self.rows(2, 7, 2)
        mask[:] = [[1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 0, 0]]
        (self.folder / "data").mkdir()
        np.savez(self.folder / "data" / "a.npz", ids=ids, mask=mask)
        self.succeed("calibrate", "m.onnx", "--data", "data", "--mask", "mask")
        self.check(constants, ids, mask)

    def test_quantize_calibrates_with_the_mask(self):
        attention_model(self.folder / "m.onnx", 6, "batch", "length")
        ids, mask = self.rows(40, 6, 1)
        (self.folder / "data").mkdir()
        np.savez(self.folder / "data" / "a.npz", ids=ids, mask=mask)
        self.succeed("calibrate", "m.onnx", "--data", "data", "--mask", "mask")
        self.succeed("quantize", "--recover", "none", "-o", "two.onnx")
        (self.folder / "m.q8cal").unlink()
        self.succeed("quantize", "m.onnx", "--data", "data", "--mask", "mask", "--recover", "none", "-o", "one.onnx")
        self.succeed("quantize", "m.onnx", "--data", "data", "--recover", "none", "-o", "plain.onnx")
        one, two, plain = ((self.folder / f"{n}.onnx").read_bytes() for n in ("one", "two", "plain"))
        self.assertEqual(one, two)
        self.assertNotEqual(one, plain)
        self.succeed("calibrate", "m.onnx", "--data", "data")
        self.fail_with(2, ["--mask", "--data"], "quantize", "--mask", "mask")

    def test_validate_compares_what_is_not_padding(self):
        """SQNR over kept positions, of what ONNX Runtime makes of both models."""
        attention_model(self.folder / "m.onnx", 6, "batch", "length")
        ids, mask = self.rows(60, 6, 5)
        (self.folder / "data").mkdir()
        (self.folder / "held").mkdir()
        np.savez(self.folder / "data" / "a.npz", ids=ids[:40], mask=mask[:40])
        np.savez(self.folder / "held" / "b.npz", ids=ids[40:], mask=mask[40:])
        self.succeed("calibrate", "m.onnx", "--data", "data", "--mask", "mask")
        self.succeed("quantize", "--recover", "none", "-o", "m.int8.onnx")
        outputs = [[onnxruntime.InferenceSession(str(self.folder / n)).run(None, {"ids": i[None], "mask": m[None]})[0][0]
                    for i, m in zip(ids[40:], mask[40:])] for n in ("m.onnx", "m.int8.onnx")]

        def sqnr(keep):
            a, b = (np.concatenate([y[keep(m)] for y, m in zip(of, mask[40:])]).astype(np.float64) for of in outputs)
            return 10 * np.log10((a * a).sum() / ((a - b) ** 2).sum())

        def measured(*more):
            return json.loads(self.succeed("validate", "m.onnx", "m.int8.onnx", "--data", "held", "--allow-overlap", "--json", "-", *more))["sqnr_db"]

        kept, whole = sqnr(lambda m: m != 0), sqnr(lambda m: m >= 0)
        self.assertGreater(abs(kept - whole), 0.2)  # else this would show nothing
        self.assertAlmostEqual(measured(), kept, delta=0.05)
        (self.folder / "m.q8cal").unlink()
        self.assertAlmostEqual(measured(), whole, delta=0.05)
        self.assertAlmostEqual(measured("--mask", "mask"), kept, delta=0.05)
        self.fail_with(3, ["maks", "mask"], "validate", "m.onnx", "m.int8.onnx", "--data", "held", "--allow-overlap", "--mask", "maks")

    def test_without_a_mask_padding_counts(self):
        attention_model(self.folder / "m.onnx", 6, "batch", "length")
        ids, mask = self.rows(40, 6, 1)
        (self.folder / "data").mkdir()
        np.savez(self.folder / "data" / "a.npz", ids=ids, mask=mask)
        self.succeed("calibrate", "m.onnx", "--data", "data")
        tensors = {t["name"]: t for t in json.loads(self.succeed("inspect", "m.q8cal", "--json"))["tensors"]}
        self.assertEqual(tensors["x"]["values"], 40 * 6 * 6)

    def test_shards_merge_and_must_agree_on_the_mask(self):
        attention_model(self.folder / "m.onnx", 4, "batch", "length")
        ids, mask = self.rows(20, 6, 3)
        (self.folder / "data").mkdir()
        np.savez(self.folder / "data" / "a.npz", ids=ids, mask=mask)
        with_mask = ["calibrate", "m.onnx", "--data", "data", "--mask", "mask"]
        self.succeed(*with_mask, "-o", "whole.q8cal")
        self.succeed(*with_mask, "--shard", "1/2", "-o", "1.q8cal")
        self.succeed(*with_mask, "--shard", "2/2", "-o", "2.q8cal")
        self.succeed("calibrate", "--merge", "1.q8cal", "2.q8cal", "-o", "merged.q8cal")
        self.assertEqual((self.folder / "merged.q8cal").read_bytes(), (self.folder / "whole.q8cal").read_bytes())
        self.succeed("calibrate", "m.onnx", "--data", "data", "--shard", "2/2", "-o", "plain.q8cal")
        self.fail_with(3, ["mask"], "calibrate", "--merge", "1.q8cal", "plain.q8cal", "-o", "no.q8cal")

    def test_an_input_that_is_not_there(self):
        attention_model(self.folder / "m.onnx", 4, "batch", "length")
        ids, mask = self.rows(4, 6, 3)
        (self.folder / "data").mkdir()
        np.savez(self.folder / "data" / "a.npz", ids=ids, mask=mask)
        self.fail_with(3, ["maks", "mask"], "calibrate", "m.onnx", "--data", "data", "--mask", "maks")


if __name__ == "__main__":
    if np is None:
        sys.exit(77)
    q8_program.main()

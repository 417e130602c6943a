"""q8 quantize --recover equalization,smoothing: transformers with outlier channels, whose SQNR ONNX Runtime measures."""
import json
import sys

import q8_program

try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)

HIDDEN, INNER, TOKENS, OUTLIERS = 48, 96, 12, 3


class Block:
    """A transformer's block whose normalizations have a few channels far above the others, as trained ones do; the weights
    that meet them are small. `post_norm`: the normalized value is also the residual."""

    def __init__(self, post_norm, seed=7):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants = [], []
        self.loud = self.random.choice(HIDDEN, OUTLIERS, replace=False)
        x = "x"
        for layer in range(2):
            name = f"l{layer}_"
            n = self.norm(x, name + "n1")
            q, k, v = (self.linear(n, HIDDEN, HIDDEN, name + part) for part in "qkv")
            kt = self.add("Transpose", [k], name + "kt", perm=[0, 2, 1])
            scores = self.add("Softmax", [self.add("MatMul", [q, kt], name + "scores")], name + "p", axis=-1)
            mixed = self.linear(self.add("MatMul", [scores, v], name + "mixed"), HIDDEN, HIDDEN, name + "o", loud=False)
            x = self.add("Add", [n if post_norm else x, mixed], name + "s1")
            n = self.norm(x, name + "n2")
            wide = self.add("Relu", [self.linear(n, HIDDEN, INNER, name + "f1")], name + "r")
            x = self.add("Add", [n if post_norm else x, self.linear(wide, INNER, HIDDEN, name + "f2", loud=False)], name + "s2")
        self.add("MatMul", [self.norm(x, "last"), self.constant("head", self.weights(HIDDEN, 8))], "y")

    def constant(self, name, values):
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(values, np.float32), name))
        return name

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(onnx.helper.make_node(kind, inputs, [output], name="node_" + output, **attributes))
        return output

    def weights(self, rows, columns, loud=True):
        w = self.random.normal(0, rows ** -0.5, (rows, columns))
        if loud:
            w[self.loud] /= 30
        return w

    def norm(self, x, name):
        gamma = self.random.uniform(0.5, 1.5, HIDDEN)
        gamma[self.loud] *= 30
        scale, bias = self.constant(name + "_g", gamma), self.constant(name + "_b", self.random.normal(0, 0.1, HIDDEN))
        return self.add("LayerNormalization", [x, scale, bias], name, axis=-1)

    def linear(self, x, rows, columns, name, loud=True):
        product = self.add("MatMul", [x, self.constant(name + "_w", self.weights(rows, columns, loud))], name + "_m")
        return self.add("Add", [product, self.constant(name + "_c", self.random.normal(0, 0.1, columns))], name)

    def save(self, path):
        shape = lambda last: [1, "tokens", last]
        tensor = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(self.nodes, "block", [tensor("x", 1, shape(HIDDEN))], [tensor("y", 1, shape(8))], self.constants)
        onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)


def outputs(path, samples):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"x": sample[None]})[0].ravel() for sample in samples]).astype(np.float64)


class Scaling(q8_program.Q8TestCase):
    def prepare(self, post_norm):
        random = np.random.default_rng(3)
        samples = random.normal(0, 1, (160, TOKENS, HIDDEN)).astype(np.float32)
        (self.folder / "data").mkdir()
        np.savez(self.folder / "data" / "x.npz", x=samples[:96])
        self.unseen = samples[96:]
        Block(post_norm).save(self.folder / "block.onnx")
        self.succeed("calibrate", "block.onnx", "--data", "data", "-o", "block.q8cal")
        self.expected = outputs(self.folder / "block.onnx", self.unseen)

    def sqnr(self, *options):
        printed = self.succeed("quantize", "--observer", "auto:4", *options, "-o", "int8.onnx")
        error = self.expected - outputs(self.folder / "int8.onnx", self.unseen)
        return 10 * np.log10((self.expected ** 2).sum() / (error ** 2).sum()), printed

    def test_normalizations_take_the_factors_of_their_readers(self):
        self.prepare(post_norm=False)
        before, _ = self.sqnr("--recover", "none")
        after, printed = self.sqnr("--recover", "equalization")
        self.assertRegex(printed, r"(?m)^equalization: kept, .* groups of channels")
        self.assertGreater(after, before + 6, (before, after))
        # No node more: the constants have changed, and nothing else.
        made = onnx.load(self.folder / "int8.onnx")
        self.assertFalse([node.op_type for node in made.graph.node if node.op_type == "Mul"])

    def test_a_product_stands_where_the_residual_is_the_normalized_value(self):
        self.prepare(post_norm=True)
        before, _ = self.sqnr("--recover", "none")
        after, printed = self.sqnr("--recover", "equalization,smoothing")
        self.assertRegex(printed, r"(?m)^smoothing: kept, .* products, ")
        self.assertGreater(after, before + 6, (before, after))
        self.sqnr("--recover", "smoothing", "--float-budget", "0")
        self.assertFalse([n for n in onnx.load(self.folder / "int8.onnx").graph.node if n.op_type == "Mul"])

    def test_plan_and_provenance_know_of_it(self):
        self.prepare(post_norm=True)
        passes = ("--recover", "equalization,smoothing")
        self.sqnr(*passes, "--plan", "plan.json")
        made = (self.folder / "int8.onnx").read_bytes()
        verified = self.succeed("inspect", "--verify", "int8.onnx")
        self.assertNotIn("differs", verified)
        scaled = self.read_json("plan.json")["scaled"]
        self.assertTrue(any(row["by_product"] for row in scaled))
        self.assertEqual({len(row["factors"]) for row in scaled if row["by_product"]}, {HIDDEN})
        expected = outputs(self.folder / "int8.onnx", self.unseen[:4])
        self.succeed("quantize", "--use-plan", "plan.json", "--recover", "none", "-o", "again.onnx")
        np.testing.assert_array_equal(outputs(self.folder / "again.onnx", self.unseen[:4]), expected)
        self.succeed("--threads", 3, "quantize", "--observer", "auto:4", *passes, "-o", "int8.onnx")
        self.assertEqual((self.folder / "int8.onnx").read_bytes(), made)
        plan = self.read_json("plan.json")
        for change in (lambda p: p["scaled"][0].update(value="nobody"), lambda p: p["scaled"][0]["factors"].pop(),
                       lambda p: p["scaled"][0]["factors"].__setitem__(0, 0)):
            broken = json.loads(json.dumps(plan))
            change(broken)
            (self.folder / "broken.json").write_text(json.dumps(broken))
            self.fail_with(3, ["broken.json", broken["scaled"][0]["value"]], "quantize", "--use-plan", "broken.json")

    def test_forms(self):
        self.prepare(post_norm=False)
        for form in (("--per-tensor",), ("--format", "qoperator"), ("--target", "tensorrt"), ("--dynamic", "node_l0_q_m")):
            before, _ = self.sqnr("--recover", "none", *form)
            after, _ = self.sqnr("--recover", "equalization,smoothing", *form)
            self.assertGreater(after, before + 3, (form, before, after))


if __name__ == "__main__":
    q8_program.main()

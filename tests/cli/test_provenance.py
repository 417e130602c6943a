"""q8 inspect --verify and q8 diff. The onnx package, which edits models here, comes with Q8_PYTHON; skipped without it."""
import json
import shutil
import sys
import unittest

import q8_program
from q8_program import CALIB, MODEL

try:
    import numpy as np
    import onnx
    from onnx import helper, numpy_helper
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)


class Folder(q8_program.Q8TestCase):
    """A folder of its own: the float model, 40 samples, a profile, and the quantized model."""

    def setUp(self):
        super().setUp()
        shutil.copy(MODEL, self.folder / "digits.onnx")
        for source in sorted(CALIB.rglob("*.png"))[:40]:
            target = self.folder / "data" / source.relative_to(CALIB)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        shutil.copy(MODEL.parent / "preprocessor_config.json", self.folder)
        self.succeed("calibrate", "digits.onnx", "--data", "data")
        self.quantize("a.onnx")

    def quantize(self, output, *options):
        self.succeed("quantize", "digits.onnx", "--calibration", "digits.q8cal", "-o", output, *options)

    def edit(self, name, change):
        model = onnx.load(self.folder / name)
        change(model)
        onnx.save(model, self.folder / name)


def change_a_weight(model):
    """The first element of the largest s8 constant, by 3."""
    largest = max((t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8), key=lambda t: np.prod(t.dims))
    values = numpy_helper.to_array(largest).copy()
    values.flat[0] += 3 if values.flat[0] < 100 else -3
    largest.CopyFrom(numpy_helper.from_array(values, largest.name))


class Verify(Folder):
    def verdicts(self, code, *options):
        done = self.q8("inspect", "--verify", "a.onnx", "--json", *options)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return {fact["what"]: fact["verdict"] for fact in json.loads(done.stdout)["facts"]}

    def test_what_is_untouched_holds(self):
        facts = ("graph", "source model", "profile", "data", "plan")
        self.assertEqual(self.verdicts(0), dict.fromkeys(facts, "holds"))
        layer = next(n.name for n in onnx.load(self.folder / "digits.onnx").graph.node if n.op_type in ("Conv", "Gemm"))
        for options in (["--recover", "none", "--observer", "percentile", "--percentile", "99.9", "--exclude", layer],
                        ["--recover", "none", "--observer-for", "image=entropy", "--type-for", "image=s8", "--target", "tensorrt"],
                        ["--recover", "none", "--weights", "s4", "--opset", "21", "--float16-islands", "--dynamic", layer],
                        ["--recover", "rounding", "--recover-samples", "30", "--format", "qoperator", "--per-tensor"]):
            self.quantize("a.onnx", *options)
            self.assertEqual(self.verdicts(0), dict.fromkeys(facts, "holds"), options)

    def test_modes_without_profile(self):
        for mode in ("dynamic", "weights"):
            self.succeed("quantize", "digits.onnx", "--mode", mode, "-o", "a.onnx")
            verdicts = self.verdicts(0, "--source", "digits.onnx")
            self.assertEqual(verdicts, dict.fromkeys(("graph", "source model", "plan"), "holds"))

    def test_an_edited_model_differs(self):
        self.edit("a.onnx", change_a_weight)
        self.assertEqual([k for k, v in self.verdicts(4).items() if v == "differs"], ["graph"])

    def test_added_metadata_is_no_difference(self):
        self.edit("a.onnx", lambda model: onnx.helper.set_model_props(model, {p.key: p.value for p in model.metadata_props} | {"run": "7"}))
        self.assertEqual(self.verdicts(0)["graph"], "holds")

    def test_another_float_model_differs(self):
        def change(model):
            model.doc_string = "another file, the same model"
        self.edit("digits.onnx", change)
        self.assertEqual(self.verdicts(4)["source model"], "differs")

    def test_another_profile_differs(self):
        (self.folder / "other").mkdir()
        self.succeed("calibrate", "digits.onnx", "--data", "data", "--samples", "20", "-o", "other/digits.q8cal")
        verdicts = self.verdicts(4, "--calibration", "other/digits.q8cal")
        self.assertEqual({what for what, v in verdicts.items() if v == "differs"}, {"profile", "data", "plan"})

    def test_external_weights_are_part_of_the_source(self):
        onnx.save(onnx.load(self.folder / "digits.onnx"), self.folder / "digits.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
        self.succeed("calibrate", "digits.onnx", "--data", "data")
        self.quantize("a.onnx")
        self.assertEqual(self.verdicts(0)["source model"], "holds")
        weights = bytearray((self.folder / "weights.bin").read_bytes())
        weights[0] ^= 1  # the last bit of one weight
        (self.folder / "weights.bin").write_bytes(weights)
        self.assertEqual(self.verdicts(4)["source model"], "differs")

    def test_the_profile_is_found_by_its_hash(self):
        self.succeed("calibrate", "digits.onnx", "--data", "data", "--samples", "20", "-o", "aa.q8cal")
        (self.folder / "b.q8cal").write_bytes(b"no profile")
        self.assertEqual(self.verdicts(0)["profile"], "holds")
        (self.folder / "digits.q8cal").unlink()
        done = self.q8("inspect", "--verify", "a.onnx", "--source", "digits.onnx")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("there are others: aa.q8cal, b.q8cal (unreadable)", done.stdout)

    def test_changed_and_missing_samples(self):
        sample, *others = sorted((self.folder / "data").rglob("*.png"))
        shutil.copy(next(p for p in others if p.read_bytes() != sample.read_bytes()), sample)
        self.assertEqual(self.verdicts(4)["data"], "differs")
        sample.unlink()
        self.assertEqual(self.verdicts(0)["data"], "not checked")

    def test_an_edited_plan_holds_where_it_is_named(self):
        self.quantize("a.onnx", "--plan", "plan.json")
        self.quantize("a.onnx", "--use-plan", "plan.json")
        self.assertEqual(self.verdicts(0)["plan"], "holds")
        plan = self.read_json("plan.json")
        plan["values"][0]["scale"][0] *= 2
        (self.folder / "plan.json").write_text(json.dumps(plan))
        self.quantize("a.onnx", "--use-plan", "plan.json")
        self.assertEqual(self.verdicts(4)["plan"], "differs")
        self.assertEqual(self.verdicts(0, "--plan", "plan.json")["plan"], "holds")

    def test_errors(self):
        self.fail_with(3, ["digits.onnx", "provenance"], "inspect", "--verify", "digits.onnx")
        self.fail_with(2, ["--verify"], "inspect", "a.onnx", "--source", "digits.onnx")


class Diff(Folder):
    def diff(self, code, *arguments):
        done = self.q8("diff", *arguments, "--json")
        self.assertEqual(done.returncode, code, done.stderr)
        return json.loads(done.stdout)

    def test_equal_models(self):
        self.quantize("b.onnx")
        found = self.diff(0, "a.onnx", "b.onnx")
        self.assertTrue(found["same"])
        graph = onnx.load(self.folder / "a.onnx").graph
        self.assertEqual(found["compared"]["nodes"], len(graph.node))
        integers = {n.input[0] if n.op_type == "DequantizeLinear" else n.output[0]
                    for n in graph.node if n.op_type in ("QuantizeLinear", "DequantizeLinear")}
        self.assertEqual(found["compared"]["parameters"], len(integers))
        self.assertIn("same", self.succeed("diff", "a.onnx", "b.onnx"))

    def test_a_weight(self):
        shutil.copy(self.folder / "a.onnx", self.folder / "b.onnx")
        self.edit("b.onnx", change_a_weight)
        found = self.diff(4, "a.onnx", "b.onnx")
        self.assertEqual((found["structure"], found["parameters"], found["metadata"]), ([], [], []))
        [constant] = found["constants"]
        self.assertEqual((constant["differing"], constant["largest"]), (1, 3))

    def test_a_scale(self):
        shutil.copy(self.folder / "a.onnx", self.folder / "b.onnx")
        node = next(n for n in onnx.load(self.folder / "a.onnx").graph.node if n.op_type == "QuantizeLinear")

        def double(model):
            scale = next(t for t in model.graph.initializer if t.name == node.input[1])
            scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * np.float32(2), scale.name))
        self.edit("b.onnx", double)
        found = self.diff(4, "a.onnx", "b.onnx")
        self.assertEqual((found["structure"], found["constants"]), ([], []))
        self.assertIn(node.output[0], [p["value"] for p in found["parameters"]])
        self.assertTrue(all(abs(p["scale_ratio"] - 2) < 1e-6 for p in found["parameters"]))

    def test_a_scale_in_a_body(self):
        """The model as the branch of an If; the branch's own scale is named, not the If."""
        def in_a_branch(model):
            inputs, outputs = list(model.graph.input), list(model.graph.output)
            body = onnx.GraphProto()
            body.CopyFrom(model.graph)
            del body.input[:]
            kept = helper.make_graph([helper.make_node("Constant", [], ["none"], value=numpy_helper.from_array(np.zeros((1, 10), np.float32)))],
                                     "kept", [], [helper.make_tensor_value_info("none", onnx.TensorProto.FLOAT, None)])
            choice = helper.make_node("If", ["c"], ["chosen"], "choice", then_branch=body, else_branch=kept)
            outputs[0].name = "chosen"
            asked = helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, [1])
            model.graph.CopyFrom(helper.make_graph([choice], "outer", [asked, *inputs], outputs))

        def double(model):
            node = next(n for n in model.graph.node if n.op_type == "QuantizeLinear")
            scale = next(t for t in model.graph.initializer if t.name == node.input[1])
            scale.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(scale) * np.float32(2), scale.name))
        shutil.copy(self.folder / "a.onnx", self.folder / "b.onnx")
        self.edit("b.onnx", double)
        scales = self.diff(4, "a.onnx", "b.onnx")["parameters"]
        for name in ("a.onnx", "b.onnx"):
            self.edit(name, in_a_branch)
        found = self.diff(4, "a.onnx", "b.onnx")
        self.assertEqual((found["structure"], found["constants"]), ([], []))
        self.assertEqual(found["parameters"], scales)

    def test_observers(self):
        """Other ranges change scales and zero points, and with them biases; nodes stay as they are."""
        self.quantize("a.onnx", "--recover", "none", "--observer", "minmax")
        self.quantize("b.onnx", "--recover", "none", "--observer", "percentile", "--percentile", "99")
        found = self.diff(4, "a.onnx", "b.onnx")
        self.assertEqual(found["structure"], [])
        self.assertTrue(found["parameters"])
        self.assertTrue(all("int8" not in c["a"] for c in found["constants"]), "weights are the same")
        text = self.q8("diff", "a.onnx", "b.onnx").stdout
        self.assertIn("scales and zero points", text)

    def test_structure(self):
        self.quantize("b.onnx", "--format", "qoperator")
        found = self.diff(4, "a.onnx", "b.onnx")
        self.assertTrue(any("QLinearConv" in d["how"] + d["what"] for d in found["structure"]))

    def test_shape_of_an_input(self):
        shutil.copy(self.folder / "a.onnx", self.folder / "b.onnx")

        def two_at_a_time(model):
            model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
        self.edit("b.onnx", two_at_a_time)
        [found] = self.diff(4, "a.onnx", "b.onnx")["structure"]
        self.assertEqual(found["what"], "inputs")
        self.assertIn("[2, 1, 16, 16]", found["how"])

    def test_metadata(self):
        self.quantize("b.onnx", "--metadata", "run=7")
        found = self.diff(4, "a.onnx", "b.onnx")
        self.assertEqual(found["metadata"], [{"key": "run", "a": "", "b": "7"}])
        self.assertTrue(found["same_graph"])
        self.assertEqual(self.diff(0, "a.onnx", "b.onnx", "--ignore-metadata")["metadata"], [])

    def test_errors(self):
        self.fail_with(3, ["nowhere.onnx"], "diff", "a.onnx", "nowhere.onnx")


if __name__ == "__main__":
    q8_program.main()

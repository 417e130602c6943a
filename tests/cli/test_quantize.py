"""q8 quantize: overrides by pattern, modes, and plans that are written, edited and read back."""
import json

import q8_program
from q8_program import CALIB, MODEL


class Quantize(q8_program.Q8TestCase):
    def calibrated(self):
        self.succeed("calibrate", MODEL, "--data", CALIB, "--samples", 50)

    def plan_line(self, value, *options):
        plan = self.succeed("quantize", "--plan-only", *options)
        return next(line for line in plan.splitlines() if line.startswith(f"value {value}:"))

    def test_overrides_change_what_matches(self):
        self.calibrated()
        self.assertIn("by minmax", self.plan_line("image", "--observer", "minmax"))
        self.assertIn("by percentile", self.plan_line("image", "--observer", "minmax", "--observer-for", "im*=percentile:99"))
        self.assertIn("uint8 scale", self.plan_line("image"))
        self.assertIn(" int8 scale", self.plan_line("image", "--type-for", "image=s8"))
        plan = self.succeed("quantize", "--plan-only", "--type-for", "image=float")
        self.assertNotIn("value image:", plan)

    def test_overrides_that_match_nothing_or_are_wrong(self):
        self.calibrated()
        self.fail_with(2, ["imaeg", "'image'"], "quantize", "--observer-for", "imaeg=mse")
        self.fail_with(2, ["u7", "u8, s8, u16, s16 or float"], "quantize", "--type-for", "image=u7")
        self.fail_with(2, ["minmx"], "quantize", "--observer-for", "image=minmx")
        self.fail_with(2, ["--weight-observer"], "quantize", "--weight-observer", "kl")

    def test_a_model_that_stays_as_it_is_is_warned_of(self):
        for exclude, said in (("*", "warning: no node is quantized; --plan-only says why, node by node\n"), ("head*", "")):
            done = self.q8("quantize", MODEL, "--mode", "weights", "--exclude", exclude)
            self.assertEqual((done.returncode, done.stderr), (0, said))

    def test_weight_observer_changes_weights(self):
        self.calibrated()
        self.succeed("quantize", "-o", "a.onnx")
        self.succeed("quantize", "--weight-observer", "mse", "-o", "b.onnx")
        self.assertNotEqual((self.folder / "a.onnx").read_bytes(), (self.folder / "b.onnx").read_bytes())

    def test_help_lists_targets(self):
        text = self.succeed("quantize", "--help")
        for target in ("onnxruntime-x86-avx2", "tensorrt", "openvino", "tflite-like", "qnn"):
            self.assertIn(target, text)

    def test_weights_need_no_profile(self):
        self.fail_with(2, ["q8cal"], "quantize", MODEL)
        text = self.succeed("quantize", MODEL, "--mode", "weights", "-o", "w.onnx")
        summary = json.loads(self.succeed("inspect", "w.onnx", "--json"))
        self.assertGreater(summary["dequantize_nodes"], 0)
        self.assertIn(f" {summary['dequantize_nodes']} with quantized weights alone", text)
        self.assertEqual(summary["quantize_nodes"], 0)
        self.assertNotIn("q8.profile.sha256", summary["metadata"])
        self.assertLess((self.folder / "w.onnx").stat().st_size, MODEL.stat().st_size / 3)
        report = self.validated("w.onnx")
        self.assertGreater(report["sqnr_db"], 30)

    def test_dynamic_needs_no_profile(self):
        self.succeed("quantize", MODEL, "--mode", "dynamic", "-o", "d.onnx")
        self.assertIn("DynamicQuantizeLinear", self.succeed("inspect", "d.onnx", "--json"))
        self.assertGreater(self.validated("d.onnx")["sqnr_db"], 30)

    def test_a_plan_read_back_gives_the_same_bytes(self):
        self.calibrated()
        self.succeed("quantize", "--plan", "p.json", "-o", "a.onnx")
        self.succeed("quantize", "--use-plan", "p.json", "--plan", "q.json", "-o", "b.onnx")
        self.assertEqual((self.folder / "p.json").read_bytes(), (self.folder / "q.json").read_bytes())
        self.assertEqual((self.folder / "a.onnx").read_bytes(), (self.folder / "b.onnx").read_bytes())
        printed = self.succeed("quantize", "--plan-only")
        self.assertEqual(self.succeed("inspect", "p.json"), printed.replace(", integers chosen by recovery", ""))
        self.fail_with(2, ["--use-plan"], "quantize", "--use-plan", "p.json", "--observer", "mse")

    def edited(self, edit):
        plan = self.read_json("p.json")
        edit(plan)
        (self.folder / "e.json").write_text(json.dumps(plan))

    def test_an_edited_plan_is_obeyed(self):
        self.calibrated()
        self.succeed("quantize", "--plan", "p.json", "--plan-only")

        def to_float(plan):
            node = next(n for n in plan["nodes"] if n["op_type"] == "Conv" and n["mode"] == "integer")
            node["mode"], node["reason"] = "float", "wanted so"
        self.edited(to_float)
        before = self.succeed("quantize", "--plan-only").count("): integer:")
        after = self.succeed("quantize", "--use-plan", "e.json", "--plan-only")
        self.assertEqual(after.count("): integer:"), before - 1)
        self.assertIn("float: wanted so", after)
        self.succeed("quantize", "--use-plan", "e.json", "-o", "e.onnx")
        self.assertGreater(self.validated("e.onnx", "--allow-overlap")["sqnr_db"], 10)

    def test_a_useless_scale_is_named_before_writing(self):
        self.calibrated()
        self.succeed("quantize", "--plan", "p.json", "--plan-only")
        self.edited(lambda p: next(v for v in p["values"] if v["value"] == "image").update(scale=[10.0], shares_with=""))
        done = self.q8("quantize", "--use-plan", "e.json", "--recover", "none", "-o", "e.onnx")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("SQNR", done.stderr)
        self.assertIn("falls to", done.stderr)
        good = self.q8("quantize", "--recover", "none", "-o", "a.onnx")
        self.assertEqual(good.stderr, "")
        self.assertEqual([f for f in self.files() if "checking" in f], [])

    def test_wrong_plans_are_refused(self):
        self.calibrated()
        self.succeed("quantize", "--plan", "p.json", "--plan-only")

        def refused(names, edit):
            self.edited(edit)
            self.fail_with(3, names, "quantize", "--use-plan", "e.json")
        refused(["'moed'", "'mode'"], lambda p: p["nodes"][0].update(moed=p["nodes"][0].pop("mode")))
        refused(["'intger'", "'integer'"], lambda p: p["nodes"][0].update(mode="intger"))
        refused(["'imagee'", "'image'"], lambda p: next(v for v in p["values"] if v["value"] == "image").update(value="imagee"))
        refused(["'nobody'"], lambda p: p["nodes"][0].update(node="nobody"))
        refused(["no row"], lambda p: p["nodes"].pop())
        refused(["scale"], lambda p: p["values"][0].update(scale=[0]))
        refused(["zero_point 300"], lambda p: p["values"][0].update(zero_point=[300]))
        refused(["scales along axis"], lambda p: next(c for c in p["constants"] if c["axis"] == 0).update(scale=[1, 1], zero_point=[0, 0]))
        refused(["no parameters", "image"], lambda p: p.update(values=[v for v in p["values"] if v["value"] != "image"]))

    def validated(self, model, *options):
        self.succeed("validate", MODEL, model, *options, "--data", q8_program.TEST, "--json", "r.json")
        return self.read_json("r.json")


if __name__ == "__main__":
    q8_program.main()

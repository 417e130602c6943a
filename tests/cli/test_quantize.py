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
        self.fail_with(2, ["u7", "u8, s8 or float"], "quantize", "--type-for", "image=u7")
        self.fail_with(2, ["minmx"], "quantize", "--observer-for", "image=minmx")
        self.fail_with(2, ["--weight-observer"], "quantize", "--weight-observer", "kl")

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
        self.succeed("quantize", MODEL, "--mode", "weights", "-o", "w.onnx")
        summary = json.loads(self.succeed("inspect", "w.onnx", "--json"))
        self.assertGreater(summary["dequantize_nodes"], 0)
        self.assertEqual(summary["quantize_nodes"], 0)
        self.assertNotIn("q8.profile.sha256", summary["metadata"])
        self.assertLess((self.folder / "w.onnx").stat().st_size, MODEL.stat().st_size / 3)
        report = self.validated("w.onnx")
        self.assertGreater(report["sqnr_db"], 30)

    def validated(self, model):
        self.succeed("validate", MODEL, model, "--data", q8_program.TEST, "--json", "r.json")
        return self.read_json("r.json")


if __name__ == "__main__":
    q8_program.main()

"""q8 quantize --recover: what it says, and what it does where the calibration samples are not there."""
import shutil

import q8_program
from q8_program import CALIB, MODEL


class Recover(q8_program.Q8TestCase):
    def calibrated(self):
        shutil.copytree(CALIB, self.folder / "data")
        self.succeed("calibrate", MODEL, "--data", "data", "--samples", 50)

    def test_says_what_each_pass_did(self):
        self.calibrated()
        printed = self.succeed("quantize", "-o", "a.onnx")
        for name in ("rounding", "bias-correction"):
            self.assertRegex(printed, rf"(?m)^{name}: (kept|refused), [\d.]+ to [\d.]+ dB, [+-][\d.]+ ± [\d.]+ dB a sample$")
        self.assertRegex(printed, r"(?m)^ranges: .*; [\d.]+ dB with rounded weights on 50 samples, tried in")
        self.assertIn("rounding:", self.succeed("inspect", "a.onnx"))
        printed = self.succeed("quantize", "--recover", "bias-correction", "-o", "b.onnx")
        self.assertNotIn("rounding", printed)
        printed = self.succeed("quantize", "--recover", "none", "-o", "c.onnx")
        self.assertRegex(printed, r"(?m)^ranges: [a-z]+(:[\d.]+)?.*; [\d.]+ dB on 50 samples, tried in [\d.]+ s$")
        self.assertNotIn("dB", self.succeed("quantize", "--observer", "mse", "--recover", "none", "-o", "d.onnx"))

    def test_threads_do_not_change_the_file(self):
        self.calibrated()
        self.succeed("--threads", 1, "quantize", "-o", "a.onnx")
        self.succeed("--threads", 3, "quantize", "-o", "b.onnx")
        self.assertEqual((self.folder / "a.onnx").read_bytes(), (self.folder / "b.onnx").read_bytes())

    def test_without_the_samples_it_is_left_out_and_says_so(self):
        self.calibrated()
        (self.folder / "data").rename(self.folder / "moved")
        done = self.q8("quantize", "-o", "a.onnx")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("recovery is left out", done.stderr)
        self.succeed("quantize", "--recover", "none", "-o", "b.onnx")
        self.assertEqual((self.folder / "a.onnx").read_bytes(), (self.folder / "b.onnx").read_bytes())
        self.fail_with(3, ["--recover", "data"], "quantize", "--recover", "rounding")

    def test_few_samples_are_judged_by_ranges_of_the_others(self):
        for samples in (2, 31, 32):
            self.succeed("calibrate", MODEL, "--data", CALIB, "--samples", samples, "-o", "few.q8cal")
            printed = self.succeed("quantize", "--calibration", "few.q8cal", "--recover", "none", "-o", "a.onnx")
            self.assertRegex(printed, rf"(?m)^ranges: .* dB on {samples} samples, tried in [\d.]+ s$")
            self.assertEqual("by other observers" in printed and samples < 32, False)

    def test_unknown_passes(self):
        self.calibrated()
        self.fail_with(2, ["'roundin'", "equalization, smoothing, placement, rounding, bias-correction"], "quantize", "--recover", "roundin")
        self.fail_with(2, ["'none'"], "quantize", "--recover", "none,rounding")
        self.fail_with(2, ["--recover-samples"], "quantize", "--recover-samples", 1)


if __name__ == "__main__":
    q8_program.main()

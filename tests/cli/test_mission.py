"""The three commands of the README, and that equal inputs give equal bytes."""
import q8_program
from q8_program import CALIB, MODEL, TEST


class Mission(q8_program.Q8TestCase):
    def test_three_commands_in_an_empty_folder(self):
        self.succeed("calibrate", MODEL, "--data", CALIB)
        self.assertEqual(self.files(), ["digits.q8cal"])
        self.succeed("quantize", "--per-channel")
        self.assertEqual(self.files(), ["digits.int8.onnx", "digits.q8cal"])
        table = self.succeed("validate", "--per-class", "--data", TEST)
        for word in ("top-1", "top-5", "agreement", "SQNR", "class", "max-drop", "797 samples"):
            self.assertIn(word, table)

    def test_validate_takes_the_samples_that_calibration_left(self):
        self.succeed("calibrate", MODEL, "--data", CALIB, "--samples", 600)
        self.succeed("quantize")
        self.succeed("validate", "--json", "r.json")
        report = self.read_json("r.json")
        self.assertEqual(report["samples"], len(list(CALIB.rglob("*.png"))) - 600)
        self.assertEqual(report["calibration"]["samples"], 600)

    def test_validate_with_nothing_left_says_so(self):
        self.succeed("calibrate", MODEL, "--data", CALIB, "--samples", 100000)
        self.succeed("quantize")
        self.fail_with(3, ["none is left", "--data"], "validate")

    def test_positional_models_need_no_profile(self):
        self.quantized_digits()
        (self.folder / "digits.q8cal").unlink()
        (self.folder / "digits.int8.onnx").rename(self.folder / "small.onnx")
        done = self.q8("validate", MODEL, "small.onnx", "--data", TEST, "--samples", 50)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("50 samples", done.stdout)
        self.assertIn("cannot be checked", done.stderr)

    def test_equal_inputs_give_equal_bytes(self):
        results = []
        for name, threads in (("one", 1), ("two", 2)):
            folder = self.folder / name
            folder.mkdir()
            for arguments in (["calibrate", MODEL, "--data", CALIB, "--samples", "200"], ["quantize"],
                              ["validate", "--data", TEST, "--json", "r.json", "--html", "r.html", "--junit", "r.xml",
                               "--markdown", "r.md"]):
                self.succeed(*arguments, "--threads", threads, cwd=folder)
            results.append({p.name: p.read_bytes() for p in sorted(folder.iterdir())})
        self.assertEqual(len(results[0]), 6)
        for name, content in results[0].items():
            self.assertEqual(content, results[1][name], name)


if __name__ == "__main__":
    q8_program.main()

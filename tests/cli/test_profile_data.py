"""A profile is enough: quantize and validate read its data again as calibrate was told to, from any folder."""
import shutil
import unittest

import q8_program
from q8_program import CALIB, MODEL, TEST


class ProfileData(q8_program.Q8TestCase):
    def setUp(self):
        super().setUp()
        # The preprocessing is neither beside the model nor in the data.
        shutil.copy(MODEL, self.folder)
        shutil.copy(MODEL.parent / "preprocessor_config.json", self.folder / "steps.json")

    def succeed_without_warning(self, *arguments, cwd=None):
        done = self.q8(*arguments, cwd=cwd)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("warning", done.stderr)  # progress may be there, on a slow machine
        return done.stdout

    def test_preprocessing_is_remembered(self):
        self.succeed("calibrate", "digits.onnx", "--data", CALIB, "--samples", 200, "--preprocess", "steps.json")
        (self.folder / "steps.json").unlink()
        self.assertIn("rounding:", self.succeed_without_warning("quantize"), "recovery ran, so samples were read")
        self.assertIn("top-1", self.succeed_without_warning("validate"))
        self.assertIn("top-1", self.succeed_without_warning("validate", "--data", TEST))
        self.assertIn("data", self.succeed_without_warning("inspect", "--verify", "digits.int8.onnx"))

    def test_without_a_profile_there_must_be_preprocessing(self):
        self.succeed("calibrate", "digits.onnx", "--data", CALIB, "--samples", 100, "--preprocess", "steps.json")
        self.succeed("quantize", "--recover", "none")
        (self.folder / "digits.q8cal").unlink()
        self.fail_with(3, ["preprocessor_config.json"], "validate", "digits.onnx", "digits.int8.onnx", "--data", TEST)

    def test_other_preprocessing_is_refused_for_recovery(self):
        self.succeed("calibrate", "digits.onnx", "--data", CALIB, "--samples", 100, "--preprocess", "steps.json")
        text = (self.folder / "steps.json").read_text(encoding="utf-8")
        (self.folder / "other.json").write_text(text.replace('"resample": 2', '"resample": 3'))
        self.fail_with(3, ["other.json", "another way"], "quantize", "--preprocess", "other.json", "--recover", "rounding")
        done = self.q8("quantize", "--preprocess", "other.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("another way", done.stderr)

    def test_several_folders_a_manifest_and_labels(self):
        for name, kept in (("a", "012"), ("b", "345"), ("c", "6789")):
            for digit in kept:
                shutil.copytree(CALIB / digit, self.folder / name / digit)
        (self.folder / "list.txt").write_text("".join(
            f"{p.relative_to(self.folder).as_posix()}\n" for p in sorted((self.folder / "c").rglob("*.png"))))
        self.succeed("calibrate", "digits.onnx", "--data", "a", "--data", "b", "--manifest", "list.txt", "--samples", 200,
                     "--preprocess", "steps.json")
        (self.folder / "elsewhere").mkdir()
        where = {"cwd": self.folder / "elsewhere"}
        self.assertIn("rounding:", self.succeed_without_warning("quantize", "--calibration", "../digits.q8cal", **where))
        self.assertIn("samples", self.succeed_without_warning("validate", "--calibration", "../digits.q8cal", **where))

    def test_some_of_the_shards_are_enough(self):
        for part in (1, 2):
            self.succeed("calibrate", "digits.onnx", "--data", CALIB, "--samples", 300, "--preprocess", "steps.json",
                         "--shard", f"{part}/3", "-o", f"{part}.q8cal")
        self.succeed("calibrate", "--merge", "1.q8cal", "2.q8cal", "-o", "two.q8cal")
        text = self.succeed_without_warning("quantize", "--calibration", "two.q8cal", "--recover", "equalization,rounding")
        self.assertIn("rounding:", text)

    def test_several_data_sets_say_what_is_left_out(self):
        for name, kept in (("a", "01234"), ("b", "56789")):
            for digit in kept:
                shutil.copytree(CALIB / digit, self.folder / name / digit)
            self.succeed("calibrate", "digits.onnx", "--data", name, "--preprocess", "steps.json", "-o", f"{name}.q8cal")
        self.succeed("calibrate", "--merge", "a.q8cal", "b.q8cal", "-o", "both.q8cal")
        done = self.q8("quantize", "--calibration", "both.q8cal", "-o", "m.onnx")
        self.assertEqual(done.returncode, 0, done.stderr)
        for said in ("recovery is left out", "several data sets", "--data"):
            self.assertIn(said, done.stderr)

    def test_labels_are_remembered(self):
        files = [p for digit in "0123456789" for p in sorted((CALIB / digit).glob("*.png"))[:40]]
        (self.folder / "flat").mkdir()
        for path in files:
            shutil.copy(path, self.folder / "flat" / f"{path.parent.name}_{path.name}")
        (self.folder / "truth.csv").write_text("file,class_index\n" + "".join(
            f"{path.parent.name}_{path.name},{path.parent.name}\n" for path in files))
        self.succeed("calibrate", "digits.onnx", "--data", "flat", "--labels", "truth.csv", "--samples", 200, "--preprocess", "steps.json")
        self.succeed_without_warning("quantize")
        self.succeed("validate", "--json", "r.json")
        report = self.read_json("r.json")
        self.assertGreater(report["fp32"]["top1"], 0.9)
        (self.folder / "truth.csv").unlink()
        self.fail_with(3, ["truth.csv", "--data"], "validate")

    def test_data_that_has_gone(self):
        shutil.copytree(CALIB, self.folder / "mine")
        self.succeed("calibrate", "digits.onnx", "--data", "mine", "--samples", 100, "--preprocess", "steps.json")
        shutil.rmtree(self.folder / "mine")
        done = self.q8("quantize")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mine", done.stderr)
        self.assertIn("recovery is left out", done.stderr)
        self.fail_with(3, ["mine", "--data"], "validate")


if __name__ == "__main__":
    q8_program.main()

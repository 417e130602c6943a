"""Runs q8 in a folder that is empty at first and gone afterwards; shared by the tests of the command line."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "digits.onnx"
CALIB = ROOT / "calib_data" / "digits" / "calib"
TEST = ROOT / "calib_data" / "digits" / "test"
Q8 = None  # the program; set by main()


class Q8TestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def q8(self, *arguments, cwd=None):
        return subprocess.run([Q8, *map(str, arguments)], cwd=cwd or self.folder, capture_output=True, text=True)

    def succeed(self, *arguments, cwd=None):
        done = self.q8(*arguments, cwd=cwd)
        self.assertEqual(done.returncode, 0, f"q8 {arguments}: {done.stderr}")
        return done.stdout

    def fail_with(self, code, names, *arguments):
        """The exit code, and an error of one line that holds each of `names`."""
        before = self.files()
        done = self.q8(*arguments)
        self.assertEqual(done.returncode, code, f"q8 {arguments}: {done.stdout}{done.stderr}")
        errors = [line for line in done.stderr.splitlines() if line.strip()]
        self.assertEqual(len(errors), 1, done.stderr)
        for name in names:
            self.assertIn(name, errors[0])
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.files(), before, "an error leaves no file behind")

    def files(self):
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file())

    def quantized_digits(self):
        """The first two commands of the README."""
        self.succeed("calibrate", MODEL, "--data", CALIB)
        self.succeed("quantize", "--per-channel")

    def read_json(self, name):
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def main():
    global Q8
    Q8 = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(module="__main__", verbosity=2)

"""SIGTERM during a calibration: exit code 130 and a profile to go on from; the result is that of one run."""
import signal
import struct
import subprocess
import time

import q8_program
from q8_program import CALIB, MODEL


def write_samples(path, count):
    """float32 [count, 1, 16, 16] as .npy (NumPy Enhancement Proposal 1): made-up values in −1…1, each sample its own."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({count}, 1, 16, 16), }}".encode()
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    values = b"".join(struct.pack("<256f", *(((i * 7919 + k * 31) % 2003) / 1001.5 - 1 for k in range(256)))
                      for i in range(count))
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + values)


class Interrupt(q8_program.Q8TestCase):
    def calibrate(self, output, *more):
        return ["calibrate", MODEL, "--data", "data", "--samples", 1000000, "-o", output, *more]

    def terminated_run(self):
        """Ends a run early; doubles the data until it is slow enough for that on this machine."""
        (self.folder / "data").mkdir()
        for count, wait in ((1000, 0.4), (4000, 0.4), (4000, 2), (16000, 1), (64000, 2)):
            write_samples(self.folder / "data" / "x.npy", count)
            arguments = [q8_program.Q8, *map(str, self.calibrate("part.q8cal"))]
            child = subprocess.Popen(arguments, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            time.sleep(wait)
            child.send_signal(signal.SIGTERM)
            output, errors = child.communicate()
            too_early = child.returncode == -signal.SIGTERM  # the program had not begun yet
            if child.returncode != 0 and not too_early:
                return child.returncode, errors
        self.fail("no run was ended while it was busy")

    def test_sigterm_leaves_a_profile_to_go_on_from(self):
        code, errors = self.terminated_run()
        self.assertEqual(code, 130, errors)
        self.assertIn("--resume", errors)
        self.assertIn("part.q8cal", self.files())
        self.fail_with(3, ["--resume"], "quantize", "--calibration", "part.q8cal", "-o", "m.onnx")
        self.succeed(*self.calibrate("part.q8cal", "--resume"))
        self.succeed(*self.calibrate("whole.q8cal"))
        self.assertEqual((self.folder / "part.q8cal").read_bytes(), (self.folder / "whole.q8cal").read_bytes())

    def test_an_interrupted_quantize_leaves_nothing(self):
        self.succeed("calibrate", MODEL, "--data", CALIB, "--samples", 150, "-o", "m.q8cal")
        arguments = [q8_program.Q8, "quantize", "-o", "m.onnx", "--plan", "m.json"]
        begin = time.monotonic()
        self.succeed(*arguments[1:])
        whole = time.monotonic() - begin
        made = [self.folder / name for name in ("m.onnx", "m.json")]
        codes = []
        for step in range(8):
            for path in made:
                path.unlink(missing_ok=True)
            child = subprocess.Popen(arguments, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(0.05 + whole * step / 8)
            child.send_signal(signal.SIGINT)
            errors = child.communicate()[1]
            codes.append(child.returncode)
            self.assertIn(child.returncode, (0, 130), errors)
            left = ["m.json", "m.onnx", "m.q8cal"] if child.returncode == 0 else ["m.q8cal"]
            self.assertEqual(left, self.files(), f"after exit code {child.returncode}")
        self.assertIn(130, codes)

    def test_kill_leaves_the_old_profile_or_the_new_one(self):
        (self.folder / "data").mkdir()
        write_samples(self.folder / "data" / "x.npy", 300)
        self.succeed(*self.calibrate("old.q8cal", "--shard", "1/2"))
        begin = time.monotonic()
        self.succeed(*self.calibrate("new.q8cal"))
        whole = time.monotonic() - begin
        old, new = ((self.folder / n).read_bytes() for n in ("old.q8cal", "new.q8cal"))
        for step in range(12):  # the last ones while it is written, or after
            (self.folder / "m.q8cal").write_bytes(old)
            arguments = [q8_program.Q8, *map(str, self.calibrate("m.q8cal"))]
            child = subprocess.Popen(arguments, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(whole * (0.1 + 0.09 * step))
            child.kill()
            child.wait()
            self.assertIn((self.folder / "m.q8cal").read_bytes(), (old, new))


if __name__ == "__main__":
    q8_program.main()

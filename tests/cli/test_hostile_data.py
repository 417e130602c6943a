"""Data that is broken, odd or meant to break: an error of one line that names the file, soon and in little memory."""
import os
import resource
import shutil
import struct
import subprocess
import unittest
import zipfile
import zlib

import q8_program
from q8_program import CALIB, MODEL

SHAPE = (1, 16, 16)  # of a digit
VALUES = 256
MODEL_INPUT = "image"
SECONDS, BYTES = 60, 4 << 30


def npy(data, shape, kind="<f4"):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}"
    header += " " * (117 - len(header)) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def png(width, height, rows):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class HostileData(q8_program.Q8TestCase):
    def setUp(self):
        super().setUp()
        shutil.copy(MODEL, self.folder)
        shutil.copy(MODEL.parent / "preprocessor_config.json", self.folder)
        (self.folder / "data").mkdir()
        self.data = self.folder / "data"

    def q8(self, *arguments, cwd=None):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        return subprocess.run([q8_program.Q8, *map(str, arguments)], cwd=cwd or self.folder, capture_output=True, text=True,
                              errors="replace", timeout=SECONDS, preexec_fn=limit)

    def refused(self, *names):
        self.fail_with(3, names, "calibrate", "digits.onnx", "--data", "data", "-o", "p.q8cal")

    def accepted(self):
        done = self.q8("calibrate", "digits.onnx", "--data", "data", "-o", "p.q8cal")
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, done.stderr

    def digit(self):
        return sorted((CALIB / "3").glob("*.png"))[0]

    def test_pictures_that_end_early(self):
        whole = self.digit().read_bytes()
        for size in (0, 8, 20, len(whole) // 2, len(whole) - 13):
            (self.data / "cut.png").write_bytes(whole[:size])
            self.refused("cut.png")

    def test_a_text_named_as_a_picture(self):
        (self.data / "a.png").write_text("hello")
        self.refused("a.png", "PNG")

    def test_pictures_that_claim_much(self):
        for width, height in ((2 ** 31 - 1, 2 ** 31 - 1), (30000, 30000), (0, 5)):
            (self.data / "a.png").write_bytes(png(width, height, bytes(1000)))
            self.refused("a.png")

    def test_a_picture_of_another_size_is_named(self):
        (self.folder / "preprocessor_config.json").write_text('{"do_resize": false, "do_convert_grayscale": true}')
        (self.data / "a.png").write_bytes(png(16, 16, bytes(17 * 16)))
        (self.data / "b.png").write_bytes(png(20, 16, bytes(21 * 16)))
        self.refused("data/b.png", "do_resize")

    def test_arrays_that_end_early_or_claim_much(self):
        one = npy(bytes(4 * VALUES), (1, *SHAPE))
        for content in (b"", one[:5], one[:100], one[:-1], one + b"x"):
            (self.data / "a.npy").write_bytes(content)
            self.refused("a.npy")
        for count in (2 ** 62, 10 ** 12, 10 ** 30, -1):
            (self.data / "a.npy").write_bytes(npy(bytes(64), (count, *SHAPE)))
            self.refused("a.npy")

    def test_arrays_of_objects_and_other_types(self):
        for kind in ("|O", "<c8", "<U4", "|V8"):
            (self.data / "a.npy").write_bytes(npy(bytes(8 * VALUES), (1, *SHAPE), kind))
            self.refused("a.npy", kind)

    def test_no_rows(self):
        (self.data / "a.npy").write_bytes(npy(b"", (0, *SHAPE)))
        self.refused("a.npy", "no samples")

    def test_an_archive_that_unpacks_to_much(self):
        with zipfile.ZipFile(self.data / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open(f"{MODEL_INPUT}.npy", "w") as member:
            member.write(npy(bytes(4 * VALUES), (1, *SHAPE)))
            for _ in range(1000):
                member.write(bytes(1 << 20))
        self.refused("a.npz", "takes 1024 bytes")

    def test_nan_names_value_and_sample(self):
        values = [0.5] * (3 * VALUES)
        values[VALUES + 7] = float("nan")
        (self.data / "a.npy").write_bytes(npy(struct.pack(f"<{len(values)}f", *values), (3, *SHAPE)))
        self.refused("a.npy[1]", f"'{MODEL_INPUT}'", "NaN")

    def test_links(self):
        shutil.copy(self.digit(), self.data / "a.png")
        os.symlink(self.data, self.data / "round")
        self.refused("round")
        (self.data / "round").unlink()
        os.symlink("/nowhere/z.png", self.data / "z.png")
        self.refused("z.png")
        (self.data / "z.png").unlink()
        os.symlink(self.digit(), self.data / "z.png")
        self.assertIn("same content", self.accepted()[1])

    def test_what_is_no_file(self):
        shutil.copy(self.digit(), self.data / "a.png")
        os.mkfifo(self.data / "b.png")
        self.refused("b.png", "regular file")

    def test_folders_in_a_circle(self):
        shutil.copy(self.digit(), self.data / "a.png")
        os.symlink(self.data, self.data / "again")
        self.refused("again/again", "cannot be read")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_a_file_that_may_not_be_read(self):
        shutil.copy(self.digit(), self.data / "a.png")
        (self.data / "a.png").chmod(0)
        self.refused("a.png")

    def test_odd_names(self):
        for i, name in enumerate(("a b.png", "ä猫.png", "it's \"so\".png", "%d%s.png", "-o.png")):
            shutil.copy(sorted((CALIB / "3").glob("*.png"))[i], self.data / name)
        with open(os.fsencode(self.data) + b"/\xff\xfe.png", "wb") as file:
            file.write(sorted((CALIB / "4").glob("*.png"))[0].read_bytes())
        self.assertIn("6 samples", self.accepted()[0])
        self.succeed("inspect", "p.q8cal", "--json")
        self.succeed("quantize", "digits.onnx", "--calibration", "p.q8cal", "--recover", "none")

    def test_manifests(self):
        shutil.copy(self.digit(), self.data / "a b.png")
        manifest = self.folder / "list.txt"

        def calibrate():
            return self.q8("calibrate", "digits.onnx", "--manifest", "list.txt", "-o", "p.q8cal")
        manifest.write_bytes(b"# one\r\n\r\ndata/a b.png\r\n")
        self.assertEqual(calibrate().returncode, 0, calibrate().stderr)
        for text, wanted in (("", "no files"), ("data\n", "folder"), ("data/c.png\n", "line 1"), ("list.txt\n", "list.txt")):
            manifest.write_text(text)
            done = calibrate()
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(wanted, done.stderr)

    def test_images_that_nothing_normalizes(self):
        (self.folder / "preprocessor_config.json").write_text(
            '{"do_resize": true, "size": {"height": 16, "width": 16}, "do_convert_grayscale": true}')
        shutil.copytree(CALIB / "3", self.data / "3")
        self.assertIn("raw pixels", self.accepted()[1])


if __name__ == "__main__":
    q8_program.main()

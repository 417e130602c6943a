"""q8 inspect --export and --html: what other programs read."""
import json
import pathlib
import re
import struct
import unittest

import q8_program

try:
    from onnxruntime.quantization.calibrate import load_tensors_data
except ImportError:  # older releases do not read tables
    load_tensors_data = None


class Export(q8_program.Q8TestCase):
    def ranges(self, observer):
        self.quantized_digits()
        tensors = json.loads(self.succeed("inspect", "digits.q8cal", "--json"))["tensors"]
        return {t["name"]: t["ranges"][observer] for t in tensors}

    @unittest.skipIf(load_tensors_data is None, "this ONNX Runtime has no reader of calibration tables")
    def test_onnxruntime_reads_the_table(self):
        expected = self.ranges("entropy")
        self.succeed("inspect", "digits.q8cal", "--export", "ort-json", "--observer", "entropy", "-o", "t.json")
        table = load_tensors_data(pathlib.Path(self.folder) / "t.json")
        self.assertEqual(set(table.keys()), set(expected))
        for name, (low, high) in expected.items():
            lowest, highest = table[name].range_value
            self.assertEqual(str(lowest.dtype), "float32")
            self.assertAlmostEqual(float(lowest), low, delta=1e-6 * max(1, abs(low)))
            self.assertAlmostEqual(float(highest), high, delta=1e-6 * max(1, abs(high)))

    def test_tensorrt_cache_follows_the_grammar(self):
        expected = self.ranges("minmax")
        lines = self.succeed("inspect", "digits.q8cal", "--export", "tensorrt-cache", "--observer", "minmax").splitlines()
        self.assertRegex(lines[0], r"^TRT-\d+-EntropyCalibration2$")
        scales = {}
        for line in lines[1:]:
            name, digits = re.fullmatch(r"(.+): ([0-9a-f]{8})", line).groups()
            scales[name] = struct.unpack(">f", bytes.fromhex(digits))[0]
        for name, (low, high) in expected.items():  # symmetric: the larger magnitude over 127
            self.assertAlmostEqual(scales[name], max(-low, high) / 127, delta=1e-6 * max(-low, high))

    def test_page_stands_alone(self):
        self.quantized_digits()
        self.succeed("inspect", "digits.q8cal", "--html", "p.html")
        page = (pathlib.Path(self.folder) / "p.html").read_text(encoding="utf-8")
        names = [t["name"] for t in json.loads(self.succeed("inspect", "digits.q8cal", "--json"))["tensors"]]
        self.assertEqual(page.count("<svg"), len(names))
        self.assertEqual(page.count("<svg"), page.count("</svg>"))
        self.assertNotRegex(page, r"<script|src=|https?://")

    def test_mistakes(self):
        self.quantized_digits()
        self.fail_with(2, ["caffe", "ort-json"], "inspect", "digits.q8cal", "--export", "caffe")
        self.fail_with(2, ["--json"], "inspect", "digits.q8cal", "--json", "--html", "p.html")
        self.fail_with(2, ["--export"], "inspect", "digits.q8cal", "-o", "x")


if __name__ == "__main__":
    q8_program.main()

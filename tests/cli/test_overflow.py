"""q8 validate --check-overflow, from calibration to report, on models whose sums are worked out by hand.

One product y = x·w of four values, each 255 steps of its scale in some sample. With every weight at 127 steps a pair of
products is 2·255·127 = 64,770, beyond the 32,767 that 16 bits hold; the target without VNNI keeps weights within 64
steps: 2·255·64 = 32,640. Four products are 129,540 and 65,280.
"""
import sys

import q8_program

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    print("skipped: the onnx package is not installed (tests/requirements.txt)")
    sys.exit(77)


class Overflow(q8_program.Q8TestCase):
    def setUp(self):
        super().setUp()
        w = numpy_helper.from_array(np.full((4, 1), 0.5, np.float32), "w")
        graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], name="product")], "sums",
                                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])], [w])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
                  self.folder / "sums.onnx")
        for name in ("calib", "test"):
            (self.folder / name).mkdir()
        for i in range(4):
            np.save(self.folder / "calib" / f"{i}.npy", np.full((1, 4), i / 3, np.float32))
        # The first sample is all at the top of the range, the second at 51 steps: 2·51·127 = 12,954 fits.
        np.save(self.folder / "test" / "0.npy", np.full((1, 4), 1.0, np.float32) * np.float32(0.9999))
        np.save(self.folder / "test" / "1.npy", np.full((1, 4), 0.2, np.float32))
        self.succeed("calibrate", "sums.onnx", "--data", "calib", "-o", "sums.q8cal")

    def overflow(self, target):
        self.succeed("quantize", "sums.onnx", "--calibration", "sums.q8cal", "--observer", "minmax", "--recover", "none",
                     "--target", target, "-o", "int8.onnx")
        text = self.succeed("validate", "sums.onnx", "int8.onnx", "--data", "test", "--check-overflow", "--json", "r.json")
        found = self.read_json("r.json")["overflow"]
        layer, = found["layers"]
        return layer, {t["hardware"]: t["safe"] for t in found["targets"]}, text

    def test_sums_that_saturate_sixteen_bits(self):
        layer, safe, text = self.overflow("onnxruntime-x86")
        self.assertEqual(layer["name"], "product")
        self.assertEqual(layer["pairs"], 4)  # two samples of two pairs
        self.assertEqual(layer["saturated"], 2)
        self.assertEqual(layer["largest_sum"], 129_540)
        self.assertAlmostEqual(layer["share_of_s32"], 129_540 / 2 ** 31)
        self.assertEqual(sorted(safe.values()), [False, True])
        self.assertIn("product", text)

    def test_sums_that_do_not(self):
        layer, safe, _ = self.overflow("onnxruntime-x86-avx2")
        self.assertEqual((layer["pairs"], layer["saturated"], layer["largest_sum"]), (4, 0, 65_280))
        self.assertTrue(all(safe.values()))


if __name__ == "__main__":
    q8_program.main()

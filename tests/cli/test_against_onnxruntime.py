"""What q8 validate reports, worked out again with ONNX Runtime, Pillow and NumPy. Skipped (77) where they are missing."""
import sys

try:
    import numpy as np
    import onnxruntime as ort
    from PIL import Image
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

import q8_program
from q8_program import MODEL, TEST


def outputs(path, images):
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"image": images})[0].astype(np.float64)


def digits():
    """The preprocessing of models/preprocessor_config.json by hand: 16 × 16, bilinear, to −1…1."""
    files = sorted(TEST.rglob("*.png"))
    images = [np.asarray(Image.open(f).convert("L").resize((16, 16), Image.BILINEAR), np.float32) for f in files]
    labels = np.array([int(f.parent.name) for f in files])
    return np.stack(images)[:, None] / 127.5 - 1, labels


class AgainstOnnxRuntime(q8_program.Q8TestCase):
    def test_figures_of_the_digits(self):
        self.quantized_digits()
        self.succeed("validate", "--data", TEST, "--json", "r.json")
        report = self.read_json("r.json")
        images, labels = digits()
        fp32, int8 = outputs(MODEL, images), outputs(self.folder / "digits.int8.onnx", images)
        a, b = fp32.argmax(1), int8.argmax(1)
        n = len(labels)
        self.assertEqual(report["samples"], n)
        # q8's own kernels: an output may round the other way where ONNX Runtime's layers differ, and a class tip
        # over; two samples of 797 are allowed for.
        few = 2.5 / n
        self.assertAlmostEqual(report["fp32"]["top1"], (a == labels).mean(), delta=1e-12)
        self.assertAlmostEqual(report["int8"]["top1"], (b == labels).mean(), delta=few)
        self.assertAlmostEqual(report["agreement"], (a == b).mean(), delta=few)
        top5 = (fp32.argsort(1)[:, -5:] == labels[:, None]).any(1).mean()
        self.assertAlmostEqual(report["fp32"]["top5"], top5, delta=1e-12)
        sqnr = 10 * np.log10((fp32 ** 2).sum() / ((fp32 - int8) ** 2).sum())
        self.assertAlmostEqual(report["sqnr_db"], sqnr, delta=0.2)
        for entry in report["classes"]:
            mine = labels == entry["index"]
            self.assertEqual(entry["samples"], mine.sum())
            self.assertAlmostEqual(entry["fp32"], (a[mine] == labels[mine]).mean(), delta=1e-12)


if __name__ == "__main__":
    q8_program.main()

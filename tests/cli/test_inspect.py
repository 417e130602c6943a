"""q8 inspect, bench and run."""
import json

import q8_program
from q8_program import MODEL, TEST


class Inspect(q8_program.Q8TestCase):
    def test_float_model(self):
        text = self.succeed("inspect", MODEL)
        for word in ("float[batch, 1, 16, 16]", "logits", "Conv", "opset"):
            self.assertIn(word, text)
        self.assertEqual(json.loads(self.succeed("inspect", MODEL, "--json"))["kind"], "model")

    def test_json_goes_where_it_is_wanted(self):
        wanted = self.succeed("inspect", MODEL, "--json")
        self.assertEqual(self.succeed("inspect", "--json", MODEL), wanted)
        self.assertEqual(self.succeed("inspect", MODEL, "--json", "-"), wanted)
        for line in (("inspect", MODEL, "--json", "m.json"), ("inspect", "--json", "n.json", MODEL)):
            self.assertEqual(self.succeed(*line), "")
        for name in ("m.json", "n.json"):
            self.assertEqual((self.folder / name).read_text(), wanted)
        self.succeed("diff", MODEL, MODEL, "--json", "d.json")
        self.assertEqual(self.read_json("d.json")["kind"], "diff")

    def test_quantized_model(self):
        self.quantized_digits()
        summary = json.loads(self.succeed("inspect", "digits.int8.onnx", "--json"))
        self.assertGreater(summary["dequantize_nodes"], 0)
        self.assertGreater(summary["integer_nodes"], 0)
        self.assertIn("q8.version", summary["metadata"])

    def test_profile(self):
        self.quantized_digits()
        summary = json.loads(self.succeed("inspect", "digits.q8cal", "--json"))
        self.assertEqual(summary["samples"], 500)
        image = next(t for t in summary["tensors"] if t["name"] == "image")
        self.assertEqual((image["min"], image["max"]), (-1, 1))  # the preprocessing maps 0…255 to −1…1
        self.assertEqual(image["values"], 500 * 256)
        self.assertEqual(image["ranges"]["minmax"], [-1, 1])
        self.assertIn("image", self.succeed("inspect", "digits.q8cal"))

    def test_report(self):
        self.quantized_digits()
        table = self.succeed("validate", "--data", TEST, "--per-class", "--json", "r.json")
        self.assertEqual(self.succeed("inspect", "r.json"), table)

    def test_other_files(self):
        self.fail_with(3, ["nowhere"], "inspect", "nowhere")
        (self.folder / "x.json").write_text("{}")
        self.fail_with(3, ["x.json", "q8 validate: key"], "inspect", "x.json")


class Bench(q8_program.Q8TestCase):
    def test_two_models(self):
        self.quantized_digits()
        result = json.loads(self.succeed("bench", MODEL, "digits.int8.onnx", "--runs", 5, "--batch", 2, "--json", "-"))
        self.assertEqual((result["runs"], result["batch"]), (5, 2))
        for name in ("fp32", "int8"):
            latency = result[name]["latency_ms"]
            self.assertGreater(latency["median"], 0)
            self.assertLessEqual(latency["median"], latency["p90"])
            self.assertLessEqual(latency["p90"], latency["p99"])
        self.assertEqual(result["fp32"]["bytes"], MODEL.stat().st_size)
        self.assertIn("median", self.succeed("bench", MODEL, "--runs", 1))

    def test_min_speedup_is_a_gate(self):
        self.quantized_digits()
        done = self.q8("bench", MODEL, "digits.int8.onnx", "--runs", 3, "--min-speedup", 10000, "--json", "b.json")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertFalse(self.read_json("b.json")["gates"][0]["passed"])
        self.fail_with(2, ["--min-speedup"], "bench", MODEL, "--min-speedup", 2)

    def test_shapes(self):
        self.succeed("bench", MODEL, "--runs", 1, "--shape", "image=3x1x16x16")
        self.fail_with(2, ["nothing"], "bench", MODEL, "--shape", "nothing=1x2")
        self.fail_with(2, ["image"], "bench", MODEL, "--shape", "image=1x3x16x16")
        self.fail_with(2, ["image=1y1"], "bench", MODEL, "--shape", "image=1y1")


if __name__ == "__main__":
    q8_program.main()

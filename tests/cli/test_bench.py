"""q8 bench: the gate decides the exit code, JSON and trace hold what was measured."""
import json

import q8_program
from q8_program import MODEL

INT8 = "digits.int8.onnx"


class Bench(q8_program.Q8TestCase):
    def setUp(self):
        super().setUp()
        self.quantized_digits()

    def bench(self, code, *arguments):
        done = self.q8("--threads", "1", "bench", MODEL, INT8, "--runs", "5", "--warmup", "1", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def test_json(self):
        result = json.loads(self.bench(0, "--json", "-"))
        self.assertEqual(result["runs"], 5)
        self.assertEqual(result["threads"], 1)
        for model in ("fp32", "int8"):
            latency = result[model]["latency_ms"]
            self.assertGreater(latency["min"], 0)
            self.assertLessEqual(latency["min"], latency["median"])
            self.assertLessEqual(latency["median"], latency["p90"])
            self.assertLessEqual(latency["p90"], latency["p99"])
            self.assertNotIn("profile", result[model])
        self.assertAlmostEqual(result["speedup"],
                               result["fp32"]["latency_ms"]["median"] / result["int8"]["latency_ms"]["median"])
        self.assertEqual(result["gates"], [])
        self.assertLess(result["int8"]["bytes"], result["fp32"]["bytes"])

    def test_gate_that_holds(self):
        self.assertIn("passed", self.bench(0, "--min-speedup", "0.000001", "--json", "r.json"))
        gate, = self.read_json("r.json")["gates"]
        self.assertEqual((gate["name"], gate["limit"], gate["passed"]), ("min-speedup", 0.000001, True))

    def test_gate_that_cannot_hold(self):
        self.assertIn("FAILED", self.bench(4, "--min-speedup", "1000000", "--json", "r.json"))
        gate, = self.read_json("r.json")["gates"]
        self.assertFalse(gate["passed"])
        self.assertLess(gate["value"], gate["limit"])

    def test_gate_needs_two_models(self):
        self.fail_with(2, ["--min-speedup", "two models"], "bench", MODEL, "--min-speedup", "2")

    def test_trace(self):
        self.bench(0, "--trace", "t.json", "--json", "r.json")
        trace, result = self.read_json("t.json"), self.read_json("r.json")
        events = trace["traceEvents"]
        names = {e["pid"]: e["args"]["name"] for e in events if e["ph"] == "M"}
        self.assertEqual(names, {1: MODEL.name, 2: INT8})
        for process, model in ((1, "fp32"), (2, "int8")):
            nodes = [e for e in events if e["ph"] == "X" and e["pid"] == process]
            profile = result[model]["profile"]["nodes"]
            self.assertEqual([(e["name"], e["cat"]) for e in nodes], [(n["name"], n["type"]) for n in profile])
            for event, node in zip(nodes, profile):
                self.assertAlmostEqual(event["dur"], 1000 * node["ms"])
            for one, next_one in zip(nodes, nodes[1:]):
                self.assertAlmostEqual(one["ts"] + one["dur"], next_one["ts"])


if __name__ == "__main__":
    q8_program.main()

"""Gates decide the exit code; reports are written all the same."""
import json
import xml.etree.ElementTree

import q8_program
from q8_program import TEST


class Gates(q8_program.Q8TestCase):
    def setUp(self):
        super().setUp()
        self.quantized_digits()

    def validate(self, code, *arguments):
        done = self.q8("validate", "--data", TEST, "--json", "r.json", *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return {gate["name"]: gate for gate in self.read_json("r.json")["gates"]}

    def test_default(self):
        gates = self.validate(0)
        self.assertEqual(list(gates), ["max-drop"])
        self.assertEqual(gates["max-drop"]["limit"], 0.01)
        self.assertTrue(gates["max-drop"]["passed"])

    def test_drop_that_cannot_be_met(self):
        gates = self.validate(4, "--max-drop", "-50%", "--junit", "gates.xml")
        self.assertFalse(gates["max-drop"]["passed"])
        tree = xml.etree.ElementTree.parse(self.folder / "gates.xml")
        failed = [case.get("name") for case in tree.iter("testcase") if case.find("failure") is not None]
        self.assertEqual(failed, ["max-drop"])

    def test_each_gate_alone(self):
        for option, limit, name in (("--min-class-accuracy", "99.9%", "min-class-accuracy"),
                                    ("--min-sqnr", "200", "min-sqnr")):
            gates = self.validate(4, option, limit)
            self.assertFalse(gates[name]["passed"])
            self.assertTrue(gates["max-drop"]["passed"])
        self.validate(0, "--min-class-accuracy", "50%", "--min-sqnr", "1", "--min-agreement", "50%")

    def test_json_alone_on_stdout(self):
        done = self.q8("validate", "--data", TEST, "--json", "-", "--max-drop", "-50%")
        self.assertEqual(done.returncode, 4)
        self.assertFalse(json.loads(done.stdout)["passed"])

    def test_config_file(self):
        (self.folder / "q8.toml").write_text('[validate]\nmax-drop = "-50%"\n')
        self.validate(4)
        self.validate(0, "--max-drop", "5%")  # the command line wins

    def test_without_labels_there_is_no_gate(self):
        flat = self.folder / "flat"
        flat.mkdir()
        for i, path in enumerate(sorted(TEST.rglob("*.png"))[:20]):
            (flat / f"{i}.png").write_bytes(path.read_bytes())
        done = self.q8("validate", "--data", flat)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no gate", done.stdout)
        self.fail_with(3, ["--max-drop", "labels"], "validate", "--data", flat, "--max-drop", "1%")


if __name__ == "__main__":
    q8_program.main()

"""Where results go: no input is overwritten, what cannot be written is said before the work, nothing is lost in silence."""
import os
import shutil
import subprocess

import q8_program
from q8_program import CALIB, MODEL, TEST


class Outputs(q8_program.Q8TestCase):
    def setUp(self):
        super().setUp()
        for path in (MODEL, MODEL.parent / "preprocessor_config.json"):
            shutil.copy(path, self.folder)
        self.data = ["--data", CALIB]

    def refused(self, names, *arguments):
        """A usage error, and every file as it was."""
        before = {name: (self.folder / name).read_bytes() for name in self.files()}
        self.fail_with(2, names, *arguments)
        self.assertEqual(before, {name: (self.folder / name).read_bytes() for name in self.files()})

    def test_calibrate_overwrites_no_input(self):
        for name in (MODEL.name, "./" + MODEL.name, "preprocessor_config.json"):
            self.refused([name, "input"], "calibrate", MODEL.name, *self.data, "-o", name)
        (self.folder / "link.q8cal").symlink_to(MODEL.name)
        self.refused(["link.q8cal", "input"], "calibrate", MODEL.name, *self.data, "-o", "link.q8cal")
        self.succeed("calibrate", MODEL.name, *self.data, "--samples", 100, "-o", "a.q8cal")
        self.refused(["a.q8cal", "input"], "calibrate", "--merge", "a.q8cal", "-o", "a.q8cal")

    def test_outputs_follow_links(self):
        (self.folder / "store").mkdir()
        for name in ("m.q8cal", "m.onnx"):
            (self.folder / name).symlink_to(f"store/{name}")
        self.succeed("calibrate", MODEL.name, *self.data, "--samples", 100, "-o", "m.q8cal")
        self.succeed("quantize", "--calibration", "m.q8cal", "--recover", "none", "-o", "m.onnx")
        self.assertTrue((self.folder / "m.q8cal").is_symlink() and (self.folder / "m.onnx").is_symlink())
        self.succeed("quantize", "--calibration", "store/m.q8cal", "--recover", "none", "-o", "again.onnx")
        self.assertEqual((self.folder / "store" / "m.onnx").read_bytes(), (self.folder / "again.onnx").read_bytes())

    def test_a_pipe_is_no_place_for_a_file(self):
        os.mkfifo(self.folder / "pipe")
        for command in (("calibrate", MODEL.name, *self.data, "-o", "pipe"), ("quantize", MODEL.name, "--mode", "weights", "-o", "pipe"),
                        ("inspect", MODEL.name, "--json", "pipe")):
            self.fail_with(3, ["pipe: cannot be written: it is not a regular file"], *command)
        self.assertTrue((self.folder / "pipe").is_fifo())

    def test_a_working_folder_that_is_gone(self):
        gone = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"'
        command = [q8_program.Q8, "calibrate", MODEL, "--data", CALIB, "--samples", "100"]
        done = subprocess.run(["sh", "-c", gone, self.folder / "gone", *command], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (3, "error: digits.q8cal: No such file or directory\n"))

    def test_no_sample_is_overwritten(self):
        shutil.copytree(CALIB, self.folder / "data")
        sample = sorted(self.folder.glob("data/*/*.png"))[0].relative_to(self.folder)
        (self.folder / "list.txt").write_text(f"{sample}\n")
        (self.folder / "data" / "classes.txt").write_text("".join(f"{c}\n" for c in "0123456789"))
        for name, data in ((sample, ["--data", "data"]), (sample, ["--manifest", "list.txt"]),
                           ("list.txt", ["--manifest", "list.txt"]), ("data/classes.txt", ["--data", "data"])):
            self.refused([str(name), "input"], "calibrate", MODEL.name, *data, "-o", name)
            self.refused([str(name), "input"], "quantize", MODEL.name, *data, "-o", name)
        self.succeed("quantize", MODEL.name, "--mode", "weights")
        self.refused([str(sample), "input"], "validate", MODEL.name, "digits.int8.onnx", "--data", "data", "--json", sample)
        (self.folder / "data" / "old.q8cal").write_bytes(b"")
        self.succeed("calibrate", MODEL.name, "--data", "data", "-o", "data/old.q8cal")

    def test_no_sample_of_the_profile_is_overwritten(self):
        shutil.copytree(CALIB, self.folder / "data")
        sample = sorted(self.folder.glob("data/*/*.png"))[0].relative_to(self.folder)
        self.succeed("calibrate", MODEL.name, "--data", "data", "--samples", 100)
        self.refused([str(sample), "input"], "quantize", "-o", sample)
        self.refused([str(sample), "input"], "quantize", "--plan", sample)
        self.succeed("quantize", "--recover", "none", "--observer", "auto:4")
        self.refused([str(sample), "input"], "validate", "--json", sample)
        (self.folder / "data").rename(self.folder / "moved")  # who cannot be asked is not in the way
        self.succeed("quantize", "--recover", "none", "--observer", "auto:4")

    def test_quantize_overwrites_no_input(self):
        self.succeed("calibrate", MODEL.name, *self.data, "--samples", 100)
        for name in ("digits.q8cal", MODEL.name):
            self.refused([name, "input"], "quantize", "-o", name)
            self.refused([name, "input"], "quantize", "--plan", name)
        self.refused([MODEL.name, "input"], "quantize", MODEL.name, *self.data, "-o", MODEL.name)
        self.refused(["m.onnx", "--plan", "-o"], "quantize", "--plan", "m.onnx", "-o", "./m.onnx")

    def test_others_overwrite_no_input(self):
        self.refused([MODEL.name, "input"], "bench", MODEL.name, "--json", MODEL.name)
        self.refused([MODEL.name, "input"], "bench", MODEL.name, "--trace", MODEL.name)
        self.refused(["x", "--json"], "bench", MODEL.name, "--json", "x", "--trace", "./x")
        self.refused([MODEL.name, "input"], "inspect", MODEL.name, "--html", MODEL.name)
        self.refused([MODEL.name, "input"], "inspect", MODEL.name, "--json", MODEL.name)
        self.refused([MODEL.name, "input"], "diff", MODEL.name, MODEL.name, "--json", MODEL.name)
        (self.folder / "in.npz").write_bytes(b"")
        for name in (MODEL.name, "in.npz"):
            self.refused([name, "input"], "run", MODEL.name, "--inputs", "in.npz", "-o", name)

    def test_reports_of_one_name(self):
        self.succeed("calibrate", MODEL.name, *self.data, "--samples", 100)
        self.succeed("quantize", "--recover", "none", "--observer", "minmax")
        for name in ("r", "-"):
            self.refused(["--html", name, "--json"], "validate", "--data", TEST, "--html", name, "--json", name)
        self.refused(["--json", "input"], "validate", "--data", TEST, "--json", "digits.q8cal")

    def test_a_dash_is_stdout_or_an_error(self):
        self.refused(["-o -"], "calibrate", MODEL.name, *self.data, "-o", "-")
        self.refused(["-o -"], "quantize", MODEL.name, "--mode", "weights", "-o", "-")
        self.refused(["--trace -"], "bench", MODEL.name, "--trace", "-")

    def test_a_folder_is_no_output(self):
        (self.folder / "there").mkdir()
        for where in ("there", "nowhere/x"):
            self.fail_with(3, [where], "calibrate", MODEL.name, *self.data, "-o", where)
            self.fail_with(3, [where], "quantize", MODEL.name, "--mode", "weights", "-o", where)
            self.fail_with(3, [where], "bench", MODEL.name, "--json", where)

    def test_a_name_too_long_is_no_input(self):
        name = "n" * 300
        self.fail_with(3, [name], "bench", MODEL.name, "--json", name)
        self.fail_with(3, [name], "bench", name, "--json", name)

    def test_what_cannot_be_printed_is_an_error(self):
        for redirect in (">/dev/full", ">&-"):
            done = subprocess.run(["sh", "-c", f'"$0" inspect "$1" {redirect}', q8_program.Q8, str(MODEL)],
                                  cwd=self.folder, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 3, redirect)
            self.assertIn("stdout", done.stderr)

    def test_nothing_is_printed_into_a_file_where_stdout_is_closed(self):
        subprocess.run(["sh", "-c", '"$0" quantize "$1" --mode weights -o w.onnx >&-', q8_program.Q8, MODEL.name],
                       cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.assertNotIn(b"in integers", (self.folder / "w.onnx").read_bytes())
        self.succeed("inspect", "w.onnx")

    def test_runs_at_once_do_not_disturb_each_other(self):
        self.succeed("calibrate", MODEL.name, *self.data, "--samples", 100)
        command = [q8_program.Q8, "--threads", "1", "quantize", "--recover", "none", "--observer", "minmax"]
        runs = [subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for _ in range(8)]
        for run in runs:
            errors = run.communicate()[1]
            self.assertEqual(run.returncode, 0, errors)
        self.assertEqual(self.files(), ["digits.int8.onnx", "digits.onnx", "digits.q8cal", "preprocessor_config.json"])

    def test_a_quantized_model_is_not_calibrated(self):
        for form in (["--mode", "weights"], ["--data", CALIB, "--format", "qoperator"]):
            self.succeed("quantize", MODEL.name, *form, "-o", "q.onnx")
            before = self.files()
            self.fail_with(3, ["q.onnx", "quantized already"], "calibrate", "q.onnx", *self.data)
            self.assertEqual(before, self.files())


if __name__ == "__main__":
    q8_program.main()

"""What users get wrong: the exit code and one line that names the thing; no file is left behind."""
import json
import shutil

import q8_program
from q8_program import CALIB, MODEL, TEST


class Usage(q8_program.Q8TestCase):
    def test_mistyped_subcommand_is_suggested(self):
        for wrong, right in (("validat", "validate"), ("calbrate", "calibrate"), ("quantise", "quantize"), ("bensh", "bench")):
            self.fail_with(2, [wrong, f"did you mean '{right}'?"], wrong)

    def test_another_word_is_no_mistyped_one(self):
        for word in ("tune", "drift", "frobnicate"):
            done = self.q8(word)
            self.assertEqual((done.returncode, done.stderr), (2, f"error: no such command: {word} (q8 --help)\n"))

    def test_mistyped_flag_is_suggested(self):
        self.fail_with(2, ["--per-clas", "did you mean '--per-class'?"], "validate", "--per-clas")
        self.fail_with(2, ["--sampels", "did you mean '--samples'?"], "calibrate", MODEL, "--sampels", 3)

    def test_unexpected_arguments_name_the_first(self):
        self.fail_with(2, ["unexpected argument: c"], "validate", "a", "b", "c", "d")

    def test_a_profile_where_the_model_belongs(self):
        self.fail_with(2, ["m.q8cal", "--calibration"], "quantize", "m.q8cal")

    def test_missing_value(self):
        self.fail_with(2, ["--data: its value is missing"], "validate", "--data")

    def test_empty_values(self):
        for command, option in (("validate", "--json"), ("validate", "--max-drop"), ("quantize", "-o"), ("quantize", "--calibration"),
                                ("calibrate", "--data")):
            self.fail_with(2, ["its value is empty"], command, option, "")
        self.fail_with(2, ["its value is empty"], "validate", "", "b.onnx")
        (self.folder / "q8.toml").write_text('[validate]\nmax-drop = ""\n')
        self.fail_with(2, ["--max-drop: its value is empty", "q8.toml"], "validate")

    def test_values_out_of_range(self):
        self.fail_with(2, ["--samples", "0"], "validate", "--samples", 0)
        self.fail_with(2, ["--threads"], "validate", "--threads", 0)
        self.fail_with(2, ["--isa", "pentium"], "validate", "--isa", "pentium")
        self.fail_with(2, ["--seed", "x"], "calibrate", MODEL, "--seed", "x")
        self.fail_with(2, ["--warmup", "-1", "from 0 up"], "bench", MODEL, "--warmup", "-1")
        for wrong in ("nan", "inf", "much"):
            self.fail_with(2, ["--min-sqnr", wrong], "validate", "--min-sqnr", wrong)
            self.fail_with(2, ["--min-speedup", wrong], "bench", MODEL, MODEL, "--min-speedup", wrong)

    def test_options_that_would_play_no_part(self):
        self.fail_with(2, ["--percentile", "minmax"], "quantize", "--observer", "minmax", "--percentile", 99)
        self.fail_with(2, ["--merge", "--data"], "calibrate", "--merge", "a", "b", "--data", CALIB, "-o", "c")
        self.fail_with(2, ["--observer", "--export"], "inspect", "a.q8cal", "--observer", "mse")

    def test_option_given_twice(self):
        self.fail_with(2, ["--threads is given more than once"], "--threads", 1, "validate", "--threads", 2)

    def test_percentages(self):
        for text in ("much", "1%%", "", "nan", "101%"):
            with self.subTest(text):
                self.fail_with(2, ["--max-drop"], "validate", "--max-drop", text)
        self.fail_with(2, ["0.01", "1.00%"], "validate", "--max-drop", "0.01")
        self.fail_with(2, ["--min-class-accuracy"], "validate", "--min-class-accuracy", "0.9")

    def test_empty_working_folder(self):
        self.fail_with(2, ["*.q8cal", "q8 calibrate"], "quantize")
        self.fail_with(2, ["*.q8cal", "q8 calibrate"], "validate")

    def test_no_command_prints_the_help(self):
        done = self.q8()
        self.assertEqual(done.returncode, 2)
        self.assertIn("calibrate", done.stderr)

    def test_help_has_the_users_words(self):
        commands = ("calibrate", "quantize", "validate", "inspect", "diff", "bench", "run")
        self.assertEqual([], [c for c in commands if f"\n  {c} " not in self.succeed("--help")])
        for command in commands:
            text = self.succeed(command, "--help")
            self.assertIn(f"q8 {command} ", text)
            for word in ("TEXT", "INT ", "FLOAT", "Excludes", "{false}"):  # the parser's own
                self.assertNotIn(word, text)

    def test_an_argument_behind_data_is_no_folder(self):
        self.succeed("calibrate", "--data", CALIB, MODEL, "--samples", 100)


class Configuration(q8_program.Q8TestCase):
    def fail_at(self, names, text):
        (self.folder / "q8.toml").write_text(text)
        self.fail_with(2, ["q8.toml", *names], "inspect", MODEL)

    def test_mistyped_option_is_suggested(self):
        self.fail_at(["'quantize.observr'", "did you mean 'quantize.observer'?"], '[quantize]\nobservr = "mse"\n')

    def test_mistyped_section_is_suggested(self):
        self.fail_at(["'quantise'", "did you mean 'quantize'?"], '[quantise]\nobserver = "mse"\n')

    def test_option_without_its_section(self):
        self.fail_at(["'observer'"], 'observer = "mse"\n')

    def test_section_that_is_not_closed(self):
        self.fail_at(["quantiz"], '[quantize\nobserver = "mse"\n')

    def test_help_comes_whatever_is_wrong_in_the_file(self):
        for text in ("[quantize\n", "threads = 'x'\n", "nothing = 1\n"):
            (self.folder / "q8.toml").write_text(text)
            self.assertIn("calibrate", self.succeed("--help"))
            self.assertIn("--observer", self.succeed("quantize", "--help"))

    def test_errors_in_values_name_the_file(self):
        (self.folder / "q8.toml").write_text("[quantize]\nobserver = 'foo'\n")
        self.succeed("calibrate", MODEL, "--data", CALIB, "--samples", 100)
        self.fail_with(2, ["foo", "(from q8.toml: observer)"], "quantize")
        self.assertNotIn("q8.toml", self.q8("quantize", "--observer", "bar").stderr)
        (self.folder / "q8.toml").write_text("[quantize]\nobserver = 'mse'\npercentile = 99\n")
        self.fail_with(2, ["--observer mse", "(from q8.toml: observer, percentile)"], "quantize")
        self.fail_at(["--threads", "(from q8.toml: threads)"], "threads = 'x'\n")

    def test_the_command_line_wins_over_what_it_excludes(self):
        def quantized(toml, *options):
            (self.folder / "q8.toml").write_text(toml)
            self.succeed("quantize", MODEL, "--mode", "weights", *options, "-o", "w.onnx")
            return (self.folder / "w.onnx").read_bytes()

        by_tensor, by_channel = quantized("", "--per-tensor"), quantized("", "--per-channel")
        self.assertNotEqual(by_tensor, by_channel)
        for toml in ("[quantize]\nper-tensor = true\n", "[quantize]\nper-channel = false\n"):
            self.assertEqual(quantized(toml), by_tensor, toml)
            self.assertEqual(quantized(toml, "--per-channel"), by_channel, toml)
        self.assertEqual(quantized("[quantize]\nper-channel = true\n", "--per-tensor"), by_tensor)
        self.fail_with(2, ["--per-tensor", "--per-channel"], "quantize", "--per-tensor", "--per-channel")

    def test_an_observer_on_the_line_needs_no_percentile_of_the_file(self):
        self.succeed("calibrate", MODEL, "--data", CALIB, "--samples", 100)

        def quantized(toml, *options):
            (self.folder / "q8.toml").write_text(toml)
            self.succeed("quantize", "--recover", "none", *options, "-o", "w.onnx")
            return (self.folder / "w.onnx").read_bytes()

        file = "[quantize]\npercentile = 90\n"
        self.assertEqual(quantized(file, "--observer", "mse"), quantized("", "--observer", "mse"))
        low = quantized("", "--observer", "percentile", "--percentile", "90")
        self.assertNotEqual(low, quantized("", "--observer", "percentile"))
        self.assertEqual(quantized(file, "--observer", "percentile"), low)
        self.fail_with(2, ["--percentile", "--observer mse"], "quantize", "--observer", "mse", "--percentile", "90")

    def test_merge_takes_no_samples_from_the_file(self):
        (self.folder / "q8.toml").write_text("[calibrate]\nsamples = 150\n")
        self.assertIn("150 samples", self.succeed("calibrate", MODEL, "--data", CALIB, "-o", "a.q8cal"))
        self.succeed("calibrate", "--merge", "a.q8cal", "-o", "b.q8cal")
        self.assertEqual((self.folder / "a.q8cal").read_bytes(), (self.folder / "b.q8cal").read_bytes())

    def test_a_profile_on_the_line_takes_no_data_from_the_file(self):
        self.succeed("calibrate", MODEL, "--data", CALIB, "--samples", 100, "-o", "a.q8cal")
        (self.folder / "q8.toml").write_text("[quantize]\ndata = 'nowhere'\nobserver = 'minmax'\nrecover = 'none'\n")
        self.fail_with(3, ["nowhere"], "quantize", MODEL)
        self.succeed("quantize", "--calibration", "a.q8cal", "-o", "a.onnx")
        self.fail_with(2, ["--calibration", "--data"], "quantize", MODEL, "--calibration", "a.q8cal", "--data", CALIB)

    def test_options_of_other_commands_and_of_all_are_no_error(self):
        (self.folder / "q8.toml").write_text('threads = 1\n[quantize]\nobserver = "mse"\n[validate]\nmax-drop = "0.5%"\n')
        self.succeed("inspect", MODEL)


class Input(q8_program.Q8TestCase):
    def test_model_that_is_not_there(self):
        self.fail_with(3, ["nowhere.onnx"], "calibrate", "nowhere.onnx", "--data", CALIB)

    def test_data_that_is_not_there(self):
        self.fail_with(3, ["nowhere"], "calibrate", MODEL, "--data", "nowhere")

    def test_empty_data_folder(self):
        (self.folder / "nothing").mkdir()
        self.fail_with(3, ["nothing"], "calibrate", MODEL, "--data", "nothing")

    def test_text_file_named_onnx(self):
        (self.folder / "text.onnx").write_text("This is no model, but a letter.\n")
        for command in (["calibrate", "text.onnx", "--data", CALIB], ["inspect", "text.onnx"], ["bench", "text.onnx"]):
            self.fail_with(3, ["text.onnx"], *command)

    def test_truncated_model(self):
        content = MODEL.read_bytes()
        for part in (10, 1000, len(content) // 2, len(content) - 1):
            with self.subTest(part):
                (self.folder / "cut.onnx").write_bytes(content[:part])
                self.fail_with(3, ["cut.onnx"], "calibrate", "cut.onnx", "--data", CALIB)

    def test_model_with_a_node_that_cannot_run(self):
        content = MODEL.read_bytes()
        pads = b"\n\x04pads@\x01@\x01@\x01@\x01"
        self.assertIn(pads, content)
        (self.folder / "pads.onnx").write_bytes(content.replace(pads, b"\n\x04padsP\x01@\x01@\x01@\x01", 1))
        for mode in ("weights", "dynamic"):
            self.fail_with(3, ["pads"], "quantize", "pads.onnx", "--mode", mode)

    def test_quantized_model_with_an_axis_that_is_not_there(self):
        self.succeed("quantize", MODEL, "--data", CALIB, "--observer", "minmax", "--recover", "none")
        content = (self.folder / "digits.int8.onnx").read_bytes()
        axis = b"\n\x04axis\x18\x00"
        self.assertGreater(content.count(axis), 4)
        at = content.find(axis)
        while at >= 0:  # of weights and of biases, which fused operators read without it
            (self.folder / "axis.onnx").write_bytes(content[:at] + axis[:-1] + b"\x07" + content[at + len(axis):])
            self.fail_with(3, ["DequantizeLinear", "axis 7"], "quantize", "axis.onnx", "--mode", "weights")
            at = content.find(axis, at + 1)

    def test_empty_model(self):
        (self.folder / "empty.onnx").write_bytes(b"")
        self.fail_with(3, ["empty.onnx"], "calibrate", "empty.onnx", "--data", CALIB)

    def test_folder_instead_of_a_model(self):
        self.fail_with(3, [str(CALIB)], "calibrate", CALIB, "--data", CALIB)

    def test_damaged_profile(self):
        (self.folder / "bad.q8cal").write_bytes(b"\x00\x01 no profile")
        self.fail_with(3, ["bad.q8cal"], "quantize")
        self.fail_with(3, ["bad.q8cal"], "validate")

    def test_unknown_class_label(self):
        self.quantized_digits()
        (self.folder / "labels.csv").write_text("file,class_index\n3/0003.png,3\n4/0004.png,zebra\n")
        done = self.q8("validate", "--data", TEST, "--labels", "labels.csv")
        self.assertEqual(done.returncode, 3)
        self.assertIn("labels.csv", done.stderr)
        first = sorted(p.relative_to(TEST).as_posix() for p in TEST.rglob("*.png"))[0]
        (self.folder / "labels.csv").write_text(f"file,class_index\n{first},zebra\n")
        self.fail_with(3, ["labels.csv", "zebra"], "validate", "--data", TEST, "--labels", "labels.csv")
        (self.folder / "labels.csv").write_text(f"file,class_index\n{first},12\n")
        self.fail_with(3, ["12", "10 ", "--no-labels"], "validate", "--data", TEST, "--labels", "labels.csv")

    def test_folders_that_are_not_classes_of_the_model(self):
        self.quantized_digits()
        report = json.loads(self.succeed("validate", "--data", TEST, "--no-labels", "--json", "-"))
        self.assertGreater(report["agreement"], 0.9)
        self.assertEqual((report["labelled"], report["classes"]), (0, []))
        self.fail_with(3, ["--max-drop"], "validate", "--data", TEST, "--no-labels", "--max-drop", "1%")
        self.fail_with(2, ["--labels"], "validate", "--data", TEST, "--no-labels", "--labels", "labels.csv")

    def test_calibration_samples_are_refused(self):
        self.quantized_digits()
        self.fail_with(3, [".png", "--allow-overlap"], "validate", "--data", CALIB)
        self.succeed("validate", "--data", CALIB, "--allow-overlap")

    def test_renamed_calibration_samples_are_refused(self):
        self.quantized_digits()
        shutil.copytree(CALIB / "3", self.folder / "mine" / "3")
        for path in list((self.folder / "mine" / "3").iterdir()):
            path.rename(path.with_name("x" + path.name))
        self.fail_with(3, ["x", "--allow-overlap"], "validate", "--data", "mine", "--max-drop", "1%")

    def test_model_that_is_not_there_any_more(self):
        shutil.copy(MODEL, self.folder / "mine.onnx")
        shutil.copy(MODEL.parent / "preprocessor_config.json", self.folder)
        self.succeed("calibrate", "mine.onnx", "--data", CALIB, "--samples", 100)
        (self.folder / "mine.onnx").unlink()
        for command in ("quantize", "validate"):
            self.fail_with(3, ["mine.onnx", "not there any more"], command)

    def test_int8_of_another_model(self):
        self.quantized_digits()
        # A field that no reader knows changes the file, not the model: tag 1000, varint 1.
        (self.folder / "other.onnx").write_bytes(MODEL.read_bytes() + b"\xc0\x3e\x01")
        shutil.copy(MODEL.parent / "preprocessor_config.json", self.folder)
        self.fail_with(3, ["digits.int8.onnx", "another model"], "validate", "other.onnx", "digits.int8.onnx", "--data", TEST)

    def test_a_profile_of_another_model(self):
        """Where it is named it is refused, where it only lies there it is passed over."""
        self.quantized_digits()
        (self.folder / "other.onnx").write_bytes(MODEL.read_bytes() + b"\xc0\x3e\x01")
        shutil.copy(MODEL.parent / "preprocessor_config.json", self.folder)
        (self.folder / "digits.q8cal").unlink()
        self.succeed("calibrate", "other.onnx", "--data", CALIB, "--samples", 100)
        models = ("validate", MODEL, "digits.int8.onnx")
        self.fail_with(3, ["other.q8cal", "another model"], *models, "--data", TEST, "--calibration", "other.q8cal")
        self.fail_with(2, ["--data", "of other models: other.q8cal"], *models)
        done = self.q8(*models, "--data", TEST)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("of other models: other.q8cal", done.stderr)
        self.succeed("calibrate", MODEL, "--data", CALIB)
        done = self.q8(*models, "--data", TEST)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_other_preprocessing_is_warned_of(self):
        self.quantized_digits()
        text = (MODEL.parent / "preprocessor_config.json").read_text(encoding="utf-8")
        (self.folder / "p.json").write_text(text.replace('"resample": 2', '"resample": 3'))
        self.assertNotEqual(text, (self.folder / "p.json").read_text())
        done = self.q8("validate", "--data", TEST, "--preprocess", "p.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("preprocessed in another way", done.stderr)

    def test_report_over_an_input(self):
        self.quantized_digits()
        self.fail_with(2, ["digits.int8.onnx"], "validate", "--data", TEST, "--json", "digits.int8.onnx")

    def test_report_in_a_folder_that_is_not_there(self):
        self.quantized_digits()
        self.fail_with(3, ["nowhere"], "validate", "--data", TEST, "--json", "nowhere/r.json")


if __name__ == "__main__":
    q8_program.main()

#!/usr/bin/env python3
"""The checks find the faults that they are for, and leave the rest alone.   tests/repository/test_checks.py"""
import unittest

import check_docs
import check_includes
import check_sizes
import check_text


class Includes(unittest.TestCase):
    def faults(self, path, include):
        return check_includes.faults_of(path, f"// a comment\n#include {include}\n")

    def test_upward_is_a_fault(self):
        self.assertTrue(self.faults("src/tensor/tensor.h", '"graph/graph.h"'))
        self.assertTrue(self.faults("src/kernels/gemm.cpp", '"tensor/tensor.h"'))
        self.assertTrue(self.faults("src/validate/metrics.cpp", '"calib/profile.h"'))

    def test_downward_through_several_layers_is_not(self):
        self.assertFalse(self.faults("src/report/json.cpp", '"base/error.h"'))
        self.assertFalse(self.faults("src/plan/plan.cpp", '"graph/graph.h"'))
        self.assertFalse(self.faults("src/plan/plan.cpp", "<vector>"))

    def test_library_with_one_user(self):
        self.assertTrue(self.faults("src/graph/graph.cpp", "<onnx/onnx_pb.h>"))
        self.assertTrue(self.faults("src/calib/histogram.cpp", "<Eigen/Dense>"))
        self.assertFalse(self.faults("src/recover/round_weights.cpp", "<Eigen/Cholesky>"))
        self.assertFalse(self.faults("src/onnx_io/load.cpp", "<onnx/onnx_pb.h>"))
        self.assertFalse(self.faults("src/calib/profile.cpp", '"onnx_names.h"'))

    def test_command_line_sees_public_headers_only(self):
        self.assertTrue(self.faults("tools/q8/main.cpp", '"calib/profile.h"'))
        self.assertTrue(self.faults("include/q8/calibrate.h", '"calib/profile.h"'))
        self.assertFalse(self.faults("tools/q8/main.cpp", '"q8/calibrate.h"'))

    def test_instruction_set_file(self):
        self.assertTrue(self.faults("src/kernels/f32/gemm_avx2.cpp", "<algorithm>"))
        self.assertFalse(self.faults("src/kernels/f32/gemm_avx2.cpp", "<immintrin.h>"))
        self.assertFalse(self.faults("src/kernels/f32/gemm_scalar.cpp", "<algorithm>"))


class Docs(unittest.TestCase):
    CODE = 'app.add_option("-o,--output", x, "h");\n  add_flag("!--no-optimize", y);\n  {"run", "run it", add_run},\n'

    def test_what_the_manual_lacks(self):
        self.assertEqual(check_docs.missing_options(self.CODE, "--output-file"), ["--no-optimize", "--output"])
        self.assertEqual(check_docs.missing_commands(self.CODE, "q8 runs"), ["run"])

    def test_what_the_manual_has(self):
        self.assertEqual(check_docs.missing_options(self.CODE, "`--output` and --no-optimize."), [])
        self.assertEqual(check_docs.missing_commands(self.CODE, "q8 run MODEL"), [])

    def test_anchor(self):
        self.assertEqual(check_docs.anchor("Quantized model (`.onnx`)"), "quantized-model-onnx")


class Sizes(unittest.TestCase):
    def test_400_lines_pass_and_401_do_not(self):
        self.assertFalse(check_sizes.faults_of("a.h", "\n" * 400))
        self.assertTrue(check_sizes.faults_of("a.h", "\n" * 401))


class Text(unittest.TestCase):
    def test_faults(self):
        for text in ("// TO" "DO later", "python /ho" "me/me/venv", "<" * 7 + " HEAD"):
            self.assertTrue(check_text.faults_of("a.md", text), text)

    def test_ordinary_text(self):
        for text in ("the method does it", "build/opt/x", "${root}/work/a", "https://example.org/home/page", "<<<<<<<"):
            self.assertFalse(check_text.faults_of("a.md", text), text)


if __name__ == "__main__":
    unittest.main()

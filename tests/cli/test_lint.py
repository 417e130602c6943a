"""q8 inspect --target, held against the runtimes themselves: what ONNX Runtime and OpenVINO make of small QDQ models, each
with one thing changed, is what the lint says of them. Skipped without ONNX Runtime; the part of OpenVINO alone without it."""
import collections
import json
import os
import pathlib
import sys
import unittest

import q8_program

try:
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto as T
    from onnx import helper, numpy_helper
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(77)
# Its kernels for AMX stop some virtual machines that claim to have it; those for VNNI give the same integers.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_VNNI")
try:
    import openvino
except ImportError:
    openvino = None

WRONG = 0.01  # of the result's range: far beyond rounding to integers in another place
INTEGER_TYPES = ("QLinearConv", "QLinearMatMul", "QGemm", "MatMulIntegerToFloat", "DynamicQuantizeMatMul")


def model(op="Conv", x=np.uint8, x_zero=128, w=np.int8, w_zero=0, scales=4, axis=None, bias="s32", bias_scale=1.0, output=True,
          clamp=None, opset=13, quantized_weights=True, **attributes):
    """x → Q → DQ → op(weights, bias) → clamp → Q → DQ → y, with 8 input and 4 output channels."""
    random = np.random.default_rng(0)
    constants, nodes = [], []

    def constant(name, values):
        constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def dequantized(name, values, scale, zero, **more):
        inputs = [constant(name, values), constant(name + "_s", scale)] + ([constant(name + "_z", zero)] if zero is not None else [])
        nodes.append(helper.make_node("DequantizeLinear", inputs, [name + "_d"], name + "_dq", **more))
        return name + "_d"

    conv = op == "Conv"
    turned = attributes.get("transB", 0)
    shape = (4, 8, 3, 3) if conv else (4, 8) if turned else (8, 4)
    axis = (0 if conv or turned else 1) if axis is None else axis
    limits = np.iinfo(w)
    weights = random.integers(limits.min + 1, limits.max, shape).astype(w)
    nodes.append(helper.make_node("QuantizeLinear", ["x", constant("xs", np.float32(0.02)), constant("xz", x(x_zero))], ["xq"], "x_q"))
    nodes.append(helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"], "x_dq"))
    if not quantized_weights:
        inputs = ["xd", constant("w", weights.astype(np.float32) * np.float32(0.01))]
    elif scales == 1:
        inputs = ["xd", dequantized("w", weights, np.float32(0.01), w(w_zero))]
    else:
        inputs = ["xd", dequantized("w", weights, np.full(scales, 0.01, np.float32), np.full(scales, w_zero, w), axis=axis)]
    if op != "MatMul" and bias == "s32":
        inputs.append(dequantized("b", np.full(4, 20000, np.int32), np.full(4, np.float32(0.02) * np.float32(0.01) * np.float32(bias_scale)), None, axis=0))
    elif op != "MatMul" and bias == "float":
        inputs.append(constant("b", np.full(4, 4, np.float32)))
    nodes.append(helper.make_node(op, inputs, ["p"], "product", **attributes))
    last = "p"
    if clamp:
        bounds = [constant("low", np.float32(0)), constant("high", np.float32(6))] if clamp == "Clip" else []
        nodes.append(helper.make_node(clamp, [last, *bounds], ["c"], "clamp"))
        last = "c"
    if output:
        nodes.append(helper.make_node("QuantizeLinear", [last, constant("ys", np.float32(0.5)), constant("yz", x(x_zero))], ["yq"], "y_q"))
        nodes.append(helper.make_node("DequantizeLinear", ["yq", "ys", "yz"], ["y"], "y_dq"))
        last = "y"
    sizes = [1, 8, 6, 6] if conv else [8, 5] if attributes.get("transA", 0) else [5, 8]
    graph = helper.make_graph(nodes, "lint", [helper.make_tensor_value_info("x", T.FLOAT, sizes)],
                              [helper.make_tensor_value_info(last, T.FLOAT, None)], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 10 if opset >= 21 else 8
    return made, {"x": random.normal(0, 1, sizes).astype(np.float32)}


CASES = {
    "as it should be": {},
    "no bias": {"bias": None},
    "float bias": {"bias": "float"},
    "bias of another scale": {"bias_scale": 2},
    "float result": {"output": False},
    "Relu that the range does": {"clamp": "Relu", "x_zero": 0},
    "Relu that it does not": {"clamp": "Relu"},
    "s8": {"x": np.int8, "x_zero": 3},
    "u8 weights": {"w": np.uint8, "w_zero": 128, "scales": 1},
    "zero points of weights": {"w_zero": 5},
    "one scale": {"scales": 1},
    "scales along the inputs": {"axis": 1, "scales": 8},
    "float weights": {"quantized_weights": False, "bias": "float"},
    "Gemm": {"op": "Gemm"},
    "Gemm, float result": {"op": "Gemm", "output": False},
    "Gemm, float bias": {"op": "Gemm", "bias": "float"},
    "Gemm, float bias and result": {"op": "Gemm", "bias": "float", "output": False},
    "Gemm, alpha and bias": {"op": "Gemm", "alpha": 0.5},
    "Gemm, bias of another scale": {"op": "Gemm", "bias_scale": 2},
    "Gemm, scales along the inputs": {"op": "Gemm", "axis": 0, "scales": 8},
    "Gemm, transposed weights": {"op": "Gemm", "transB": 1},
    "Gemm, transposed input": {"op": "Gemm", "transA": 1},
    "Gemm, alpha": {"op": "Gemm", "alpha": 0.5, "bias": None},
    "Gemm, beta": {"op": "Gemm", "beta": 2.0},
    "MatMul": {"op": "MatMul"},
    "MatMul, float result": {"op": "MatMul", "output": False},
    "MatMul, scales along the inputs": {"op": "MatMul", "axis": 0, "scales": 8, "output": False},
    "MatMul, zero points of weights": {"op": "MatMul", "w_zero": 5, "output": False},
    "16 bits": {"x": np.uint16, "x_zero": 32768, "opset": 21},
    "16 bits too early": {"x": np.uint16, "x_zero": 32768},
}


def model_of_4_bits(op, block, quantized_input):
    """op of x, quantized or not, and 4-bit weights with a scale for each channel or block of inputs; 64 inputs, 32 channels."""
    conv = op == "Conv"
    shape = [32, 64, 1, 1] if conv else [64, 32]
    inputs, channels = (1, 0) if conv else (0, 1)
    scales = [n // block if axis == inputs else n for axis, n in enumerate(shape)] if block else [32]
    constants = [helper.make_tensor("w", T.INT4, shape, np.arange(64 * 32) % 15 - 7),
                 numpy_helper.from_array(np.full(scales, 0.01, np.float32), "ws")]
    nodes, x = [], "x"
    if quantized_input:
        constants += [numpy_helper.from_array(np.float32(0.02), "xs"), numpy_helper.from_array(np.uint8(128), "xz")]
        nodes = [helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]), helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"])]
        x = "xd"
    blocks = {"axis": inputs, "block_size": block} if block else {"axis": channels}
    nodes += [helper.make_node("DequantizeLinear", ["w", "ws"], ["wd"], **blocks), helper.make_node(op, [x, "wd"], ["y"])]
    graph = helper.make_graph(nodes, "lint", [helper.make_tensor_value_info("x", T.FLOAT, [1, 64, 4, 4] if conv else [5, 64])],
                              [helper.make_tensor_value_info("y", T.FLOAT, None)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def run(path, optimized_path=None):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    if optimized_path:
        options.optimized_model_filepath = str(optimized_path)
    else:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def difference(a, b):
    return float(abs(a - b).max() / (b.max() - b.min()))


class Lint(q8_program.Q8TestCase):
    def write(self, name, **changes):
        made, feed = model(**changes)
        path = self.folder / (name.replace(" ", "_").replace(",", "") + ".onnx")
        onnx.save(made, path)
        return path, feed

    def lint(self, path, target, *options):
        done = self.q8("inspect", "--target", target, path, "--json", *options)
        self.assertIn(done.returncode, (0, 4), done.stderr)
        result = json.loads(done.stdout)
        self.assertEqual(done.returncode, 4 if result["errors"] else 0)
        self.assertEqual(result["errors"], sum(f["level"] == "error" for f in result["findings"]))
        return result

    def test_onnxruntime(self):
        for name, changes in CASES.items():
            with self.subTest(name):
                path, feed = self.write(name, **changes)
                found = self.lint(path, "onnxruntime-x86")
                try:
                    exact = run(path).run(None, feed)[0]
                    optimized = self.folder / "optimized.onnx"
                    right = difference(run(path, optimized).run(None, feed)[0], exact) < WRONG
                except Exception:  # ONNX Runtime's own exceptions have no common base
                    right = False
                self.assertEqual(found["errors"] == 0, right, found["findings"])
                if right:
                    types = collections.Counter(n.op_type for n in onnx.load(optimized).graph.node)
                    self.assertEqual(found["integer_products"], sum(types[t] for t in INTEGER_TYPES), found["findings"])
                    self.assertEqual(found["integer_products"] + found["float_products"], 1)

    @unittest.skipIf(openvino is None, "openvino is not installed")
    def test_openvino(self):
        core = openvino.Core()
        for name, changes in CASES.items():
            if "along the inputs" in name and "op" in changes:
                continue  # it says the type of a FullyConnected's input, not that of its sums
            with self.subTest(name):
                path, feed = self.write(name, **changes)
                found = self.lint(path, "openvino")
                try:
                    exact = run(path).run(None, feed)[0]
                except Exception:  # not even a valid model
                    self.assertGreater(found["errors"] + found["warnings"], 0)
                    continue
                compiled = core.compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
                right = difference(list(compiled(feed).values())[0], exact) < WRONG
                kinds = [(n.get_rt_info()["layerType"].astype(str), n.get_rt_info()["runtimePrecision"].astype(str))
                         for n in compiled.get_runtime_model().get_ops()]
                integers = [kind for kind, precision in kinds
                            if kind in ("Convolution", "FullyConnected", "MatMul") and precision in ("u8", "i8")]
                if "16 bits" in name:  # computed with fewer bits, or in float: nothing that the file says
                    self.assertGreater(found["warnings"], 0)
                    continue
                self.assertTrue(right, name)
                self.assertEqual(found["integer_products"], len(integers), (kinds, found["findings"]))

    def rules(self, target, level="error", **changes):
        path, _ = self.write("m", **changes)
        return {f["rule"] for f in self.lint(path, target)["findings"] if f["level"] == level}

    def test_tensorrt(self):
        """Its parser reads s8 without zero points, and biases in float."""
        fit = {"x": np.int8, "x_zero": 0, "bias": "float"}
        self.assertEqual(self.rules("tensorrt", **fit), set())
        self.assertEqual(self.rules("tensorrt", **{**fit, "x_zero": 3}), {"activations"})
        self.assertEqual(self.rules("tensorrt", **{**fit, "x": np.uint8}), {"activations"})
        self.assertEqual(self.rules("tensorrt", **{**fit, "bias": "s32"}), {"bias"})
        self.assertEqual(self.rules("tensorrt", **{**fit, "w_zero": 5}), {"weights"})
        self.assertEqual(self.rules("tensorrt", **{**fit, "axis": 1, "scales": 8}), {"weights"})

    def test_lite(self):
        fit = {"x": np.int8, "x_zero": 3}
        self.assertEqual(self.rules("tflite-like", **fit), set())
        self.assertEqual(self.rules("tflite-like", **{**fit, "bias": "float"}), {"bias"})
        self.assertEqual(self.rules("tflite-like", **{**fit, "bias_scale": 2}), {"bias"})
        self.assertEqual(self.rules("tflite-like", op="Gemm", **fit), {"weights"})  # per axis: Conv alone
        self.assertEqual(self.rules("tflite-like", op="Gemm", scales=1, **fit), set())
        self.assertEqual(self.rules("tflite-like", x=np.uint8), {"activations"})

    def test_saturation(self):
        self.assertIn("weights", self.rules("onnxruntime-x86-avx2", "warning"))
        self.assertNotIn("weights", self.rules("onnxruntime-x86", "warning"))

    def found_by(self, rule, made, target):
        onnx.save(made, self.folder / "m.onnx")
        return [f for f in self.lint(self.folder / "m.onnx", target)["findings"] if f["rule"] == rule]

    def test_four_bits(self):
        """Weights stay in 4 bits where ONNX Runtime makes a MatMulNBits of the product."""
        optimized = self.folder / "optimized.onnx"
        for op in ("MatMul", "Gemm", "Conv"):
            for block in (0, 8, 16, 32):
                for quantized_input in (False, True):
                    with self.subTest(op, block=block, quantized_input=quantized_input):
                        made = model_of_4_bits(op, block, quantized_input)
                        found = self.found_by("four-bits", made, "onnxruntime-x86")
                        run(self.folder / "m.onnx", optimized)
                        kept = "MatMulNBits" in {n.op_type for n in onnx.load(optimized).graph.node}
                        self.assertEqual(not found, kept)
        self.assertEqual(self.found_by("four-bits", model_of_4_bits("MatMul", 32, False), "tensorrt"), [])
        for made, target in ((model_of_4_bits("MatMul", 0, False), "tensorrt"), (model_of_4_bits("Conv", 32, False), "tensorrt"),
                             (model_of_4_bits("MatMul", 32, False), "tflite-like")):
            self.assertEqual([f["level"] for f in self.found_by("four-bits", made, target)], ["error"])

    def test_float16(self):
        """ONNX Runtime on x86 runs no node in float16."""
        half = numpy_helper.from_array(np.full((4, 8, 3, 3), 0.1, np.float16), "w")
        nodes = [helper.make_node("Cast", ["x"], ["h"], to=T.FLOAT16), helper.make_node("Conv", ["h", "w"], ["c"], "conv"),
                 helper.make_node("Relu", ["c"], ["r"]), helper.make_node("Cast", ["r"], ["y"], to=T.FLOAT)]
        graph = helper.make_graph(nodes, "lint", [helper.make_tensor_value_info("x", T.FLOAT, [1, 8, 6, 6])],
                                  [helper.make_tensor_value_info("y", T.FLOAT, None)], [half])
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        found = self.found_by("float16", made, "onnxruntime-x86")
        self.assertEqual([(f["level"], f["node"]) for f in found], [("warning", "conv")])
        self.assertIn("2 node(s)", found[0]["message"])
        self.assertEqual(self.found_by("float16", made, "tensorrt"), [])
        optimized = self.folder / "optimized.onnx"
        run(self.folder / "m.onnx", optimized)
        self.assertNotIn(T.FLOAT16, {t.data_type for t in onnx.load(optimized).graph.initializer})  # its weights are float again

    def test_bodies(self):
        """What is in a branch is looked at, and said to be there."""
        made, _ = model(output=False)
        made.graph.node[-1].output[0] = "z"
        branch = helper.make_graph(list(made.graph.node), "branch", [], [helper.make_tensor_value_info("z", T.FLOAT, None)], list(made.graph.initializer))
        graph = helper.make_graph([helper.make_node("If", ["c"], ["y"], "if", then_branch=branch, else_branch=branch)], "lint",
                                  [helper.make_tensor_value_info("c", T.BOOL, [1]), made.graph.input[0]],
                                  [helper.make_tensor_value_info("y", T.FLOAT, None)])
        found = self.found_by("products", helper.make_model(graph, opset_imports=made.opset_import, ir_version=8), "onnxruntime-x86")
        self.assertEqual(sorted(f["message"].split("; in ")[1] for f in found), ["else_branch of If 'if'", "then_branch of If 'if'"])

    def test_opset(self):
        path, _ = self.write("old", opset=12)
        found = self.lint(path, "onnxruntime-x86")
        self.assertEqual({f["node"] for f in found["findings"] if f["rule"] == "opset"}, {"w_dq", "b_dq"})

    def test_strict(self):
        path, _ = self.write("m", output=False)  # a warning
        self.assertEqual(self.q8("inspect", "--target", "onnxruntime-x86", path).returncode, 0)
        self.assertEqual(self.q8("inspect", "--target", "onnxruntime-x86", "--strict", path).returncode, 4)

    def test_errors(self):
        path, _ = self.write("m")
        self.fail_with(2, ["tpu", "tensorrt"], "inspect", "--target", "tpu", path)
        self.fail_with(2, ["--strict"], "inspect", "--strict", path)
        (pathlib.Path(self.folder) / "x.onnx").write_text("no model")
        self.fail_with(3, ["x.onnx"], "inspect", "--target", "qnn", "x.onnx")

    def test_text(self):
        path, _ = self.write("m", output=False)
        text = self.succeed("inspect", "--target", "onnxruntime-x86", path)
        for word in ("0 of 1", "'product'", "not quantized", "2 warnings", "https://"):
            self.assertIn(word, text)


if __name__ == "__main__":
    q8_program.main()

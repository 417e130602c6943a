"""Layers in all their forms. See model_builder.py."""
import numpy as np
from model_builder import Builder, hard


@hard
def gemm_bias_of_two_dimensions():
    """A Gemm bias of shape [1, N]."""
    b = Builder(3)
    b.input("x", ["n", 16])
    b.node("Gemm", ["x", b.weight("w", 16, 12), b.weight("bias", 1, 12)], "y")
    b.output("y", ["n", 12])
    return b.model(), b.samples({"x": [1, 16]})


@hard
def every_kind_of_convolution():
    """1-D with SAME_UPPER, 3-D, dilated, grouped, depthwise with a multiplier, and transposed with groups."""
    b = Builder(9)
    b.input("x", [1, 4, 10, 10])
    b.node("Conv", ["x", b.weight("w1", 8, 1, 3, 3), b.weight("b1", 8)], "c1", group=4, pads=[1, 1, 1, 1])
    b.node("Relu", ["c1"], "r1")
    b.node("Conv", ["r1", b.weight("w2", 8, 4, 3, 3)], "c2", group=2, dilations=[2, 2], pads=[2, 2, 2, 2])
    b.node("Relu", ["c2"], "r2")
    b.node("ConvTranspose", ["r2", b.weight("w3", 8, 3, 2, 2), b.weight("b3", 6)], "t", group=2, strides=[2, 2])
    b.node("Relu", ["t"], "r3")
    b.node("Reshape", ["r3", b.constant("flat", np.array([1, 6, 400], np.int64))], "line")
    b.node("Conv", ["line", b.weight("w4", 5, 6, 5), b.weight("b4", 5)], "c4", strides=[2], auto_pad="SAME_UPPER")
    b.node("Relu", ["c4"], "r4")
    b.node("Reshape", ["r4", b.constant("cube", np.array([1, 5, 5, 4, 10], np.int64))], "volume")
    b.node("Conv", ["volume", b.weight("w5", 3, 5, 2, 2, 2)], "y")
    b.output("y", None)
    return b.model(), b.samples({"x": [1, 4, 10, 10]})


@hard
def recurrent_layers():
    """LSTM and GRU: quantized or said to stay float, never skipped in silence."""
    b = Builder(12)
    b.input("x", ["t", 1, 8])
    b.node("LSTM", ["x", b.weight("w", 1, 64, 8), b.weight("r", 1, 64, 16), b.weight("bias", 1, 128, scale=0.1)], ["h", "", ""], hidden_size=16)
    b.node("Squeeze", ["h", b.constant("one", np.array([1], np.int64))], "s")
    b.node("GRU", ["s", b.weight("w2", 2, 24, 16), b.weight("r2", 2, 24, 8)], ["g"], hidden_size=8, direction="bidirectional")
    b.node("ReduceMean", ["g"], "m", axes=[0, 1], keepdims=0)
    b.node("Gemm", ["m", b.weight("w3", 8, 4), b.weight("b3", 4)], "y")
    b.output("y", None)
    return b.model(), b.samples({"x": [6, 1, 8]})


@hard
def plain_recurrent_layer():
    """An RNN, which no runtime has in integers: its weights are s8, and the plan says that its state is not."""
    b = Builder(51)
    b.input("x", ["t", 1, 8])
    b.node("RNN", ["x", b.weight("w", 1, 16, 8, scale=0.3), b.weight("r", 1, 16, 16, scale=0.2), b.weight("bias", 1, 32, scale=0.1)], ["h"], hidden_size=16)
    b.node("ReduceMean", ["h"], "m", axes=[0, 1], keepdims=0)
    b.node("Gemm", ["m", b.weight("w2", 16, 4), b.weight("b2", 4)], "y")
    b.output("y", None)
    return b.model(), b.samples({"x": [6, 1, 8]})


@hard
def gemm_of_every_form():
    """alpha, beta, transA and transB, with a bias, with a bias of one number, and without."""
    b = Builder(15)
    b.input("x", [12, 16])
    b.node("Gemm", ["x", b.weight("w1", 16, 12, scale=0.3)], "a", alpha=0.5)
    b.node("Relu", ["a"], "r1")
    b.node("Gemm", ["r1", b.weight("w2", 12, 12, scale=0.3), b.weight("b2", 12)], "c", transA=1, transB=1, alpha=2.0, beta=0.25)
    b.node("Relu", ["c"], "r2")
    b.node("Gemm", ["r2", b.weight("w3", 10, 12), b.constant("b3", np.float32(0.5))], "y", transB=1, beta=-2.0)
    b.output("y", [12, 10])
    return b.model(), b.samples({"x": [12, 16]})


gemm_of_every_form.integer = {"Gemm": 3, "Transpose": 1}


@hard
def gemm_that_adds_more_than_a_bias():
    """Gemm whose C is computed, is a whole matrix, and is one number a row."""
    b = Builder(23)
    b.input("x", [6, 16])
    b.node("Gemm", ["x", b.weight("w1", 16, 16), b.weight("matrix", 6, 16)], "a")
    b.node("Relu", ["a"], "r1")
    b.node("Gemm", ["r1", b.weight("w2", 16, 16), "r1"], "c", alpha=0.5)
    b.node("Relu", ["c"], "r2")
    b.node("Gemm", ["r2", b.weight("w3", 10, 16), b.weight("rows", 6, 1)], "y", transB=1, beta=0.5)
    b.output("y", [6, 10])
    return b.model(), b.samples({"x": [6, 16]})


gemm_that_adds_more_than_a_bias.integer = {"Gemm": 3}


@hard
def bias_in_an_add():
    """A Conv whose bias is an Add behind it, and one added with Sum; a PRelu and a Where between layers."""
    b = Builder(16)
    b.input("x", [1, 4, 8, 8])
    b.node("Conv", ["x", b.weight("w1", 6, 4, 3, 3)], "c1", pads=[1, 1, 1, 1])
    b.node("Add", ["c1", b.weight("b1", 6, 1, 1)], "a1")
    b.node("PRelu", ["a1", b.constant("slope", np.linspace(0.05, 0.3, 6).astype(np.float32).reshape(6, 1, 1))], "p")
    b.node("Conv", ["p", b.weight("w2", 6, 6, 1, 1)], "c2")
    b.node("Sum", ["c2", b.weight("b2", 1, 6, 1, 1), "p"], "s")
    b.node("Greater", ["s", b.constant("zero", np.float32(0))], "positive")
    b.node("Where", ["positive", "s", "c2"], "chosen")
    b.node("Conv", ["chosen", b.weight("w3", 3, 6, 3, 3), b.weight("b3", 3)], "y")
    b.output("y", [1, 3, 6, 6])
    return b.model(), b.samples({"x": [1, 4, 8, 8]})


bias_in_an_add.integer = {"Conv": 3}


@hard
def resized_and_rearranged():
    """Resize by the nearest and by linear interpolation, DepthToSpace, SpaceToDepth, Transpose, Split and Concat between layers."""
    b = Builder(17)
    b.input("x", [1, 4, 6, 6])
    scales = b.constant("scales", np.array([1, 1, 2, 2], np.float32))
    b.node("Conv", ["x", b.weight("w1", 8, 4, 3, 3), b.weight("b1", 8)], "c1", pads=[1, 1, 1, 1])
    b.node("Relu", ["c1"], "r1")
    b.node("Resize", ["r1", "", scales], "near", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    b.node("Conv", ["near", b.weight("w2", 16, 8, 1, 1), b.weight("b2", 16)], "c2")
    b.node("DepthToSpace", ["c2"], "d", blocksize=2)
    b.node("Split", ["d"], ["d0", "d1"], axis=1)
    b.node("Concat", ["d1", "d0"], "turned", axis=1)
    b.node("Conv", ["turned", b.weight("w3", 4, 4, 3, 3), b.weight("b3", 4)], "c3", pads=[1, 1, 1, 1])
    b.node("SpaceToDepth", ["c3"], "s", blocksize=2)
    b.node("Resize", ["s", "", scales], "linear", mode="linear")
    b.node("Conv", ["linear", b.weight("w4", 2, 16, 1, 1)], "y")
    b.output("y", [1, 2, 24, 24])
    return b.model(), b.samples({"x": [1, 4, 6, 6]})


resized_and_rearranged.integer = {"Conv": 4, "DepthToSpace": 1, "Concat": 1, "Split": 1}


@hard
def stacked_products():
    """A MatMul with a constant stack of matrices, with one that stands left, and of two activations."""
    b = Builder(18)
    b.input("x", [3, 5, 8])
    b.node("MatMul", ["x", b.weight("stack", 3, 8, 8, scale=0.35)], "a")
    b.node("Relu", ["a"], "r")
    b.node("MatMul", [b.weight("left", 6, 5, scale=0.45), "r"], "c")
    b.node("Transpose", ["c"], "t", perm=[0, 2, 1])
    b.node("MatMul", ["c", "t"], "y")
    b.output("y", [3, 6, 6])
    return b.model(), b.samples({"x": [3, 5, 8]})


stacked_products.integer = {"MatMul": 2}  # x86 multiplies two activations in float


@hard
def wide_layers():
    """Channels of 64 inputs and more, as 4-bit weights want them; 70 is no multiple of a block."""
    b = Builder(15)
    b.input("x", ["t", 1, 70])
    b.node("LSTM", ["x", b.weight("w", 1, 256, 70, scale=0.1), b.weight("r", 1, 256, 64, scale=0.1)], ["h", "", ""], hidden_size=64)
    b.node("Squeeze", ["h", b.constant("axes", np.array([1, 2], np.int64))], "s")
    b.node("MatMul", ["s", b.weight("w2", 64, 144, scale=0.1)], "m")
    b.node("Relu", ["m"], "r1")
    b.node("Gemm", ["r1", b.weight("w3", 144, 144, scale=0.1), b.weight("b3", 144, scale=0.1)], "g", transB=1)
    b.node("Reshape", ["g", b.constant("image", np.array([-1, 16, 3, 3], np.int64))], "i")
    b.node("Conv", ["i", b.weight("w4", 8, 16, 3, 3), b.weight("b4", 8, scale=0.1)], "y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    b.output("y", None)
    return b.model(), b.samples({"x": [6, 1, 70]})


@hard
def sums_of_two_products():
    """A recurrent cell written out, x·W + h·U: matrices, which ONNX Runtime joins to a Gemm in float if nothing parts them."""
    b = Builder(21)
    b.input("x", [1, 8])
    b.input("h", [1, 6])
    b.node("MatMul", ["x", b.weight("w", 8, 24)], "wx")
    b.node("MatMul", ["h", b.weight("u", 6, 24)], "uh")
    b.node("Add", ["wx", "uh"], "sum")
    b.node("Add", ["sum", b.weight("bias", 24, scale=0.1)], "gates")
    b.node("Split", ["gates"], ["i", "f", "g", "o"], axis=1)
    for gate in "ifo":
        b.node("Sigmoid", [gate], gate + "s")
    b.node("Tanh", ["g"], "gt")
    b.node("Mul", ["is", "gt"], "c")
    b.node("Mul", ["fs", "h"], "kept")
    b.node("Add", ["c", "kept"], "state")
    b.node("Mul", ["os", "state"], "y")
    b.output("y", [1, 6])
    return b.model(), b.samples({"x": [1, 8], "h": [1, 6]})


sums_of_two_products.integer = {"MatMul": 2}


@hard
def products_before_float_clamps():
    """A Gemm and a MatMul with a Relu or Clip behind them whose results stay float, and one that is an output and read on."""
    b = Builder(24)
    b.input("x", [3, 12])
    b.node("Gemm", ["x", b.weight("w1", 8, 12), b.weight("b1", 8, scale=0.1)], "a", transB=1)
    b.node("Relu", ["a"], "r")
    b.node("Mul", ["r", b.constant("half", np.float32(0.5))], "m")
    b.node("MatMul", ["m", b.weight("w2", 8, 8)], "c")
    b.node("Clip", ["c", b.constant("low", np.float32(0)), b.constant("high", np.float32(1))], "k")
    b.node("Sigmoid", ["k"], "s")
    b.node("Gemm", ["s", b.weight("w3", 8, 6), b.weight("b3", 6, scale=0.1)], "middle")
    b.node("Gemm", ["middle", b.weight("w4", 5, 6)], "y", transB=1)
    b.output("middle", [3, 6])
    b.output("y", [3, 5])
    return b.model(), b.samples({"x": [3, 12]})


products_before_float_clamps.integer = {"Gemm": 3, "MatMul": 1}

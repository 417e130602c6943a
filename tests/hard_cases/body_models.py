"""Weights in the bodies of If, Loop and Scan. See model_builder.py."""
import numpy as np
from onnx import TensorProto as T
from onnx import helper
from model_builder import Builder, hard

SHAPE = [1, 16]


class Body(Builder):
    """A graph for an attribute. What it does not make itself it reads from outside."""

    def graph(self, name):
        return helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.constants)


def in_bodies(**count):
    """How many nodes of each type with constant weights are in bodies: quantized in every form, in integers in the static ones."""
    def listed(function):
        function.in_bodies = count
        return hard(function)

    return listed


def condition(b, x):
    """A number above zero or not, by the sample."""
    b.node("ReduceMean", [x], "mean_" + x, keepdims=0)
    return b.node("Greater", ["mean_" + x, b.constant("zero_" + x, np.float32(0))], "positive_" + x)


@in_bodies(MatMul=2, Gemm=2, Conv=2)
def branches_with_the_same_names():
    """Both branches have nodes and values of the same names, read the same outer weights, and use names that a quantizer gives."""
    b = Builder(40)
    b.input("x", SHAPE)
    b.weight("shared", 16, 32)
    b.node("Identity", ["x"], "same")

    def branch(seed):
        inner = Body(seed)
        inner.node("MatMul", ["same", "shared"], "m", name="product")
        inner.node("Relu", ["m"], "m_quantized", name="m_QuantizeLinear")
        inner.node("Gemm", ["m_quantized", inner.weight("m_scale", 24, 32), inner.weight("m_zero_point", 24)], "g", name="gemm", transB=1)
        inner.node("Reshape", ["g", inner.constant("image", np.array([1, 4, 6], np.int64))], "i")
        inner.node("Conv", ["i", inner.weight("kernel", 8, 4, 3)], "x_quantized", name="conv")
        inner.output("x_quantized", [1, 8, 4])
        return inner.graph("branch")

    b.node("If", [condition(b, "same")], "chosen", then_branch=branch(41), else_branch=branch(42))
    b.node("Flatten", ["chosen"], "f")
    b.node("MatMul", ["f", b.weight("last", 32, 5)], "y")
    b.output("y", [1, 5])
    return b.model(), b.samples({"x": SHAPE})


@in_bodies(MatMul=2)
def branch_in_a_branch():
    """An If within an If that reads weights of the outermost graph; the other branches only hand something on."""
    b = Builder(43)
    b.input("x", SHAPE)
    b.weight("far", 16, 16)

    def handing(values, name):
        inner = Body()
        inner.node("Identity", [values], name)
        inner.output(name, SHAPE)
        return inner.graph(name)

    deep = Body(44)
    deep.node("MatMul", ["a", "far"], "d")
    deep.node("Add", ["d", "x"], "e")
    deep.output("e", SHAPE)
    middle = Body(45)
    middle.node("MatMul", ["x", middle.weight("near", 16, 16)], "a")
    middle.node("If", [condition(middle, "a")], "j", then_branch=deep.graph("deep"), else_branch=handing("a", "handed"))
    middle.output("j", SHAPE)
    b.node("If", [condition(b, "x")], "k", then_branch=middle.graph("middle"), else_branch=handing("x", "kept"))
    b.node("MatMul", ["k", b.weight("last", 16, 5)], "y")
    b.output("y", [1, 5])
    return b.model(), b.samples({"x": SHAPE})


@in_bodies(Gemm=1)
def scan_with_weights():
    """A Scan whose body multiplies each step and its state."""
    b = Builder(46)
    b.input("x", [6, 16])
    body = Body(47)
    body.input("state", SHAPE)
    body.input("step", [16])
    body.node("Unsqueeze", ["step", body.constant("first", np.array([0], np.int64))], "row")
    body.node("Concat", ["row", "state"], "both", axis=1)
    body.node("Gemm", ["both", body.weight("w", 32, 16, scale=0.2), body.weight("bias", 16, scale=0.1)], "sum")
    body.node("Tanh", ["sum"], "next")
    body.node("Squeeze", ["next", "first"], "out")
    body.output("next", SHAPE)
    body.output("out", [16])
    b.node("Scan", [b.constant("start", np.zeros((1, 16), np.float32)), "x"], ["end", "all"], num_scan_inputs=1, body=body.graph("body"))
    b.node("MatMul", ["all", b.weight("last", 16, 5)], "y")
    b.output("y", [6, 5])
    return b.model(), b.samples({"x": [6, 16]})


@in_bodies(Conv=2)
def constants_of_branches():
    """Branches with a result that is a constant, beside one with weights."""
    b = Builder(48)
    b.input("x", [1, 4, 6, 6])

    def branch(seed):
        inner = Body(seed)
        inner.node("Conv", ["x", inner.weight("w", 8, 4, 3, 3), inner.weight("bias", 8)], "c")
        inner.node("Relu", ["c"], "r")
        inner.node("Constant", [], "factor", value=helper.make_tensor("value", T.FLOAT, [1], [seed / 50]))
        inner.output("r", [1, 8, 4, 4])
        inner.output("factor", [1])
        return inner.graph("branch")

    b.node("If", [condition(b, "x")], ["r", "factor"], then_branch=branch(49), else_branch=branch(50))
    b.node("Mul", ["r", "factor"], "m")
    b.node("Conv", ["m", b.weight("last", 5, 8, 1, 1)], "y")
    b.output("y", [1, 5, 4, 4])
    return b.model(), b.samples({"x": [1, 4, 6, 6]})

"""What opsets and IR versions write in their own ways. See model_builder.py."""
import numpy as np
from model_builder import MODELS, Builder, hard


@hard
def old_opset_per_channel():
    """Opset 9 and per-channel weights: DequantizeLinear has an axis from 13 on only."""
    b = Builder(1)
    b.input("x", [1, 3, 16, 16])
    b.node("Conv", ["x", b.weight("w", 8, 3, 3, 3), b.weight("bias", 8)], "c", pads=[1, 1, 1, 1])
    b.node("Relu", ["c"], "r")
    b.node("GlobalAveragePool", ["r"], "g")
    b.node("Flatten", ["g"], "f")
    b.node("Gemm", ["f", b.weight("w2", 10, 8), b.weight("b2", 10)], "y", transB=1)
    b.output("y", [1, 10])
    return b.model(9), b.samples({"x": [1, 3, 16, 16]})


@hard
def attributes_that_became_inputs():
    """Opset 9 and 10 forms that 13 no longer has: Clip, Pad, Slice, Squeeze, Unsqueeze, Split, ReduceMean, Upsample."""
    b = Builder(2)
    b.input("x", [1, 4, 8, 8])
    b.node("Pad", ["x"], "p", pads=[0, 0, 1, 1, 0, 0, 1, 1])
    b.node("Conv", ["p", b.weight("w", 8, 4, 3, 3)], "c")
    b.node("Clip", ["c"], "k", min=0.0, max=6.0)
    b.node("Slice", ["k"], "s", axes=[2, 3], starts=[0, 0], ends=[6, 6])
    b.node("Split", ["s"], ["s0", "s1"], axis=1, split=[4, 4])
    b.node("Concat", ["s1", "s0"], "cc", axis=1)
    b.node("Upsample", ["cc", b.constant("scales", np.array([1, 1, 2, 2], np.float32))], "u", mode="nearest")
    b.node("Conv", ["u", b.weight("w2", 5, 8, 1, 1), b.weight("b2", 5)], "d")
    b.node("ReduceMean", ["d"], "m", axes=[2, 3], keepdims=1)
    b.node("Squeeze", ["m"], "q", axes=[2, 3])
    b.node("Softmax", ["q"], "y", axis=1)
    b.output("y", [1, 5])
    return b.model(9), b.samples({"x": [1, 4, 8, 8]})


def of_opset(opset, ir):
    """The same small net as each opset and IR version has it."""
    def make():
        b = Builder(100 + opset)
        b.input("x", [1, 4, 8, 8])
        b.node("Conv", ["x", b.weight("w", 8, 4, 3, 3), b.weight("bias", 8)], "c", pads=[1, 1, 1, 1])
        for name, values in (("scale", 1.5), ("shift", 0.1), ("mean", 0.2), ("variance", 0.5)):
            b.constant(name, np.full(8, values, np.float32))
        b.node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], "n")
        if opset < 11:
            b.node("Clip", ["n"], "k", min=0.0, max=6.0)
        else:
            b.node("Clip", ["n", b.constant("low", np.float32(0)), b.constant("high", np.float32(6))], "k")
        b.node("MaxPool", ["k"], "m", kernel_shape=[2, 2], strides=[2, 2])
        b.node("Flatten", ["m"], "f")
        b.node("Gemm", ["f", b.weight("w2", 6, 128), b.weight("b2", 6)], "g", transB=1)
        b.node("Softmax", ["g"], "y", axis=1)
        b.output("y", [1, 6])
        return b.model(opset, ir), b.samples({"x": [1, 4, 8, 8]})

    make.__name__ = f"opset_{opset}_of_ir_{ir}"
    make.integer = {"Conv": 1, "MaxPool": 1, "Flatten": 1, "Gemm": 1}
    return make


MODELS += [of_opset(opset, ir) for opset, ir in
           ((7, 3), (8, 3), (9, 4), (10, 5), (11, 6), (12, 7), (13, 7), (14, 7), (15, 8), (16, 8), (17, 8), (18, 8), (19, 9), (20, 9),
            (21, 10), (22, 10))]

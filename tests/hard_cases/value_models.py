"""Values that a range has to be chosen for: masks, dead and constant ones, branches that differ. See model_builder.py."""
import numpy as np
from onnx import TensorProto as T
from model_builder import Builder, hard


@hard
def attention_mask_of_minus_infinity():
    """An attention mask that adds −3.4e38 to the scores, sequences of different lengths."""
    b = Builder(6)
    hidden, heads = 32, 4
    b.input("x", ["n", "s", hidden])
    b.input("mask", ["n", "s"], T.INT64)
    b.node("Cast", ["mask"], "m", to=T.FLOAT)
    b.node("Unsqueeze", ["m", b.constant("axes", np.array([1, 2], np.int64))], "mu")
    b.node("Sub", [b.constant("one", np.float32(1)), "mu"], "inverse")
    b.node("Mul", ["inverse", b.constant("lowest", np.float32(-3.4028234663852886e38))], "bias_mask")
    shape = b.constant("split", np.array([0, 0, heads, hidden // heads], np.int64))
    for part in "qkv":
        b.node("MatMul", ["x", b.weight("w" + part, hidden, hidden)], part + "0")
        b.node("Add", [part + "0", b.weight("b" + part, hidden, scale=0.1)], part + "1")
        b.node("Reshape", [part + "1", shape], part + "2")
        b.node("Transpose", [part + "2"], part, perm=[0, 2, 3, 1] if part == "k" else [0, 2, 1, 3])
    b.node("MatMul", ["q", "k"], "scores")
    b.node("Div", ["scores", b.constant("root", np.float32((hidden / heads) ** 0.5))], "scaled")
    b.node("Add", ["scaled", "bias_mask"], "masked")
    b.node("Softmax", ["masked"], "p", axis=-1)
    b.node("MatMul", ["p", "v"], "context")
    b.node("Transpose", ["context"], "ct", perm=[0, 2, 1, 3])
    b.node("Reshape", ["ct", b.constant("join", np.array([0, 0, hidden], np.int64))], "cr")
    b.node("MatMul", ["cr", b.weight("wo", hidden, hidden)], "y")
    b.output("y", ["n", "s", hidden])
    feeds = []
    for k in range(32):
        length = 4 + k % 9
        mask = np.ones((1, length), np.int64)
        mask[0, length - k % 3:] = 0 if k % 3 else 1
        feeds.append({"x": b.random.normal(0, 1, (1, length, hidden)).astype(np.float32), "mask": mask})
    return b.model(), feeds


@hard
def dead_and_tiny_channels():
    """A weight channel that is all zero, and one so small that its bias would overflow s32."""
    b = Builder(7)
    w = b.random.normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32)
    w[1] = 0
    w[2] *= 1e-9
    b.input("x", [1, 3, 8, 8])
    b.node("Conv", ["x", b.constant("w", w), b.constant("bias", np.array([1, 2, 3, -1, 0, 5], np.float32))], "y", pads=[1, 1, 1, 1])
    b.output("y", [1, 6, 8, 8])
    return b.model(), b.samples({"x": [1, 3, 8, 8]})


@hard
def mean_of_wide_and_narrow():
    """An AveragePool, whose result is narrower than what it reads."""
    b = Builder(25)
    b.input("x", [1, 4, 8, 8])
    b.node("Conv", ["x", b.weight("w", 4, 4, 1, 1), b.weight("b", 4)], "a")
    b.node("AveragePool", ["a"], "m", kernel_shape=[4, 4], strides=[4, 4])
    b.node("Conv", ["m", b.weight("w2", 20, 4, 1, 1)], "y")
    b.output("y", [1, 20, 2, 2])
    return b.model(), b.samples({"x": [1, 4, 8, 8]})


mean_of_wide_and_narrow.integer = {"Conv": 2, "AveragePool": 1}


@hard
def constant_activation():
    """An activation that is always zero: its range has no width."""
    b = Builder(8)
    b.input("x", [1, 3, 8, 8])
    b.node("Conv", ["x", b.weight("w", 4, 3, 1, 1), b.constant("low", np.full(4, -1e3, np.float32))], "a")
    b.node("Relu", ["a"], "zero")
    b.node("Conv", ["zero", b.weight("w2", 4, 4, 1, 1), b.weight("b2", 4)], "c")
    b.node("Conv", ["x", b.weight("w3", 4, 3, 1, 1)], "d")
    b.node("Add", ["c", "d"], "y")
    b.output("y", [1, 4, 8, 8])
    return b.model(), b.samples({"x": [1, 3, 8, 8]})


@hard
def concat_of_unequal_branches():
    """Two branches whose ranges differ a hundredfold meet in one Concat."""
    b = Builder(14)
    b.input("x", [1, 4, 8, 8])
    b.node("Conv", ["x", b.weight("w1", 4, 4, 1, 1)], "c1")
    b.node("Relu", ["c1"], "r1")
    b.node("Conv", ["x", b.weight("w2", 4, 4, 1, 1, scale=50)], "c2")
    b.node("Relu", ["c2"], "r2")
    b.node("Concat", ["r1", "r2"], "cc", axis=1)
    w = b.random.normal(0, 0.5, (4, 8, 1, 1)).astype(np.float32)
    w[:, 4:] /= 100
    b.node("Conv", ["cc", b.constant("w3", w)], "y")
    b.output("y", [1, 4, 8, 8])
    return b.model(), b.samples({"x": [1, 4, 8, 8]})


# Two branches in one u8 tensor cannot both be kept; what can be asked for is that q8 says so.
concat_of_unequal_branches.minimum_sqnr_db = 5
concat_of_unequal_branches.must_say = "falls to"


@hard
def clamps_beside_negative_branches():
    """A Relu, and a Clip behind a pool, meet branches with wider ranges in a Concat: at its scale the integers would let pass what
    the clamps do not."""
    b = Builder(22)
    b.input("x", [1, 4, 8, 8])
    for name in ("relu", "clip", "wide"):
        b.node("Conv", ["x", b.weight("w_" + name, 4, 4, 1, 1), b.weight("b_" + name, 4)], "c_" + name)
    b.node("Relu", ["c_relu"], "r")
    b.node("Clip", ["c_clip", b.constant("low", np.float32(0)), b.constant("high", np.float32(1))], "k")
    b.node("MaxPool", ["k"], "m", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    b.node("Concat", ["r", "c_wide", "m"], "joined", axis=1)
    b.node("Conv", ["joined", b.weight("w1", 6, 12, 1, 1), b.weight("b1", 6)], "c1")
    b.node("Relu", ["c1"], "r1")
    b.node("Conv", ["r1", b.weight("w2", 24, 6, 3, 3)], "y")
    b.output("y", [1, 24, 6, 6])
    return b.model(), b.samples({"x": [1, 4, 8, 8]})


clamps_beside_negative_branches.integer = {"Conv": 5, "Concat": 1, "MaxPool": 1}
clamps_beside_negative_branches.minimum_sqnr_db = 30


@hard
def half_floats():
    """Weights, inputs and results in float16, with Casts to float and back around a LayerNormalization, as converters leave them."""
    b = Builder(23)

    def half(name, scale, *shape):
        return b.constant(name, b.random.normal(0, scale, shape).astype(np.float16))

    b.input("x", [1, 4, 8, 8], T.FLOAT16)
    b.node("Conv", ["x", half("w", 0.3, 8, 4, 3, 3), half("b", 0.3, 8)], "c")
    b.node("Relu", ["c"], "r")
    b.node("Conv", ["r", half("w2", 0.2, 8, 8, 3, 3)], "d")
    b.node("GlobalAveragePool", ["d"], "g")
    b.node("Flatten", ["g"], "f")
    b.node("Cast", ["f"], "wide", to=T.FLOAT)
    b.node("LayerNormalization", ["wide", b.constant("scale", np.ones(8, np.float32)), b.constant("shift", np.zeros(8, np.float32))], "n")
    b.node("Cast", ["n"], "narrow", to=T.FLOAT16)
    b.node("MatMul", ["narrow", half("v", 0.4, 8, 5)], "y")
    b.output("y", [1, 5], T.FLOAT16)
    b.output("r", [1, 8, 6, 6], T.FLOAT16)
    return b.model(17), [{"x": b.random.normal(0, 1, (1, 4, 8, 8)).astype(np.float16)} for _ in range(32)]


half_floats.integer = {"Conv": 2, "MatMul": 1}


@hard
def doubles():
    """What is computed in double stays so, beside floats that become integers."""
    b = Builder(24)
    b.input("x", [1, 8])
    b.node("MatMul", ["x", b.weight("w", 8, 8)], "m")
    b.node("Cast", ["m"], "wide", to=T.DOUBLE)
    b.node("MatMul", ["wide", b.constant("v", b.random.normal(0, 0.3, (8, 8)))], "exact")
    b.node("Cast", ["exact"], "narrow", to=T.FLOAT)
    b.node("MatMul", ["narrow", b.weight("u", 8, 5)], "y")
    b.output("y", [1, 5])
    b.output("exact", [1, 8], T.DOUBLE)
    return b.model(), b.samples({"x": [1, 8]})


doubles.integer = {"MatMul": 2}

"""Small models, each with one property that quantizers are known to break on. Each function returns (model, samples):
samples is a list of feeds, one a sample."""
import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

MODELS = []


def hard(function):
    MODELS.append(function)
    return function


class Builder:
    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def weight(self, name, *shape, scale=None):
        fan_in = int(np.prod(shape[1:])) or 1
        values = self.random.normal(0, scale or (2 / fan_in) ** 0.5, shape).astype(np.float32)
        return self.constant(name, values)

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, op, inputs, outputs, name=None, **attributes):
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, **attributes))
        return outputs[0]

    def input(self, name, shape, dtype=T.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, name, shape=None, dtype=T.FLOAT):
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def model(self, opset=13, ir=None):
        graph = helper.make_graph(self.nodes, "hard", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = ir or (3 if opset < 9 else 8)
        if model.ir_version < 4:
            for tensor in self.constants:
                graph_input = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
                model.graph.input.append(graph_input)
        return model

    def samples(self, shapes, count=32, low=None):
        def one(shape):
            x = self.random.normal(0, 1, shape).astype(np.float32)
            return x if low is None else np.maximum(x, low)

        return [{name: one(shape) for name, shape in shapes.items()} for _ in range(count)]


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


@hard
def gemm_bias_of_two_dimensions():
    """A Gemm bias of shape [1, N]."""
    b = Builder(3)
    b.input("x", ["n", 16])
    b.node("Gemm", ["x", b.weight("w", 16, 12), b.weight("bias", 1, 12)], "y")
    b.output("y", ["n", 12])
    return b.model(), b.samples({"x": [1, 16]})


@hard
def names_that_are_taken():
    """The model already uses the names that a quantizer would give its new tensors and nodes."""
    b = Builder(4)
    b.input("x", [1, 3, 8, 8])
    b.node("Conv", ["x", b.weight("w", 4, 3, 1, 1), b.weight("w_quantized", 4)], "x_quantized", name="x_QuantizeLinear")
    b.node("Relu", ["x_quantized"], "x_scale", name="w_DequantizeLinear")
    b.node("Conv", ["x_scale", b.weight("x_zero_point", 4, 4, 1, 1)], "w_scale", name="x_DequantizeLinear")
    b.node("Relu", ["w_scale"], "y", name="y_QuantizeLinear")
    b.output("y", [1, 4, 8, 8])
    return b.model(), b.samples({"x": [1, 3, 8, 8]})


@hard
def shared_weights_and_bias():
    """One weight and one bias read by two convolutions whose inputs have different ranges."""
    b = Builder(5)
    b.input("x", [1, 4, 8, 8])
    w, bias = b.weight("w", 4, 4, 3, 3), b.weight("bias", 4)
    b.node("Conv", ["x", w, bias], "a", pads=[1, 1, 1, 1])
    b.node("Relu", ["a"], "r")
    b.node("Mul", ["r", b.constant("ten", np.float32(10))], "t")
    b.node("Conv", ["t", w, bias], "y", pads=[1, 1, 1, 1])
    b.output("y", [1, 4, 8, 8])
    return b.model(), b.samples({"x": [1, 4, 8, 8]})


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
def outputs_in_the_middle():
    """A value that is an output of the graph and read on, and an input that is an output."""
    b = Builder(10)
    b.input("x", [1, 3, 8, 8])
    b.node("Conv", ["x", b.weight("w", 4, 3, 1, 1), b.weight("bias", 4)], "middle")
    b.node("Relu", ["middle"], "r")
    b.node("Conv", ["r", b.weight("w2", 4, 4, 1, 1)], "y")
    b.node("Identity", ["x"], "same")
    for name, channels in (("middle", 4), ("y", 4), ("same", 3)):
        b.output(name, [1, channels, 8, 8])
    return b.model(), b.samples({"x": [1, 3, 8, 8]})


@hard
def weights_behind_other_nodes():
    """Weights in Constant nodes, behind Transpose, Reshape and Identity."""
    b = Builder(11)
    b.input("x", [1, 12])
    values = b.random.normal(0, 0.3, (10, 12)).astype(np.float32)
    b.node("Constant", [], "stored", value=numpy_helper.from_array(values))
    b.node("Transpose", ["stored"], "turned", perm=[1, 0])
    b.node("Identity", ["turned"], "w")
    b.node("MatMul", ["x", "w"], "a")
    b.node("Relu", ["a"], "r")
    b.node("Reshape", [b.weight("flat", 60), b.constant("shape", np.array([10, 6], np.int64))], "w2")
    b.node("MatMul", ["r", "w2"], "y")
    b.output("y", [1, 6])
    return b.model(), b.samples({"x": [1, 12]})


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
def branches():
    """An If whose branches read the enclosing graph, with weights inside."""
    b = Builder(13)
    b.input("x", [1, 8])
    b.node("MatMul", ["x", b.weight("w", 8, 8)], "a")
    b.node("ReduceMean", ["a"], "m", keepdims=0)
    b.node("Greater", ["m", b.constant("zero", np.float32(0))], "c")

    def branch(name, factor):
        inner = numpy_helper.from_array((np.eye(8) * factor).astype(np.float32), name + "_w")
        return helper.make_graph([helper.make_node("MatMul", ["a", name + "_w"], [name])], name, [],
                                 [helper.make_tensor_value_info(name, T.FLOAT, [1, 8])], [inner])

    b.node("If", ["c"], "i", then_branch=branch("then", 2), else_branch=branch("else", 3))
    b.node("MatMul", ["i", b.weight("w2", 8, 5)], "y")
    b.output("y", [1, 5])
    return b.model(), b.samples({"x": [1, 8]})


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


stacked_products.integer = {"MatMul": 3}


@hard
def loop_with_weights():
    """A Loop whose body multiplies its state by weights and by a value of the enclosing graph."""
    b = Builder(19)
    b.input("x", [1, 8])
    b.node("MatMul", ["x", b.weight("w", 8, 8)], "a")
    inner = numpy_helper.from_array((np.eye(8) * 0.9).astype(np.float32), "inner_w")
    body = helper.make_graph(
        [helper.make_node("MatMul", ["state", "inner_w"], ["m"]), helper.make_node("Add", ["m", "a"], ["next"]),
         helper.make_node("Identity", ["go"], ["go_on"])], "body",
        [helper.make_tensor_value_info("i", T.INT64, []), helper.make_tensor_value_info("go", T.BOOL, []),
         helper.make_tensor_value_info("state", T.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("go_on", T.BOOL, []), helper.make_tensor_value_info("next", T.FLOAT, [1, 8])], [inner])
    b.node("Loop", [b.constant("times", np.int64(3)), b.constant("yes", np.bool_(True)), "a"], "l", body=body)
    b.node("MatMul", ["l", b.weight("w2", 8, 5)], "y")
    b.output("y", [1, 5])
    return b.model(), b.samples({"x": [1, 8]})


loop_with_weights.integer = {"MatMul": 2}
loop_with_weights.must_say = "bodies"
branches.must_say = "bodies"


@hard
def several_inputs_and_outputs():
    """Two inputs, one of them read by two layers; three outputs, one of them a layer's quantized input."""
    b = Builder(20)
    b.input("x", [1, 3, 8, 8])
    b.input("z", [1, 4, 8, 8])
    b.node("Conv", ["x", b.weight("w1", 4, 3, 3, 3), b.weight("b1", 4)], "c1", pads=[1, 1, 1, 1])
    b.node("Relu", ["c1"], "first")
    b.node("Conv", ["z", b.weight("w2", 4, 4, 1, 1)], "c2")
    b.node("Add", ["first", "c2"], "sum")
    b.node("Relu", ["sum"], "r")
    b.node("Conv", ["r", b.weight("w3", 5, 4, 1, 1), b.weight("b3", 5)], "second")
    b.node("GlobalAveragePool", ["second"], "third")
    for name, shape in (("first", [1, 4, 8, 8]), ("second", [1, 5, 8, 8]), ("third", [1, 5, 1, 1])):
        b.output(name, shape)
    return b.model(), b.samples({"x": [1, 3, 8, 8], "z": [1, 4, 8, 8]})


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

"""The network of the embedded default: forward pass for training (NumPy + autograd) and export to ONNX.

Inverted residual blocks as in MobileNetV2: 1x1 expand, 3x3 depthwise, 1x1 project, BatchNormalization after
each, ReLU6 after the first two. Used by make_demo_model.py; not run by itself.
"""
from dataclasses import dataclass

import autograd.numpy as np
import numpy
import onnx
from autograd.extend import defvjp, primitive
from onnx import TensorProto, helper, numpy_helper

SIZE = 16  # height and width of the input
STEM = 16
BLOCKS = [  # expanded channels, output channels, stride; a residual Add where the shape stays
    (32, 16, 1),
    (64, 32, 2),
    (128, 32, 1),
    (128, 64, 2),
    (256, 64, 1),
]
HEAD = 128
CLASSES = 10
EPSILON = 1e-5


@dataclass
class Layer:
    name: str
    kind: str  # full (3x3), depth (3x3 depthwise) or point (1x1)
    c_in: int
    c_out: int
    stride: int = 1
    has_relu: bool = True
    opens_block: bool = False  # its input is the block's shortcut
    adds_shortcut: bool = False


def layers():
    """Every convolution in the order of execution."""
    yield Layer("stem", "full", 1, STEM)
    channels = STEM
    for i, (expanded, out, stride) in enumerate(BLOCKS, 1):
        yield Layer(f"block{i}/expand", "point", channels, expanded, opens_block=True)
        yield Layer(f"block{i}/depthwise", "depth", expanded, expanded, stride)
        yield Layer(f"block{i}/project", "point", expanded, out, has_relu=False,
                    adds_shortcut=stride == 1 and channels == out)
        channels = out
    yield Layer("head", "point", channels, HEAD)


def initial_parameters(rng):
    """He initialisation. Weights: [taps, out] (full), [in, out] (point), [3, 3, channels] (depth)."""
    p = {}
    for layer in layers():
        c_in, c_out = layer.c_in, layer.c_out
        shape = {"full": (9 * c_in, c_out), "point": (c_in, c_out), "depth": (3, 3, c_out)}[layer.kind]
        fan_in = 9 if layer.kind == "depth" else shape[0]
        p[layer.name + "/weight"] = rng.normal(0, numpy.sqrt(2 / fan_in), shape).astype(numpy.float32)
        p[layer.name + "/gamma"] = numpy.ones(c_out, numpy.float32)
        p[layer.name + "/beta"] = numpy.zeros(c_out, numpy.float32)
    p["classifier/weight"] = rng.normal(0, numpy.sqrt(1 / HEAD), (HEAD, CLASSES)).astype(numpy.float32)
    p["classifier/bias"] = numpy.zeros(CLASSES, numpy.float32)
    return p


def taps(x, stride):
    """The nine shifted views of x [n, h, w, c] that a 3x3 window with padding 1 reads, row by row."""
    h, w = x.shape[1:3]
    x = numpy.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return [x[:, i:i + h:stride, j:j + w:stride] for i in range(3) for j in range(3)]


@primitive
def depthwise(x, weight, stride):
    return sum(tap * w for tap, w in zip(taps(x, stride), weight.reshape(9, -1)))


def depthwise_grad_x(_, x, weight, stride):
    def vjp(g):
        n, h, w, c = x.shape
        padded = numpy.zeros((n, h + 2, w + 2, c), numpy.float32)
        for i in range(3):
            for j in range(3):
                padded[:, i:i + h:stride, j:j + w:stride] += g * weight[i, j]
        return padded[:, 1:-1, 1:-1]
    return vjp


def depthwise_grad_weight(_, x, weight, stride):
    return lambda g: numpy.stack(
        [numpy.einsum("nhwc,nhwc->c", tap, g) for tap in taps(x, stride)]).reshape(weight.shape)


defvjp(depthwise, depthwise_grad_x, depthwise_grad_weight, None)


@primitive
def relu6(x):
    return numpy.clip(x, 0, 6)


defvjp(relu6, lambda _, x: lambda g: g * ((x > 0) & (x < 6)))


def forward(p, x, statistics=None):
    """Logits [n, 10] of x [n, 16, 16, 1], BatchNormalization by the batch's own mean and variance, which
    are put into `statistics` where one is given."""
    shortcut = None
    for layer in layers():
        name = layer.name
        if layer.opens_block:
            shortcut = x
        if layer.kind == "depth":
            x = depthwise(x, p[name + "/weight"], layer.stride)
        else:
            rows = numpy.concatenate(taps(x, 1), axis=-1) if layer.kind == "full" else x
            flat = np.dot(np.reshape(rows, (-1, rows.shape[-1])), p[name + "/weight"])
            x = np.reshape(flat, rows.shape[:-1] + (layer.c_out,))
        mean = np.mean(x, axis=(0, 1, 2))
        centred = x - mean
        variance = np.mean(centred * centred, axis=(0, 1, 2))
        if statistics is not None:
            statistics[name + "/mean"], statistics[name + "/variance"] = mean, variance
        x = centred * (p[name + "/gamma"] / np.sqrt(variance + EPSILON)) + p[name + "/beta"]
        if layer.has_relu:
            x = relu6(x)
        if layer.adds_shortcut:
            x = x + shortcut
    return np.dot(np.mean(x, axis=(1, 2)), p["classifier/weight"]) + p["classifier/bias"]


def export(p, statistics, path):
    """Writes the network as ONNX, opset 13, dynamic batch, BatchNormalization not folded."""
    nodes, initializers = [], []

    def constant(name, value):
        initializers.append(numpy_helper.from_array(numpy.ascontiguousarray(value, numpy.float32), name))
        return name

    def add(op, name, inputs, **attributes):
        nodes.append(helper.make_node(op, inputs, [name + ":0"], name=name, **attributes))
        return name + ":0"

    zero, six = constant("relu6/min", 0), constant("relu6/max", 6)
    value = "image"
    for layer in layers():
        name, weight = layer.name, p[layer.name + "/weight"]
        if layer.opens_block:
            shortcut = value
        size, pad = (1, 0) if layer.kind == "point" else (3, 1)
        if layer.kind == "depth":
            weight = weight.transpose(2, 0, 1)[:, None]
        else:
            weight = weight.reshape(size, size, layer.c_in, layer.c_out).transpose(3, 2, 0, 1)
        value = add("Conv", name + "/conv", [value, constant(name + "/conv/weight", weight)],
                    kernel_shape=[size, size], strides=[layer.stride] * 2, pads=[pad] * 4,
                    group=layer.c_out if layer.kind == "depth" else 1)
        value = add("BatchNormalization", name + "/bn", [
            value,
            constant(name + "/bn/scale", p[name + "/gamma"]), constant(name + "/bn/bias", p[name + "/beta"]),
            constant(name + "/bn/mean", statistics[name + "/mean"]),
            constant(name + "/bn/var", statistics[name + "/variance"])], epsilon=EPSILON)
        if layer.has_relu:
            value = add("Clip", name + "/relu6", [value, zero, six])
        if layer.adds_shortcut:
            value = add("Add", name.replace("project", "add"), [value, shortcut])
    value = add("GlobalAveragePool", "pool", [value])
    value = add("Flatten", "flatten", [value])
    weight = constant("classifier/weight", p["classifier/weight"].T)
    bias = constant("classifier/bias", p["classifier/bias"])
    nodes.append(helper.make_node("Gemm", [value, weight, bias], ["logits"], name="classifier", transB=1))

    graph = helper.make_graph(
        nodes, "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])], initializers)
    model = helper.make_model(graph, producer_name="q8 tools/dev/make_demo_model.py", ir_version=7,
                              opset_imports=[helper.make_opsetid("", 13)])
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model, strict_mode=True), full_check=True)
    onnx.save(model, path)

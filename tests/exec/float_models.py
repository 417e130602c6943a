"""Small float models whose nodes q8 fuses or lays out anew, name -> (model, feeds, exact); see small_models.py."""
import numpy as np
from onnx import TensorProto, helper
from small_models import Builder, floats

SQRT2 = np.float32(np.sqrt(2))


def open_shapes(b, inputs, output="y"):
    """A model that declares types, but no dimension."""
    given = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * a.ndim) for n, a in inputs.items()]
    made = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    graph = helper.make_graph(b.nodes, "small", given, made, b.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", b.opset)], ir_version=8), inputs, False


def conv(b, x, channels_in, channels_out, kernel=3, group=1, **attributes):
    w = b.constant(floats(channels_out, channels_in // group, kernel, kernel))
    return b.node("Conv", [x, w, b.constant(floats(channels_out))], group=group, pads=[kernel // 2] * 4, **attributes)


def of_image(build, channels=5, size=11, batch=2, opset=17):
    b = Builder(opset)
    b.node("Identity", [build(b, "x")], "y")
    return open_shapes(b, {"x": floats(batch, channels, size, size + 2)})


def batch_norm(b, x, channels):
    positive = np.abs(floats(channels)) + np.float32(0.5)
    return b.node("BatchNormalization", [x, *(b.constant(v) for v in (floats(channels), floats(channels), floats(channels), positive))])


def swish(b, x):
    return b.node("Mul", [x, b.node("Sigmoid", [x])])


def gelu(b, x, order):
    """x · (1 + erf(x / √2)) / 2 in the ways that exporters write it."""
    number = lambda v: b.constant(np.float32(v))
    scaled = b.node("Mul", [x, number(1 / SQRT2)]) if order == 1 else b.node("Div", [x, number(SQRT2)])
    one_more = b.node("Add", [b.node("Erf", [scaled]), number(1)])
    if order == 0:
        return b.node("Mul", [b.node("Mul", [x, one_more]), number(0.5)])
    if order == 1:
        return b.node("Mul", [b.node("Mul", [x, number(0.5)]), one_more])
    return b.node("Mul", [x, b.node("Mul", [one_more, number(0.5)])])


def hard_swish(b, x, order):
    """x · clip(x + 3, 0, 6) / 6 in the ways that exporters write it."""
    number = lambda v: b.constant(np.float32(v))
    if order == 2:
        return b.node("Mul", [x, b.node("HardSigmoid", [x], alpha=1 / 6, beta=0.5)])
    clipped = b.node("Clip", [b.node("Add", [x, number(3)]), number(0), number(6)])
    if order == 0:
        return b.node("Div", [b.node("Mul", [x, clipped]), number(6)])
    return b.node("Mul", [b.node("Mul", [clipped, number(1 / 6)]), x])


def residual_block(b, x):
    y = b.node("Relu", [conv(b, x, 5, 8, strides=[2, 2])])
    return b.node("Relu", [b.node("Add", [conv(b, conv(b, y, 8, 8), 8, 8, kernel=1), y])])


def smaller_residual(b, x):
    """The addend, one value a channel, is broadcast."""
    pooled = conv(b, b.node("GlobalAveragePool", [conv(b, x, 5, 8)]), 8, 8, kernel=1)
    return b.node("Relu", [b.node("Add", [conv(b, conv(b, x, 5, 8), 8, 8), pooled])])


def larger_residual(b, x):
    """The Conv's own result is broadcast."""
    wide = conv(b, x, 5, 8)
    return swish(b, b.node("Add", [wide, conv(b, b.node("GlobalAveragePool", [wide]), 8, 8, kernel=1)]))


def two_readers(b, x):
    """A value between that somebody else reads as well: not to be fused."""
    y = conv(b, x, 5, 8)
    s = b.node("Sigmoid", [y])
    return b.node("Add", [b.node("Mul", [y, s]), b.node("Relu", [s])])


def feed_forward(b, x):
    hidden = b.node("Add", [b.constant(floats(40)), b.node("MatMul", [x, b.constant(floats(12, 40) / 4)])])
    back = b.node("MatMul", [gelu(b, hidden, 0), b.constant(floats(40, 12) / 6)])
    return b.node("Add", [b.node("Add", [back, b.constant(floats(12))]), x])


def matmul_broadcast(b, x):
    """One row is added to every product, and a product of one row to every row."""
    y = b.node("MatMul", [x, b.constant(floats(1, 1, 12, 9))])
    row = b.node("ReduceMean", [y], axes=[1], keepdims=1)
    return b.node("Tanh", [b.node("Add", [row, b.node("MatMul", [x, b.constant(floats(12, 9))])])])


def of_rows(build):
    b = Builder()
    b.node("Identity", [build(b, "x")], "y")
    return open_shapes(b, {"x": floats(2, 7, 12)})


def shuffled_channels(b, x):
    y = conv(b, x, 5, 8)
    shape = lambda *dims: b.constant(np.array(dims, np.int64))
    grouped = b.node("Transpose", [b.node("Reshape", [y, shape(0, 2, 4, 11, 13)])], perm=[0, 2, 1, 3, 4])
    return conv(b, b.node("Reshape", [grouped, shape(0, 8, 11, 13)]), 8, 6, kernel=1)


def slices(b, x):
    """What YOLO begins with: every second pixel, four times, as channels."""
    ints = lambda *v: b.constant(np.array(v, np.int64))
    parts = [b.node("Slice", [x, ints(i, j), ints(10, 12), ints(2, 3), ints(2, 2)]) for i in (0, 1) for j in (0, 1)]
    return conv(b, b.node("Concat", parts, axis=1), 20, 6)


def focus():
    """A Conv of every second line and column, joined in YOLO's order, by two Slices or one; pads and strides differ."""
    b, image = Builder(17), floats(2, 3, 12, 14)
    numbers = lambda *v: b.constant(np.array(v, np.int64))
    end = 2**63 - 1
    parts = []
    for line, column in ((0, 0), (1, 0), (0, 1)):
        lines = b.node("Slice", ["x", numbers(line), numbers(end), numbers(2), numbers(2)])
        parts.append(b.node("Slice", [lines, numbers(column), numbers(end), numbers(3), numbers(2)]))
    parts.append(b.node("Slice", ["x", numbers(1, 1), numbers(end, end), numbers(3, 2), numbers(2, 2)]))
    joined = b.node("Concat", parts, axis=1)
    w = b.constant(floats(10, 12, 3, 2))
    b.node("Relu", [b.node("Conv", [joined, w, b.constant(floats(10))], pads=[1, 0, 0, 1], strides=[2, 1])], "y")
    model, feeds, exact = open_shapes(b, {"x": image})
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, image.shape))
    return model, feeds, exact


def split_and_joined(b, x):
    y = conv(b, x, 5, 9)
    names = [f"part_{i}" for i in range(3)]
    b.nodes.append(helper.make_node("Split", [y, b.constant(np.array([2, 4, 3], np.int64))], names, name="split", axis=1))
    pooled = b.node("MaxPool", [names[1]], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    return b.node("Concat", [names[2], pooled, names[0]], axis=-3)


def mobile_block(kernel, stride, size, batch=1, pad=None):
    """Expanded, filtered and projected; large enough for several bands of lines between the first two."""
    def build(b, x):
        wide = swish(b, conv(b, x, 8, 96, kernel=1))
        weights, pads = b.constant(floats(96, 1, kernel, kernel)), [kernel // 2 if pad is None else pad] * 4
        deep = b.node("Conv", [wide, weights, b.constant(floats(96))], group=96, pads=pads, strides=[stride, stride])
        clipped = b.node("Clip", [deep, b.constant(np.float32(0)), b.constant(np.float32(6))])
        return conv(b, clipped, 96, 7, kernel=1)
    return of_image(build, channels=8, size=size, batch=batch)


def scaled_by_pool(b, x):
    """Squeeze and excitation."""
    y = swish(b, conv(b, x, 5, 8))
    gate = b.node("HardSigmoid", [conv(b, b.node("ReduceMean", [y], axes=[2, 3], keepdims=1), 8, 8, kernel=1)], alpha=0.2, beta=0.5)
    return conv(b, b.node("Mul", [y, gate]), 8, 5, kernel=1)


def detector_end(shape, channels=7):
    """Boxes of two sizes in one list, as detectors end: the pixels of each image become rows."""
    def build(b, x):
        sizes = [conv(b, x, 5, channels), conv(b, x, 5, channels, strides=[2, 2])]
        rows = [b.node("Reshape", [y, b.constant(np.array(shape, np.int64))]) for y in sizes]
        return b.node("Transpose", [b.node("Concat", rows, axis=2)], perm=[0, 2, 1])
    return of_image(build)


def upsampled(b, x):
    """By 2 and 3, nearest: rows and columns of pixels are repeated."""
    larger = b.node("Resize", [conv(b, x, 5, 19), "", b.constant(np.array([1, 1, 2, 3], np.float32))], mode="nearest",
                    coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    return conv(b, larger, 19, 4)


def pool(op, channels=8, **attributes):
    return of_image(lambda b, x: b.node(op, [conv(b, x, 5, channels)], **attributes))


def attention(rows=7, heads=3, size=4, batch=2, mask=None, scaling="Mul", turned=True, swapped=False):
    """softmax(Q · K scaled + mask) · V of one input, of an input of another length where the mask says so."""
    b = Builder()
    shape = lambda *dims: b.constant(np.array(dims, np.int64))
    given = {"x": floats(batch, rows, heads * size)}

    def heads_of(perm):
        y = b.node("MatMul", ["x", b.constant(floats(heads * size, heads * size) / 3)])
        return b.node("Transpose", [b.node("Reshape", [y, shape(batch, rows, heads, size)])], perm=perm)

    scores = b.node("MatMul", [heads_of([0, 2, 1, 3]), heads_of([0, 2, 3, 1])])
    if scaling:
        scores = b.node(scaling, [scores, b.constant(np.float32(0.6 if scaling == "Mul" else 1.7))])
    if mask:
        given["mask"] = floats(*mask)
        scores = b.node("Add", ["mask", scores] if swapped else [scores, "mask"])
    y = b.node("MatMul", [b.node("Softmax", [scores], axis=-1), heads_of([0, 2, 1, 3])])
    if turned:
        y = b.node("Reshape", [b.node("Transpose", [y], perm=[0, 2, 1, 3]), shape(batch, rows, -1)])
    b.node("Identity", [y], "y")
    return open_shapes(b, given)


def float_cases():
    activations = ("Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "HardSigmoid", "Softplus", "Elu")
    cases = {f"conv_{op.lower()}": of_image(lambda b, x, op=op: b.node(op, [conv(b, x, 5, 19)])) for op in activations}
    cases |= {f"gelu_{order}": of_rows(lambda b, x, order=order: gelu(b, x, order)) for order in range(3)}
    cases |= {f"hard_swish_{order}": of_image(lambda b, x, order=order: hard_swish(b, conv(b, x, 5, 19), order)) for order in range(3)}
    square = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    cases |= {
        "conv_swish": of_image(lambda b, x: swish(b, conv(b, x, 5, 40))),
        "depthwise_swish": of_image(lambda b, x: swish(b, conv(b, x, 20, 20, kernel=5, group=20, strides=[2, 2])), channels=20),
        "depthwise_clip": of_image(lambda b, x: b.node("Clip", [conv(b, x, 33, 33, group=33), b.constant(np.float32(0)),
                                                                b.constant(np.float32(6))]), channels=33),
        "residual_block": of_image(residual_block),
        "smaller_residual": of_image(smaller_residual),
        "larger_residual": of_image(larger_residual),
        "two_readers": of_image(two_readers),
        "norm_relu": of_image(lambda b, x: conv(b, b.node("Relu", [batch_norm(b, b.node("MaxPool", [conv(b, x, 5, 21)], **square), 21)]), 21, 4)),
        "norm_alone": of_image(lambda b, x: b.node("Sqrt", [b.node("Abs", [batch_norm(b, b.node("Relu", [conv(b, x, 5, 7)]), 7)])])),
        "feed_forward": of_rows(feed_forward),
        "matmul_broadcast": of_rows(matmul_broadcast),
        "attention": attention(mask=(2, 1, 1, 7)),
        "attention_mask_in_front": attention(mask=(2, 3, 7, 7), swapped=True, scaling="Div"),
        "attention_mask_of_rows": attention(mask=(7, 1), scaling=None),
        "attention_mask_of_more_samples": attention(batch=1, mask=(4, 1, 7, 7)),
        "attention_mask_of_more_axes": attention(batch=1, mask=(2, 1, 1, 1, 7), turned=False),
        "attention_mask_of_more_keys": attention(rows=1, mask=(5, 1)),
        "attention_in_parts": attention(rows=1100, heads=1, size=9, batch=1),
        "attention_left_in_heads": attention(turned=False, batch=3),
        "shuffled_channels": of_image(shuffled_channels),
        "slices": of_image(slices),
        "split_and_joined": of_image(split_and_joined),
        "focus": focus(),
        "upsampled": of_image(upsampled),
        "detector_end": detector_end([2, 7, -1]),
        "detector_end_copied_dimensions": detector_end([0, 0, -1]),
        "detector_end_joined_batch": detector_end([1, 7, -1]),
        "detector_end_channels_in_groups": detector_end([0, 3, -1], channels=9),
        "scaled_by_pool": of_image(scaled_by_pool),
        "mobile_block": mobile_block(3, 1, 61),
        "mobile_block_strided": mobile_block(5, 2, 64),
        "mobile_block_without_padding": mobile_block(3, 2, 53, pad=0),
        "mobile_block_all_padding": mobile_block(3, 1, 40, pad=4),
        "mobile_block_batch": mobile_block(3, 2, 37, batch=3),
        "padded": of_image(lambda b, x: b.node("MaxPool", [b.node("Pad", [conv(b, x, 5, 9), b.constant(np.array([0, 0, 1, 2, 0, 1, 0, 3], np.int64)),
                                                                           b.constant(np.float32(0.5))])], kernel_shape=[3, 3])),
        "reflected": of_image(lambda b, x: conv(b, b.node("Pad", [conv(b, x, 5, 9), b.constant(np.array([0, 0, 1, 2, 0, 0, 1, 3], np.int64))],
                                                          mode="reflect"), 9, 3)),
        "largest_of_9": pool("MaxPool", **square, strides=[2, 2]),
        "largest_ceil": pool("MaxPool", channels=67, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        "largest_dilated": pool("MaxPool", channels=33, kernel_shape=[3, 2], dilations=[2, 3]),
        "mean_inside": pool("AveragePool", channels=20, **square),
        "mean_with_padding": pool("AveragePool", channels=35, **square, count_include_pad=1, strides=[2, 1]),
        "mean_of_all": pool("GlobalAveragePool", channels=131),
        "conv_1d": (lambda b: (b.node("Relu", [b.node("Conv", ["x", b.constant(floats(6, 5, 3))], pads=[1, 1])], "y"),
                               open_shapes(b, {"x": floats(2, 5, 17)})))(Builder())[1],
        "conv_3d": (lambda b: (b.node("Relu", [b.node("Conv", ["x", b.constant(floats(6, 5, 3, 2, 3))], pads=[1, 0, 1, 1, 1, 1])], "y"),
                               open_shapes(b, {"x": floats(1, 5, 7, 6, 8)})))(Builder())[1],
    }
    return cases

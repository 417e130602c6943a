"""Small quantized and float models, made with the onnx package: name -> (model, feeds, exact).

exact: q8's results must equal ONNX Runtime's bit for bit; else every byte may differ by one, floats by 1e-5 of the range.
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

RANDOM = np.random.default_rng(7)


class Builder:
    def __init__(self, opset=17):
        self.opset = opset
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, array, name=None):
        self.count += 1
        name = name or f"constant_{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, op, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"value_{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"{op}_{self.count}", **attributes))
        return output

    def quantized(self, value, scale, zero, dtype=np.uint8, zero_point=True):
        """QuantizeLinear and DequantizeLinear behind a value."""
        s = self.constant(np.float32(scale))
        z = [self.constant(np.array(zero, dtype))] if zero_point else []
        q = self.node("QuantizeLinear", [value, s, *z])
        return self.node("DequantizeLinear", [q, s, *z])

    def weight(self, shape, axis=None, dtype=np.int8, zero_point=True):
        """Integers behind a DequantizeLinear: per tensor, or with a scale for each index along the axis."""
        # -64 … 64: no kernel saturates sums of two products in 16 bits
        low, high = (-64, 64) if dtype == np.int8 else (0, 255)
        q = RANDOM.integers(low, high, shape, endpoint=True).astype(dtype)
        zero = 0 if dtype == np.int8 else 131
        scales = RANDOM.uniform(0.002, 0.02, shape[axis]) if axis is not None else 0.01
        s = self.constant(np.asarray(scales, np.float32))
        z = [self.constant(np.full(np.shape(scales), zero, dtype))] if zero_point else []
        attributes = {"axis": axis} if axis is not None else {}
        return self.node("DequantizeLinear", [self.constant(q), s, *z], **attributes), np.asarray(scales, np.float32)

    def bias(self, size, x_scale, w_scale, factor=1.0):
        q = RANDOM.integers(-5000, 5000, size).astype(np.int32)
        s = np.asarray(np.float32(x_scale) * w_scale * np.float32(factor), np.float32)
        z = self.constant(np.zeros(s.shape, np.int32))
        attributes = {"axis": 0} if s.ndim else {}
        return self.node("DequantizeLinear", [self.constant(q), self.constant(s), z], **attributes)

    def model(self, inputs, outputs, ir_version=8):
        """inputs: name -> array; outputs: names. Types of outputs are left to inference."""
        kinds = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.float16): TensorProto.FLOAT16,
                 np.dtype(np.int64): TensorProto.INT64, np.dtype(np.bool_): TensorProto.BOOL}
        given = [helper.make_tensor_value_info(n, kinds[a.dtype], a.shape) for n, a in inputs.items()]
        kind = kinds[next(iter(inputs.values())).dtype]
        made = [helper.make_tensor_value_info(n, kind, None) for n in outputs]
        graph = helper.make_graph(self.nodes, "small", given, made, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=ir_version)


def floats(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


def conv(b, x, channels_in, channels_out, axis=0, group=1, factor=None, dtype=np.int8, zero_point=True, kernel=3, **attributes):
    w, scale = b.weight((channels_out, channels_in // group, kernel, kernel), axis, dtype, zero_point)
    bias = [b.bias(channels_out, 0.03, scale, factor)] if factor else []
    return b.node("Conv", [x, w, *bias], group=group, pads=[kernel // 2] * 4, **attributes)


def one_input(x, build, exact=True, opset=17):
    b = Builder(opset)
    start = b.quantized("x", 0.03, 120)
    end = build(b, start)
    b.node("Identity", [end], "y")
    return b.model({"x": x}, ["y"]), {"x": x}, exact


def clipped_conv(b, x):
    y = conv(b, x, 5, 6, factor=1.0)
    largest = b.constant(np.float32(np.finfo(np.float32).max))
    y = b.node("Clip", [y, b.constant(np.float32(0)), largest])  # how some exporters write Relu
    return b.quantized(y, 0.05, 0)


def batched_matmul(broadcast, dtype=np.uint8):
    """Products of two activations, as attention has them; broadcast: the right factor has no leading dimension."""
    def build(b, x):
        right = b.node("Gather", ["x", b.constant(np.int64(1))], axis=0) if broadcast else "x"
        right = b.node("Transpose", [right], perm=[0, 2, 1] if broadcast else [0, 1, 3, 2])
        zero = 100 if dtype == np.uint8 else -5
        product = b.node("MatMul", [b.quantized("x", 0.03, zero, dtype), b.quantized(right, 0.02, zero, dtype)])
        return b.quantized(product, 0.1, zero, dtype)
    return build


def swish(b, x):
    """x · Sigmoid(x) with every value quantized."""
    sigmoid = b.quantized(b.node("Sigmoid", [x]), 1 / 256, 0)
    return b.quantized(b.node("Mul", [x, sigmoid]), 0.025, 20)


def tables_of_tables(b, x):
    """Functions of the same bytes, one of them of a function, with two orders of operands and a clamp."""
    tanh = b.quantized(b.node("Tanh", [x]), 1 / 128, 0, np.int8)
    leaky = b.quantized(b.node("LeakyRelu", [tanh], alpha=0.3), 0.01, 30)
    total = b.quantized(b.node("Relu", [b.node("Add", [leaky, x])]), 0.03, 0)
    return b.quantized(b.node("Mul", [total, b.quantized(b.node("Neg", [x]), 0.03, 140)]), 0.1, 200)


def conv_and_function(group=1, functions=("Sigmoid",), channels=6):
    """Functions of what a convolution makes, every value quantized: one table of its bytes."""
    def build(b, x):
        y = b.quantized(conv(b, x, 5, channels, group=group, factor=1.0), 0.06, 128)
        for function in functions:
            y = b.quantized(b.node(function, [y]), 1 / 100, 31)
        return y
    return build


def mobile_block(b, x, channels, kernel, stride, clipped=True):
    """Expanded, filtered and projected between bytes."""
    wide = conv(b, x, channels, 96, factor=1.0, kernel=3 if channels < 5 else 1)
    wide = b.quantized(b.node("Relu", [wide]) if clipped else wide, 0.03, 0 if clipped else 128)
    deep = conv(b, wide, 96, 96, group=96, factor=1.0, kernel=kernel, strides=[stride, stride])
    deep = b.quantized(b.node("Relu", [deep]), 0.03, 0)
    return b.quantized(conv(b, deep, 96, 7, factor=1.0, kernel=1), 0.06, 128)


def scores(shape, swapped=False):
    """Softmax of scaled scores and a mask of that shape, as attention has it, in bytes."""
    def build(b, x):
        number = b.constant(np.float32(0.3))
        scaled = b.node("Mul", [number, x] if swapped else [x, number])
        mask = b.constant(floats(*shape))
        summed = b.node("Add", [mask, scaled] if swapped else [scaled, mask])
        return b.quantized(b.node("Softmax", [summed], axis=-1), 1 / 255, 0)
    return build


def residual_norm(before):
    """LayerNormalization of a sum, in bytes; before: the sum is what goes on, else the result is."""
    def build(b, x):
        total = b.node("Add", [x, b.constant(floats(12))])
        norm = b.node("LayerNormalization", [total, b.constant(floats(12)), b.constant(floats(12))], axis=-1)
        product = b.node("MatMul", [b.quantized(norm, 0.03, 120), b.weight((12, 12), 1)[0]])
        return b.node("Add", [total if before else norm, product])
    return build


def product_in_bytes(function=None, columns=7):
    """A product, what a quantizer leaves float behind it, and bytes."""
    def build(b, x):
        y = b.node("Add", [b.node("MatMul", [x, b.weight((12, columns), 1)[0]]), b.constant(floats(columns))])
        return b.quantized(b.node("Gelu", [y], approximate=function) if function else y, 0.06, 128)
    return build


def conv_transpose(b, x, channels_in, channels_out, axis=1, group=1, kernel=(3, 2), zero_point=True, **attributes):
    w, scale = b.weight((channels_in, channels_out // group, *kernel), axis, zero_point=zero_point)
    y = b.node("ConvTranspose", [x, w, b.bias(channels_out, 0.03, scale)], group=group, **attributes)
    return b.quantized(b.node("Relu", [y]), 0.05, 9)


def resized(mode="linear", to=None, rounded=True, behind_conv=False, **attributes):
    """A Resize that computes, of bytes, to bytes or floats: by scales, or to a size."""
    def build(b, x):
        if behind_conv:
            x = b.quantized(conv(b, x, 5, 6, factor=1.0), 0.06, 128)
        by = [b.constant(np.array([1, 1, 2, 3], np.float32))] if to is None else ["", b.constant(np.array(to, np.int64))]
        y = b.node("Resize", [x, "", *by], mode=mode, **attributes)
        return b.quantized(y, 0.05, 127) if rounded else y
    return build


def focus(b, x):
    """What YOLO begins with, in bytes: every second pixel, four times, as channels."""
    numbers = lambda *v: b.constant(np.array(v, np.int64))
    end = 2**63 - 1
    parts = [b.node("Slice", [x, numbers(i, j), numbers(end, end), numbers(2, 3), numbers(2, 2)]) for j in (0, 1) for i in (0, 1)]
    joined = b.quantized(b.node("Concat", parts, axis=1), 0.03, 120)
    return b.quantized(conv(b, joined, 12, 7, factor=1.0, strides=[1, 2]), 0.06, 128)


def product_and_bias(fenced):
    """A float result of integers: a quantizer keeps the sum apart by a Max of one value."""
    b, rows = Builder(), floats(2, 9, 12)
    y = b.node("MatMul", [b.quantized("x", 0.03, 120), b.weight((12, 7), 1)[0]])
    b.node("Add", [b.node("Max", [y]) if fenced else y, b.constant(floats(7))], "y")
    return b.model({"x": rows}, ["y"]), {"x": rows}, False


def small_cases():
    heads = floats(2, 3, 5, 8)
    image = floats(2, 5, 9, 7)
    rows = floats(4, 12)
    out = lambda scale, zero, dtype=np.uint8: lambda b, y: b.quantized(y, scale, zero, dtype)
    u8 = out(0.06, 128)
    cases = {
        "conv_per_channel": one_input(image, lambda b, x: u8(b, conv(b, x, 5, 6, factor=1.0))),
        "conv_per_tensor": one_input(image, lambda b, x: u8(b, conv(b, x, 5, 6, axis=None, factor=1.0))),
        "conv_without_bias": one_input(image, lambda b, x: u8(b, conv(b, x, 5, 6))),
        "conv_depthwise": one_input(image, lambda b, x: u8(b, conv(b, x, 5, 5, group=5, factor=1.0))),
        "conv_strided": one_input(image, lambda b, x: u8(b, conv(b, x, 5, 6, factor=1.0, strides=[2, 2]))),
        "conv_relu": one_input(image, lambda b, x: b.quantized(b.node("Relu", [conv(b, x, 5, 6, factor=1.0)]), 0.05, 0)),
        "conv_clip_flt_max": one_input(image, clipped_conv),
        "conv_chain": one_input(image, lambda b, x: u8(b, conv(b, u8(b, conv(b, x, 5, 6, factor=1.0)), 6, 4))),
        "conv_function": one_input(image, conv_and_function(), exact=False),
        "conv_functions_depthwise": one_input(image, conv_and_function(5, ("Tanh", "HardSwish"), 5), exact=False),
        "conv_function_grouped": one_input(floats(1, 10, 9, 7), lambda b, x: b.quantized(
            b.node("LeakyRelu", [b.quantized(conv(b, x, 10, 4, group=2), 0.06, 128)], alpha=0.2), 0.03, 40), exact=False),
        # ONNX Runtime computes it in float.
        "conv_transpose": one_input(image, lambda b, x: conv_transpose(b, x, 5, 6, strides=[2, 2], kernel=(2, 2)), exact=False),
        "conv_transpose_pads": one_input(image, lambda b, x: conv_transpose(
            b, x, 5, 35, strides=[2, 3], dilations=[2, 1], pads=[1, 0, 2, 1], output_padding=[1, 0]), exact=False),
        "conv_transpose_sparse": one_input(image, lambda b, x: conv_transpose(b, x, 5, 6, strides=[3, 3], kernel=(1, 2)), exact=False),
        "conv_transpose_groups": one_input(floats(1, 8, 5, 6), lambda b, x: conv_transpose(
            b, x, 8, 6, axis=None, group=2, auto_pad="SAME_UPPER", strides=[2, 2]), exact=False),
        "conv_transpose_function": one_input(image, lambda b, x: b.quantized(b.node("Tanh", [conv_transpose(
            b, x, 5, 6, strides=[2, 2])]), 1 / 128, 128), exact=False),
        "mobile_block": one_input(floats(1, 8, 60, 61), lambda b, x: mobile_block(b, x, 8, 3, 1)),
        "mobile_block_strided": one_input(floats(2, 8, 53, 64), lambda b, x: mobile_block(b, x, 8, 5, 2, clipped=False)),
        "mobile_block_stem": one_input(floats(3, 3, 37, 40), lambda b, x: mobile_block(b, x, 3, 3, 1)),
        "mobile_block_low": one_input(floats(1, 8, 7, 7), lambda b, x: mobile_block(b, x, 8, 5, 1)),
        # ONNX Runtime resizes floats.
        "resize_linear": one_input(image, resized(), exact=False),
        "resize_linear_smaller": one_input(image, resized(to=[2, 5, 5, 4], coordinate_transformation_mode="align_corners"), exact=False),
        "resize_linear_to_floats": one_input(image, resized(rounded=False, behind_conv=True), exact=False),
        "resize_linear_channels_last": one_input(image, resized(to=[2, 6, 40, 21], behind_conv=True,
                                                                coordinate_transformation_mode="asymmetric"), exact=False),
        "resize_cubic": one_input(image, resized("cubic", to=[2, 6, 17, 10], behind_conv=True), exact=False),
        "resize_columns": one_input(image, resized(to=[2, 5, 9, 16]), exact=False),
        "resize_three_axes": one_input(floats(1, 2, 3, 4, 5), resized(to=[1, 2, 6, 7, 9]), exact=False),
        "resize_lines": one_input(image, resized(to=[2, 6, 20, 7], behind_conv=True), exact=False),
        "focus": one_input(floats(2, 3, 12, 14), focus),
        "product_bias": product_and_bias(False),
        "product_bias_fenced": product_and_bias(True),
        "product_in_bytes": one_input(floats(2, 70, 12), product_in_bytes(columns=70), exact=False),
        "product_gelu_in_bytes": one_input(floats(2, 9, 12), product_in_bytes("none"), exact=False, opset=20),
        "product_gelu_tanh_in_bytes": one_input(floats(2, 9, 12), product_in_bytes("tanh", 40), exact=False, opset=20),
        "matmul_per_tensor": one_input(rows, lambda b, x: u8(b, b.node("MatMul", [x, b.weight((12, 7))[0]]))),
        "matmul_per_channel": one_input(rows, lambda b, x: u8(b, b.node("MatMul", [x, b.weight((12, 7), 1)[0]]))),
        "matmul_batched": one_input(heads, batched_matmul(False)),
        "matmul_batched_s8": one_input(heads, batched_matmul(False, np.int8)),
        "matmul_broadcast": one_input(heads, batched_matmul(True)),
        "gemm_trans_b": one_input(rows, lambda b, x: gemm(b, x, 0)),
        "gemm": one_input(rows, lambda b, x: gemm(b, x, 1)),
        # What must not be fused as if it were the usual form: compared with the float definition.
        "conv_wrong_axis": one_input(image, lambda b, x: u8(b, conv(b, x, 5, 6, axis=1)), exact=False),
        "conv_other_bias_scale": one_input(image, lambda b, x: u8(b, conv(b, x, 5, 6, factor=3.0)), exact=False),
        "matmul_wrong_axis": one_input(rows, lambda b, x: u8(b, b.node("MatMul", [x, b.weight((12, 7), 0)[0]])), exact=False),
        "s8_without_zero_point": without_zero_points(image),
        "log_of_negative": one_input(np.abs(rows), lambda b, x: b.quantized(b.node("Log", [x]), 0.05, 128), exact=False),
        "add": one_input(image, lambda b, x: u8(b, b.node("Add", [x, b.quantized("x", 0.02, 100)])), exact=False),
        "add_relu": one_input(image, lambda b, x: b.quantized(b.node("Relu", [b.node("Add", [x, x])]), 0.04, 0), exact=False),
        "mul": one_input(image, lambda b, x: u8(b, b.node("Mul", [x, b.quantized("x", 0.02, 100)])), exact=False),
        "concat": one_input(image, lambda b, x: u8(b, b.node("Concat", [x, b.quantized("x", 0.02, 100)], axis=1)), exact=False),
        "max_pool": one_input(image, lambda b, x: b.quantized(b.node("MaxPool", [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1]), 0.03, 120)),
        "average_pool": one_input(image, lambda b, x: u8(b, b.node("AveragePool", [x], kernel_shape=[3, 3], pads=[1, 1, 0, 0])), exact=False),
        "global_average_pool": one_input(image, lambda b, x: u8(b, b.node("GlobalAveragePool", [x])), exact=False),
        "sigmoid": one_input(image, lambda b, x: b.quantized(b.node("Sigmoid", [x]), 1 / 256, 0), exact=False),
        "swish": one_input(image, swish, exact=False),
        "tables_of_tables": one_input(image, tables_of_tables, exact=False),
        "softmax": one_input(rows, lambda b, x: b.quantized(b.node("Softmax", [x], axis=1), 1 / 255, 0), exact=False),
        **{f"softmax_mask_{i}": one_input(floats(2, 3, 5, 40), scores(shape, i % 2 == 1), exact=False)
           for i, shape in enumerate([(1, 1, 5, 40), (2, 1, 1, 40), (40,), (7, 2, 3, 5, 40), (1,), (2, 3, 5, 40)])},
        "softmax_of_a_broadcast": one_input(rows, lambda b, x: b.quantized(b.node("Softmax", [
            b.node("Add", [x, b.constant(floats(3, 4, 12))])], axis=-1), 1 / 255, 0), exact=False),
        "layer_norm_residual": one_input(rows, residual_norm(False), exact=False),
        "layer_norm_before": one_input(rows, residual_norm(True), exact=False),
        "parts_of_lists": one_input(floats(2, 11, 3), parts_of_lists),
        "gelu": one_input(floats(9, 1000), lambda b, x: b.quantized(b.node("Gelu", [x]), 0.02, 9), exact=False, opset=20),
        "transpose": one_input(image, lambda b, x: b.quantized(b.node("Transpose", [x], perm=[0, 2, 3, 1]), 0.03, 120)),
        "float_conv": plain(lambda b: b.node("Relu", [b.node("Conv", ["x", b.constant(floats(6, 5, 3, 3))])], "y"), image),
        "float16": plain(lambda b: b.node("Relu", [b.node("MatMul", ["x", b.constant(floats(12, 7).astype(np.float16))])], "y"),
                         rows.astype(np.float16)),
        **{f"byte_weights_{op}": byte_weights(op) for op in ("MatMul", "Gemm", "Gemm_transposed", "Conv")},
        "output_is_input_and_constant": output_is_input_and_constant(),
        "loop": loop(),
    }
    return cases


def byte_weights(op):
    """Large weights in bytes behind floats, with what follows a product."""
    b = Builder()
    x = floats(2, 310, 3, 5) if op == "Conv" else floats(6, 310)
    axis = 0 if op in ("Gemm_transposed", "Conv") else 1
    shape = (270, 310) if axis == 0 else (310, 270)
    w, _ = b.weight((*shape, 1, 1) if op == "Conv" else shape, axis, np.int8 if axis == 0 else np.uint8)
    bias = b.constant(floats(270))
    attributes = {"transB": 1} if op == "Gemm_transposed" else {}
    y = b.node(op.split("_")[0], ["x", w] if op == "MatMul" else ["x", w, bias], **attributes)
    b.node("Relu", [b.node("Add", [y, bias]) if op == "MatMul" else y], "y")
    return b.model({"x": x}, ["y"]), {"x": x}, False


def gemm(b, x, axis):
    w, scale = b.weight((7, 12) if axis == 0 else (12, 7), axis)
    y = b.node("Gemm", [x, w, b.bias(7, 0.03, scale)], transB=1 - axis)
    return b.quantized(y, 0.06, 128)


def without_zero_points(image):
    b = Builder()
    scale = b.constant(np.float32(0.03))
    zero = b.constant(np.int8(0))
    q = b.node("QuantizeLinear", ["x", scale, zero])
    x = b.node("DequantizeLinear", [q, scale])
    y = conv(b, x, 5, 6, axis=None, zero_point=False)
    b.node("Identity", [b.quantized(y, 0.06, 0, np.int8)], "y")
    return b.model({"x": image}, ["y"]), {"x": image}, False


def plain(build, x):
    b = Builder()
    build(b)
    return b.model({"x": x}, ["y"]), {"x": x}, False


def output_is_input_and_constant():
    b = Builder()
    x = floats(3)
    b.constant(floats(2), "c")
    b.node("Relu", ["x"], "y")
    return b.model({"x": x}, ["x", "c", "y"]), {"x": x}, True


def parts_of_lists(b, x):
    """Lists of every kind of split, taken apart again; x is [2, 11, 3]."""
    def part(position, split=(), **attributes):
        return b.node("SequenceAt", [b.node("SplitToSequence", [x, *split], **attributes), b.constant(np.int64(position))])

    lengths, length, axes = b.constant(np.array([2, 5, 4])), b.constant(np.int64(4)), b.constant(np.array([1]))
    parts = [part(-1, [lengths], axis=1), part(2, [length], axis=1), part(-1, axis=-2),
             b.node("Unsqueeze", [part(3, axis=1, keepdims=0), axes])]
    return b.node("Concat", parts, axis=1)


def loop():
    """Sums x captured from outside, as often as n says; every partial sum is stacked."""
    body = helper.make_graph(
        [helper.make_node("Add", ["sum_in", "x"], ["sum_out"]), helper.make_node("Identity", ["sum_out"], ["partial"]),
         helper.make_node("Identity", ["go_in"], ["go_out"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, []), helper.make_tensor_value_info("go_in", TensorProto.BOOL, []),
         helper.make_tensor_value_info("sum_in", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("go_out", TensorProto.BOOL, []), helper.make_tensor_value_info("sum_out", TensorProto.FLOAT, None),
         helper.make_tensor_value_info("partial", TensorProto.FLOAT, None)])
    b = Builder()
    x = floats(2, 3)
    start = b.constant(np.zeros((2, 3), np.float32))
    b.nodes.append(helper.make_node("Loop", [b.constant(np.int64(4)), "", start], ["y", "all"], name="loop", body=body))
    return b.model({"x": x}, ["y", "all"]), {"x": x}, False

"""What each target's documentation asks of a model's structure (addresses: src/plan/targets.cpp), read from the file alone.

    broken(target, model) → list of complaints
"""
import collections

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import numpy_helper

WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")
MOVES = ("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "Split", "MaxPool", "DepthToSpace", "SpaceToDepth")
CLAMPS = ("Relu", "Clip")
FLOAT_FUNCTIONS = ("Softmax", "LayerNormalization", "InstanceNormalization", "Erf", "Exp", "ReduceMean", "Sqrt", "Pow")


class View:
    """A QDQ graph: who makes and reads each value, and the parameters of every pair."""

    def __init__(self, model):
        self.model, self.nodes = model, list(model.graph.node)
        self.constants = {t.name: t for t in model.graph.initializer}
        self.outputs = {o.name for o in model.graph.output}
        self.makers = {o: n for n in self.nodes for o in n.output if o}
        self.readers = collections.defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.readers[name].append(node)

    def array(self, name):
        return numpy_helper.to_array(self.constants[name])

    def maker(self, name, op_type=None):
        node = self.makers.get(name)
        return node if node is not None and op_type in (None, node.op_type) else None

    def dequantizer(self, name):
        return self.maker(name, "DequantizeLinear")

    def type_of(self, dequantize):
        """The integers' type: a constant's own, or that of the zero point."""
        if dequantize.input[0] in self.constants:
            return self.constants[dequantize.input[0]].data_type
        return self.constants[dequantize.input[2]].data_type

    def pairs(self):
        """DequantizeLinear nodes of activations."""
        return [n for n in self.nodes if n.op_type == "DequantizeLinear" and n.input[0] not in self.constants]

    def parameters(self, node):
        """(scale, zero point) of a QuantizeLinear or DequantizeLinear of an activation."""
        return float(self.array(node.input[1])), int(self.array(node.input[2])) if len(node.input) > 2 else 0

    def products(self):
        """(node, DequantizeLinear of its constant weights) of those with quantized weights."""
        for node in self.nodes:
            if node.op_type not in WEIGHTED:
                continue
            weights = self.dequantizer(node.input[1])
            if weights is not None and weights.input[0] in self.constants:
                yield node, weights


def attribute(node, name, default):
    return next((onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def channel_axis(node, rank):
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return rank - 1


def only_qdq(view):
    for node in view.nodes:
        if node.domain not in ("", "ai.onnx"):
            yield f"{node.op_type} of the domain {node.domain}"
        if node.op_type.startswith("QLinear") or node.op_type.endswith("Integer") or node.op_type == "DynamicQuantizeLinear":
            yield f"the operator {node.op_type}"


def activation_types(view, *types, symmetric=False):
    for node in view.pairs():
        kind = view.type_of(node)
        if kind not in types:
            yield f"{node.name}: an activation in {T.DataType.Name(kind)}"
        if view.array(node.input[1]).size != 1:
            yield f"{node.name}: an activation with several scales"
        elif not 0 < float(view.array(node.input[1])) < np.inf:
            yield f"{node.name}: a scale of {view.parameters(node)[0]}"
        elif symmetric and view.parameters(node)[1] != 0:
            yield f"{node.name}: a zero point of {view.parameters(node)[1]}"


def weight_types(view, largest=127, per_channel=WEIGHTED):
    """s8, symmetric, without −128; one scale each output channel for the operators of `per_channel`, else one."""
    for node, weights in view.products():
        values, scales = view.array(weights.input[0]), view.array(weights.input[1])
        if values.dtype != np.int8:
            yield f"{node.name}: weights in {values.dtype}"
        elif values.size and np.abs(values.astype(np.int32)).max() > largest:
            yield f"{node.name}: weights up to {np.abs(values.astype(np.int32)).max()}"
        if len(weights.input) > 2 and view.array(weights.input[2]).any():
            yield f"{node.name}: zero points of weights"
        if scales.size == 1:
            continue
        axis = attribute(weights, "axis", 1) % values.ndim
        if node.op_type not in per_channel:
            yield f"{node.name}: {scales.size} scales for one {node.op_type}"
        elif axis != channel_axis(node, values.ndim) or scales.shape != (values.shape[axis],):
            yield f"{node.name}: {scales.shape} scales along axis {axis} of {values.shape}"


def float_biases(view):
    for node in view.nodes:
        for name in node.input:
            maker = view.dequantizer(name)
            if maker is not None and maker.input[0] in view.constants and view.type_of(maker) == T.INT32:
                yield f"{node.name}: a quantized bias"


def integer_biases(view):
    """Of products of quantized values: s32, zero point 0, the scale of input times weights."""
    for node, weights in view.products():
        data = view.dequantizer(node.input[0])
        if data is None or len(node.input) < 3 or not node.input[2]:
            continue
        bias = view.dequantizer(node.input[2])
        if bias is None:
            yield f"{node.name}: a bias in float"
            continue
        expected = view.array(data.input[1]) * np.tile(view.array(weights.input[1]), attribute(node, "group", 1) if node.op_type == "ConvTranspose" else 1)
        if view.type_of(bias) != T.INT32 or (len(bias.input) > 2 and view.array(bias.input[2]).any()):
            yield f"{node.name}: a bias that is no s32 around 0"
        elif not np.allclose(view.array(bias.input[1]), expected, rtol=1e-6, atol=0):
            yield f"{node.name}: a bias whose scale is not that of input times weights"


def weights_stay_quantized(view):
    """Where a product reads integers, its weights are integers too: nothing is left to the runtime's own rounding."""
    for node in view.nodes:
        if node.op_type not in WEIGHTED or view.dequantizer(node.input[0]) is None:
            continue
        if node.input[1] in view.constants:
            yield f"{node.name}: float weights behind a quantized input"


def moves_keep_parameters(view, kinds=MOVES):
    """What only moves values, between pairs: the same parameters before and behind."""
    for node in view.nodes:
        if node.op_type not in kinds:
            continue
        data = node.input if node.op_type == "Concat" else node.input[:1]
        before = [view.dequantizer(name) for name in data]
        if any(pair is None or pair.input[0] in view.constants for pair in before):
            continue
        behind = [q for o in node.output for q in view.readers[o] if q.op_type == "QuantizeLinear"]
        if len({view.parameters(pair) for pair in before + behind}) > 1:
            yield f"{node.name}: {node.op_type} between different parameters"


def quantizes_behind_clamps(view):
    """Not between a product and its Relu, which are one kernel."""
    for node in view.nodes:
        if node.op_type not in CLAMPS:
            continue
        pair = view.dequantizer(node.input[0])
        rounded = view.maker(pair.input[0], "QuantizeLinear") if pair is not None else None
        maker = view.maker(rounded.input[0]) if rounded is not None else None
        if maker is not None and maker.op_type in WEIGHTED and len(view.readers[maker.output[0]]) == 1:
            yield f"{node.name}: quantized between {maker.op_type} and {node.op_type}"


def residual_sums(view):
    """Of a sum whose one side is a product that nobody else reads, that side is float, and the other, where it was quantized for
    somebody, is read quantized."""
    for node in view.nodes:
        if node.op_type != "Add":
            continue
        for name, other in (node.input, reversed(node.input)):
            pair = view.dequantizer(name)
            rounded = view.maker(pair.input[0], "QuantizeLinear") if pair is not None else None
            maker = view.maker(rounded.input[0]) if rounded is not None else None
            if maker is not None and maker.op_type in WEIGHTED and len(view.readers[name]) == 1 and view.dequantizer(other) is not None:
                yield f"{node.name}: the product's side is quantized as well"


def functions_in_float(view):
    for node in view.nodes:
        pair = view.dequantizer(node.input[0]) if node.op_type in FLOAT_FUNCTIONS else None
        if pair is not None and any(r.op_type == "QuantizeLinear" for o in node.output for r in view.readers[o]):
            yield f"{node.name}: {node.op_type} between pairs"


def fixed_ranges(view, table):
    for node in view.nodes:
        for q in [r for o in node.output for r in view.readers[o] if r.op_type == "QuantizeLinear"]:
            if node.op_type in table and not np.allclose(view.parameters(q), table[node.op_type]):
                yield f"{node.name}: {node.op_type} with {view.parameters(q)}, not {table[node.op_type]}"


def quantized_outputs(view):
    """What a product makes of integers for others is quantized."""
    for node, _ in view.products():
        if view.dequantizer(node.input[0]) is None:
            continue
        readers = [r.op_type for r in view.readers[node.output[0]]]
        if any(r not in ("QuantizeLinear", *CLAMPS) for r in readers):
            yield f"{node.name}: a result in float"


def per_channel_needs_13(view):
    opset = next(o.version for o in view.model.opset_import if o.domain in ("", "ai.onnx"))
    if opset < 13:
        yield f"opset {opset}"


COMMON = (per_channel_needs_13, weights_stay_quantized)
LITE_MOVES = (*MOVES, "AveragePool", "Concat")
LITE_RANGES = {"Softmax": (1 / 256, -128), "Sigmoid": (1 / 256, -128), "Tanh": (1 / 128, 0)}
RULES = {
    "tensorrt": (only_qdq, lambda v: activation_types(v, T.INT8, symmetric=True), weight_types, float_biases, moves_keep_parameters,
                 quantizes_behind_clamps, residual_sums, functions_in_float),
    "tflite-like": (only_qdq, lambda v: activation_types(v, T.INT8), lambda v: weight_types(v, per_channel=("Conv", "ConvTranspose")), integer_biases,
                    lambda v: moves_keep_parameters(v, LITE_MOVES), lambda v: fixed_ranges(v, LITE_RANGES), quantized_outputs),
    "qnn": (only_qdq, lambda v: activation_types(v, T.UINT8), lambda v: weight_types(v, per_channel=("Conv", "ConvTranspose")), integer_biases,
            moves_keep_parameters, quantized_outputs),
    "onnxruntime-x86": (lambda v: activation_types(v, T.UINT8), weight_types, integer_biases, moves_keep_parameters),
    "onnxruntime-x86-avx2": (lambda v: activation_types(v, T.UINT8), lambda v: weight_types(v, largest=64), integer_biases, moves_keep_parameters),
    "onnxruntime-arm": (lambda v: activation_types(v, T.INT8), weight_types, integer_biases, moves_keep_parameters),
    "openvino": (only_qdq, lambda v: activation_types(v, T.UINT8), weight_types, float_biases, moves_keep_parameters),
}


def broken(target, model):
    view = View(model)
    return [complaint for rule in (*COMMON, *RULES[target]) for complaint in rule(view)]

"""Random models with the parts that real ones have: blocks of CNNs, of transformers and recurrent ones, written as any opset
from 7 to 22 has them, with weights wherever exporters leave them.

    make_random(seed)  a function as those of model_builder.MODELS: the same model for the same seed
"""
import numpy as np
import random_blocks
from model_builder import Builder
from onnx import TensorProto as T
from onnx import numpy_helper

FIRST_IR = {7: 3, 8: 3, 9: 4, 10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10}
SAMPLES = 6


class Net(Builder):
    """A Builder that knows the opset, draws lots, and writes what opsets write differently."""

    def __init__(self, seed):
        super().__init__(seed)
        self.opset = int(self.random.integers(7, 23))
        self.names, self.shared, self.shapes = 0, {}, {}

    def chance(self, probability):
        return self.random.random() < probability

    def one_of(self, *things):
        return things[int(self.random.integers(len(things)))]

    def new(self, stem="t"):
        """A name; at times one that a quantizer would like to give."""
        self.names += 1
        tail = self.one_of("_quantized", "_scale", "_zero_point", "_dequantized", "_QuantizeLinear") if self.chance(0.08) else ""
        return f"{stem}{self.names}{tail}"

    def op(self, op_type, inputs, shape, **attributes):
        """A node of one output, whose shape is remembered (its first dimension may vary)."""
        name = self.node(op_type, inputs, self.new(op_type.lower()), name=self.new("node") if self.chance(0.5) else "", **attributes)
        self.shapes[name] = tuple(int(d) for d in shape)
        return self.node_behind(name)

    def node_behind(self, name):
        """At times with an Identity or two that do nothing."""
        if not self.chance(0.05):
            return name
        for _ in range(int(self.random.integers(1, 3))):
            behind = self.node("Identity", [name], self.new("same"))
            self.shapes[behind] = self.shapes[name]
            name = behind
        return name

    def ints(self, *values):
        return self.constant(self.new("ints"), np.array(values, np.int64))

    def number(self, value):
        shape = self.one_of((), (1,)) if self.opset >= 7 else ()
        return self.constant(self.new("number"), np.full(shape, value, np.float32))

    def store(self, values):
        """Weights as an initializer, in a Constant node, or behind nodes that a quantizer must look through."""
        values = np.asarray(values, np.float32)
        place = self.random.random()
        if place < 0.7:
            return self.constant(self.new("w"), values)
        if place < 0.8:
            return self.node("Constant", [], self.new("w"), value=numpy_helper.from_array(values))
        if place < 0.88 and values.ndim > 1:
            order = list(self.random.permutation(values.ndim))
            stored = self.constant(self.new("w"), np.ascontiguousarray(values.transpose(order)))
            return self.node("Transpose", [stored], self.new("w"), perm=[int(i) for i in np.argsort(order)])
        if place < 0.94:
            return self.node("Reshape", [self.constant(self.new("w"), values.reshape(-1)), self.ints(*values.shape)], self.new("w"))
        wide = self.constant(self.new("w"), values.astype(self.one_of(np.float16, np.float64)))
        return self.node("Cast", [wide], self.new("w"), to=T.FLOAT)

    def weights(self, *shape, gain=1.0):
        """Drawn as trained ones are, at times with a dead channel or one of another size; at times those of another layer."""
        if self.chance(0.06) and shape in self.shared:
            return self.shared[shape]
        fan_in = max(1, int(np.prod(shape[1:])))
        values = self.random.normal(0, gain * (2 / fan_in) ** 0.5, shape)
        if self.chance(0.1):
            values[int(self.random.integers(shape[0]))] *= self.one_of(0, 1e-6, 5)
        self.shared[shape] = self.store(values)
        return self.shared[shape]

    def bias(self, *shape):
        return self.store(self.random.normal(0, 0.2, shape))

    # What opsets write differently.
    def with_axes(self, op_type, x, axes, shape, since, **attributes):
        if self.opset < since:
            return self.op(op_type, [x], shape, axes=list(axes), **attributes)
        return self.op(op_type, [x, self.ints(*axes)], shape, **attributes)

    def clip(self, x, low, high):
        shape = self.shapes[x]
        if self.opset < 11:
            bounds = {name: value for name, value in (("min", low), ("max", high)) if value is not None}
            return self.op("Clip", [x], shape, **bounds)
        ends = ["" if bound is None else self.constant(self.new("bound"), np.float32(bound)) for bound in (low, high)]
        return self.op("Clip", [x, *ends], shape)

    def slice(self, x, axis, start, end):
        shape = list(self.shapes[x])
        shape[axis] = end - start
        if self.opset < 10:
            return self.op("Slice", [x], shape, axes=[axis], starts=[start], ends=[end])
        return self.op("Slice", [x, self.ints(start), self.ints(end), self.ints(axis)], shape)

    def split(self, x, axis, parts):
        names = [self.new("part") for _ in parts]
        if self.opset < 13:
            self.node("Split", [x], names, axis=axis, split=list(parts))
        else:
            self.node("Split", [x, self.ints(*parts)], names, axis=axis)
        for name, part in zip(names, parts):
            self.shapes[name] = (*self.shapes[x][:axis], part, *self.shapes[x][axis + 1:])
        return names

    def pad(self, x, pads, value=0.0, mode="constant"):
        shape = [d + a + b for d, a, b in zip(self.shapes[x], pads[:len(pads) // 2], pads[len(pads) // 2:])]
        if self.opset < 11:
            return self.op("Pad", [x], shape, pads=list(pads), value=value, mode=mode)
        return self.op("Pad", [x, self.ints(*pads), *([self.constant(self.new("value"), np.float32(value))] if value else [])], shape, mode=mode)

    def enlarge(self, x, linear=False):
        n, c, h, w = self.shapes[x]
        scales = self.constant(self.new("scales"), np.array([1, 1, 2, 2], np.float32))
        mode = "linear" if linear else "nearest"
        shape = (n, c, 2 * h, 2 * w)
        if self.opset < 9:
            return self.op("Upsample", [x], shape, mode=mode, scales=[1.0, 1.0, 2.0, 2.0])
        if self.opset < 10:
            return self.op("Upsample", [x, scales], shape, mode=mode)
        if self.opset < 11:
            return self.op("Resize", [x, scales], shape, mode=mode)
        return self.op("Resize", [x, "" if self.opset >= 13 else self.constant(self.new("roi"), np.zeros(0, np.float32)), scales], shape, mode=mode,
                       coordinate_transformation_mode=self.one_of("asymmetric", "half_pixel"), nearest_mode="floor")

    def mean(self, x, axes, keep=True):
        shape = [1 if i in axes else d for i, d in enumerate(self.shapes[x]) if keep or i not in axes]
        return self.with_axes("ReduceMean", x, axes, shape, 18, keepdims=int(keep))


def make_random(seed):
    def make():
        net = Net(seed)
        feeds = net.one_of(random_blocks.image_net, random_blocks.image_net, random_blocks.sequence_net, random_blocks.recurrent_net,
                           random_blocks.signal_net, random_blocks.table_net)(net)
        if net.chance(0.3):
            net.constant("nobody_reads_this", np.ones((3, 3), np.float32))
        return net.model(net.opset, FIRST_IR[net.opset]), feeds

    make.__name__ = f"random_{seed}"
    return make

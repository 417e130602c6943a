"""Layers as the exporters of training frameworks write them, for models of the common families."""
import numpy as np
from model_builder import Builder
from onnx import TensorProto as T


class Exporter(Builder):
    """A Builder with a network's layers; each returns the name of its result. Weights are drawn as trained ones look: normal, with
    channels of unequal strength."""

    def __init__(self, seed):
        super().__init__(seed)
        self.count = 0

    def op(self, op_type, *inputs, outputs=1, **attributes):
        self.count += 1
        stem = f"/{op_type}_{self.count}"
        names = [f"{stem}_output_{i}" for i in range(outputs)]
        self.node(op_type, list(inputs), names, name=stem, **attributes)
        return names[0] if outputs == 1 else names

    def stored(self, values):
        self.count += 1
        return self.constant(f"onnx::{self.count}", values)

    def ints(self, *values):
        return self.stored(np.array(values, np.int64))

    def number(self, value):
        return self.stored(np.float32(value))

    def drawn(self, *shape, scale):
        return self.stored(self.random.normal(0, scale, shape).astype(np.float32))

    def kernel(self, *shape, fan_in, gain=1.0):
        """The first axis has the output channels."""
        strength = self.random.lognormal(0, 0.3, (shape[0], *[1] * (len(shape) - 1)))
        return (self.random.normal(0, gain / fan_in ** 0.5, shape) * strength).astype(np.float32)

    def conv(self, x, c_in, c_out, kernel=3, stride=1, group=1, dims=2, gain=1.4, pad=None):
        fan_in = c_in // group * kernel ** dims
        weights = self.stored(self.kernel(c_out, c_in // group, *[kernel] * dims, fan_in=fan_in, gain=gain))
        pad = (kernel - 1) // 2 if pad is None else pad
        return self.op("Conv", x, weights, self.drawn(c_out, scale=0.1), kernel_shape=[kernel] * dims, strides=[stride] * dims, group=group,
                       pads=[pad] * 2 * dims, dilations=[1] * dims)

    def gemm(self, x, c_in, c_out, gain=1.0):
        return self.op("Gemm", x, self.stored(self.kernel(c_out, c_in, fan_in=c_in, gain=gain)), self.drawn(c_out, scale=0.1), transB=1)

    def linear(self, x, c_in, c_out, gain=1.0):
        """Over the last of three or more axes: a MatMul and an Add."""
        weights = np.ascontiguousarray(self.kernel(c_out, c_in, fan_in=c_in, gain=gain).T)
        return self.op("Add", self.drawn(c_out, scale=0.1), self.op("MatMul", x, self.stored(weights)))

    def relu(self, x):
        return self.op("Relu", x)

    def silu(self, x):
        return self.op("Mul", x, self.op("Sigmoid", x))

    def gelu(self, x):
        inner = self.op("Add", self.op("Erf", self.op("Div", x, self.number(2 ** 0.5))), self.number(1))
        return self.op("Mul", self.op("Mul", x, inner), self.number(0.5))

    def gelu_by_tanh(self, x):
        cubed = self.op("Mul", self.op("Pow", x, self.number(3)), self.number(0.044715))
        inner = self.op("Mul", self.op("Add", x, cubed), self.number((2 / np.pi) ** 0.5))
        return self.op("Mul", self.op("Mul", x, self.number(0.5)), self.op("Add", self.op("Tanh", inner), self.number(1)))

    def layer_norm(self, x, width):
        gain = self.stored(self.random.uniform(0.5, 1.5, width).astype(np.float32))
        return self.op("LayerNormalization", x, gain, self.drawn(width, scale=0.1), axis=-1, epsilon=1e-5)

    def add(self, a, b):
        return self.op("Add", a, b)

    def reshape(self, x, *shape):
        return self.op("Reshape", x, self.ints(*shape))

    def transpose(self, x, *perm):
        return self.op("Transpose", x, perm=list(perm))

    def slice(self, x, axis, start, end, step=1):
        return self.op("Slice", x, self.ints(start), self.ints(end), self.ints(axis), self.ints(step))

    def concat(self, *parts, axis):
        return self.op("Concat", *parts, axis=axis)

    def heads(self, x, heads, each, *perm):
        return self.transpose(self.reshape(x, 0, -1, heads, each), *perm)

    def attend(self, q, k, v, each, mask=None):
        """q and v [n, heads, s, each], k [n, heads, each, s]; the result [n, s, width]."""
        scores = self.op("Div", self.op("MatMul", q, k), self.number(each ** 0.5))
        seen = self.op("MatMul", self.op("Softmax", self.add(scores, mask) if mask else scores, axis=-1), v)
        return self.op("Reshape", self.transpose(seen, 0, 2, 1, 3), self.ints(0, 0, -1))

    def attention(self, x, memory, width, heads, mask=None):
        each = width // heads
        q = self.heads(self.linear(x, width, width, gain=1.5), heads, each, 0, 2, 1, 3)
        k = self.heads(self.linear(memory, width, width, gain=1.5), heads, each, 0, 2, 3, 1)
        v = self.heads(self.linear(memory, width, width), heads, each, 0, 2, 1, 3)
        return self.linear(self.attend(q, k, v, each, mask), width, width)

    def feed_forward(self, x, width, activation):
        return self.linear(activation(self.linear(x, width, 4 * width)), 4 * width, width)

    def embedding(self, ids, rows, width):
        return self.op("Gather", self.drawn(rows, width, scale=1), ids)

    def additive_mask(self, mask):
        """[n, s] of 0 and 1, as it is added to attention scores."""
        wide = self.op("Cast", self.op("Unsqueeze", mask, self.ints(1, 2)), to=T.FLOAT)
        return self.op("Mul", self.op("Sub", self.number(1), wide), self.number(np.finfo(np.float32).min))

    def images(self, name, shape, count=32):
        """Smooth, as photographs are: noise of every size, the coarser the stronger."""
        def one():
            n, c, h, w = shape
            image = np.zeros(shape, np.float32)
            for step in (1, 2, 4, 8):
                coarse = self.random.normal(0, step ** 0.5, (n, c, -(-h // step), -(-w // step)))
                image += coarse.repeat(step, 2).repeat(step, 3)[:, :, :h, :w].astype(np.float32)
            return image / image.std()

        return [{name: one()} for _ in range(count)]

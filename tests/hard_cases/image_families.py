"""Small models of the common families of networks that read images and sound, as exporters write them. See family_layers.py."""
import numpy as np
from family_layers import Exporter
from model_builder import family

SIDE = 48


def classified(b, x, channels, classes=10):
    pooled = b.op("Flatten", b.op("GlobalAveragePool", x), axis=1)
    b.node("Gemm", [pooled, b.stored(b.kernel(classes, channels, fan_in=channels, gain=2)), b.drawn(classes, scale=0.1)], "logits", transB=1)
    b.output("logits", [1, classes])
    return b.model(17), b.images("image", [1, 3, SIDE, SIDE])


def image_input(seed):
    b = Exporter(seed)
    return b, b.input("image", [1, 3, SIDE, SIDE])


def excited(b, x, channels, inner, activation, gate, mean):
    """Squeeze and excitation."""
    pooled = mean(x)
    factors = b.op(gate, b.conv(activation(b.conv(pooled, channels, inner, 1)), inner, channels, 1), **({"alpha": 1 / 6} if gate == "HardSigmoid" else {}))
    return b.op("Mul", factors, x)


def inverted_residual(b, x, c_in, wide, c_out, kernel, stride, activation, squeeze):
    y = activation(b.conv(x, c_in, wide, 1)) if wide != c_in else x
    y = squeeze(activation(b.conv(y, wide, wide, kernel, stride, group=wide)), wide)
    y = b.conv(y, wide, c_out, 1, gain=1)
    return b.add(x, y) if stride == 1 and c_in == c_out else y


@family(Conv=24, GlobalAveragePool=5, HardSwish=6, HardSigmoid=4, Mul=4, Add=2, Gemm=1)
def mobilenet_v3():
    b, x = image_input(101)
    hard_swish = lambda v: b.op("HardSwish", v)
    squeeze = lambda v, channels: excited(b, v, channels, 8, b.relu, "HardSigmoid", lambda u: b.op("GlobalAveragePool", u))
    x = hard_swish(b.conv(x, 3, 16, 3, 2))
    x = inverted_residual(b, x, 16, 16, 16, 3, 2, b.relu, squeeze)
    x = inverted_residual(b, x, 16, 48, 24, 5, 1, b.relu, squeeze)
    x = inverted_residual(b, x, 24, 72, 24, 3, 1, b.relu, lambda v, _: v)
    x = inverted_residual(b, x, 24, 96, 40, 5, 2, hard_swish, squeeze)
    x = inverted_residual(b, x, 40, 120, 40, 5, 1, hard_swish, squeeze)
    return classified(b, hard_swish(b.conv(x, 40, 96, 1)), 96)


@family(Conv=21, GlobalAveragePool=5, Sigmoid=4, Add=2, Gemm=1)
def efficientnet():
    b, x = image_input(102)
    mean = lambda u: b.op("ReduceMean", u, axes=[2, 3], keepdims=1)
    squeeze = lambda v, channels: excited(b, v, channels, 8, b.silu, "Sigmoid", mean)
    x = b.silu(b.conv(x, 3, 16, 3, 2))
    x = inverted_residual(b, x, 16, 16, 16, 3, 1, b.silu, squeeze)
    x = inverted_residual(b, x, 16, 64, 24, 3, 2, b.silu, squeeze)
    x = inverted_residual(b, x, 24, 96, 24, 3, 1, b.silu, squeeze)
    x = inverted_residual(b, x, 24, 96, 40, 5, 2, b.silu, squeeze)
    return classified(b, b.silu(b.conv(x, 40, 128, 1)), 128)


@family(Conv=5, MatMul=6, Gemm=1)
def convnext():
    """Channels last between its depthwise convolutions, GELU, layer scale."""
    b, x = image_input(103)

    def block(x, width):
        y = b.transpose(b.conv(x, width, width, 7, group=width), 0, 2, 3, 1)
        y = b.feed_forward(b.layer_norm(y, width), width, b.gelu)
        y = b.op("Mul", b.stored(b.random.uniform(0.2, 1, width).astype(np.float32)), y)
        return b.add(x, b.transpose(y, 0, 3, 1, 2))

    def normalized(x, width):
        return b.transpose(b.layer_norm(b.transpose(x, 0, 2, 3, 1), width), 0, 3, 1, 2)

    x = normalized(b.conv(x, 3, 32, 4, 4, pad=0), 32)
    x = block(block(x, 32), 32)
    x = b.conv(normalized(x, 32), 32, 64, 2, 2, pad=0)
    x = block(x, 64)
    pooled = b.op("Flatten", b.layer_norm(b.transpose(b.op("GlobalAveragePool", x), 0, 2, 3, 1), 64), axis=1)
    b.node("Gemm", [pooled, b.stored(b.kernel(10, 64, fan_in=64)), b.drawn(10, scale=0.1)], "logits", transB=1)
    b.output("logits", [1, 10])
    return b.model(17), b.images("image", [1, 3, SIDE, SIDE])


@family(Conv=9, MaxPool=2, Concat=2)
def unet():
    """A skip connection past a ConvTranspose, and one past a linear Resize."""
    b, x = image_input(104)
    twice = lambda v, c_in, c_out: b.relu(b.conv(b.relu(b.conv(v, c_in, c_out)), c_out, c_out))
    pool = lambda v: b.op("MaxPool", v, kernel_shape=[2, 2], strides=[2, 2])
    first = twice(x, 3, 16)
    second = twice(pool(first), 16, 32)
    deep = twice(pool(second), 32, 48)
    up = b.op("ConvTranspose", deep, b.stored(b.kernel(48, 32, 2, 2, fan_in=48)), b.drawn(32, scale=0.1), kernel_shape=[2, 2], strides=[2, 2])
    joined = twice(b.concat(up, second, axis=1), 64, 32)
    enlarged = b.op("Resize", joined, "", b.stored(np.array([1, 1, 2, 2], np.float32)), mode="linear", coordinate_transformation_mode="half_pixel")
    y = b.relu(b.conv(b.concat(first, enlarged, axis=1), 48, 16))
    b.node("Conv", [y, b.stored(b.kernel(2, 16, 1, 1, fan_in=16)), b.drawn(2, scale=0.1)], "mask", kernel_shape=[1, 1])
    b.output("mask", [1, 2, SIDE, SIDE])
    return b.model(17), b.images("image", [1, 3, SIDE, SIDE])


@family(Conv=9, Split=1, Add=1, Concat=3, MaxPool=3, Resize=1)
def yolo():
    """A CSP stage, a pooling pyramid, and a head of two scales, decoded to boxes."""
    b, x = image_input(105)
    x = b.silu(b.conv(b.silu(b.conv(x, 3, 16, 3, 2)), 16, 32, 3, 2))
    left, right = b.op("Split", b.silu(b.conv(x, 32, 32, 1)), outputs=2, axis=1)
    inner = b.add(right, b.silu(b.conv(b.silu(b.conv(right, 16, 16)), 16, 16)))
    fine = b.silu(b.conv(b.concat(left, right, inner, axis=1), 48, 32, 1))
    coarse = b.silu(b.conv(fine, 32, 48, 3, 2))
    pools = [coarse]
    for _ in range(3):
        pools.append(b.op("MaxPool", pools[-1], kernel_shape=[5, 5], strides=[1, 1], pads=[2, 2, 2, 2]))
    coarse = b.silu(b.conv(b.concat(*pools, axis=1), 192, 48, 1))
    up = b.op("Resize", coarse, "", b.stored(np.array([1, 1, 2, 2], np.float32)), mode="nearest", coordinate_transformation_mode="asymmetric",
              nearest_mode="floor")
    fine = b.silu(b.conv(b.concat(up, fine, axis=1), 80, 32))
    decoded = []
    for y, channels, side, stride in ((fine, 32, SIDE // 4, 4), (coarse, 48, SIDE // 8, 8)):
        rows = b.op("Sigmoid", b.transpose(b.reshape(b.conv(y, channels, 2 * 7, 1), 1, 2, 7, side, side), 0, 1, 3, 4, 2))
        grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1)[None, None].astype(np.float32)
        centres = b.op("Add", b.op("Mul", b.slice(rows, 4, 0, 2), b.number(2)), b.stored(grid - 0.5))
        sizes = b.op("Mul", b.op("Pow", b.op("Mul", b.slice(rows, 4, 2, 4), b.number(2)), b.number(2)), b.drawn(1, 2, 1, 1, 2, scale=8))
        boxes = b.concat(b.op("Mul", centres, b.number(stride)), sizes, b.slice(rows, 4, 4, 7), axis=4)
        decoded.append(b.reshape(boxes, 1, -1, 7))
    b.node("Concat", decoded, "boxes", axis=1)
    b.output("boxes", [1, 2 * (SIDE // 4) ** 2 + 2 * (SIDE // 8) ** 2, 7])
    return b.model(17), b.images("image", [1, 3, SIDE, SIDE])


@family(Conv=10, Gemm=1)
def densenet():
    """Normalized behind every Concat, where nothing can fold the factors."""
    b, x = image_input(106)

    def normalized(x, channels):
        draw = lambda low, high: b.stored(b.random.uniform(low, high, channels).astype(np.float32))
        return b.relu(b.op("BatchNormalization", x, draw(0.5, 1.5), draw(-0.3, 0.3), draw(-0.3, 0.3), draw(0.5, 2), epsilon=1e-5))

    x = b.op("MaxPool", b.relu(b.conv(x, 3, 24, 3, 2)), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 24
    for _ in range(4):
        y = b.conv(b.relu(b.conv(normalized(x, channels), channels, 48, 1)), 48, 12)
        x, channels = b.concat(x, y, axis=1), channels + 12
    x = b.op("AveragePool", b.conv(normalized(x, channels), channels, 48, 1), kernel_shape=[2, 2], strides=[2, 2])
    return classified(b, normalized(x, 48), 48)


@family(Conv=5, Tanh=1, Sigmoid=1, Gemm=1)
def audio():
    """1-D convolutions with strides, a gated pair as in WaveNet, a residual sum, and a channel-wise mean."""
    b = Exporter(107)
    b.input("wave", [1, 1, 1600])
    x = b.gelu(b.conv("wave", 1, 24, 10, 5, dims=1, pad=0))
    x = b.gelu(b.conv(x, 24, 32, 3, 2, dims=1))
    gated = b.op("Mul", b.op("Tanh", b.conv(x, 32, 32, 3, dims=1)), b.op("Sigmoid", b.conv(x, 32, 32, 3, dims=1)))
    x = b.relu(b.add(x, b.conv(gated, 32, 32, 1, dims=1)))
    b.node("Gemm", [b.op("ReduceMean", x, axes=[2], keepdims=0), b.stored(b.kernel(12, 32, fan_in=32, gain=2)), b.drawn(12, scale=0.1)], "logits",
           transB=1)
    b.output("logits", [1, 12])
    t = np.arange(1600)
    waves = [(np.sin(t * f) * np.sin(t * g) + b.random.normal(0, 0.1, 1600)).astype(np.float32)[None, None]
             for f, g in b.random.uniform(0.01, 0.8, (32, 2))]
    return b.model(17), [{"wave": wave} for wave in waves]

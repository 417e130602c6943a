"""The blocks that random_models.py puts together, and whole nets of them: each net writes its nodes, inputs and outputs into a Net
and returns the feeds."""
import numpy as np
from onnx import TensorProto as T

SAMPLES = 8


def activation(net, x):
    kind = net.one_of("Relu", "Relu", "Relu6", "LeakyRelu", "Sigmoid", "Swish", "HardSwish", "Tanh", "PRelu", "Elu", "none")
    shape = net.shapes[x]
    if kind == "Relu6":
        return net.clip(x, 0.0, 6.0)
    if kind == "Swish":
        return net.op("Mul", [x, net.op("Sigmoid", [x], shape)], shape)
    if kind == "HardSwish":
        gate = net.clip(net.op("Add", [x, net.number(3)], shape), 0.0, 6.0)
        return net.op("Div", [net.op("Mul", [x, gate], shape), net.number(6)], shape)
    if kind == "PRelu":
        return net.op("PRelu", [x, net.store(net.random.uniform(0, 0.3, (shape[1], *[1] * (len(shape) - 2))))], shape)
    if kind == "none":
        return x
    return net.op(kind, [x], shape, **({"alpha": 0.1} if kind == "LeakyRelu" else {}))


def normalized(net, x):
    shape, channels = net.shapes[x], net.shapes[x][1]
    draw = lambda low, high: net.constant(net.new("bn"), net.random.uniform(low, high, channels).astype(np.float32))
    return net.op("BatchNormalization", [x, draw(0.5, 1.5), draw(-0.3, 0.3), draw(-0.3, 0.3), draw(0.5, 2)], shape)


def conv(net, x, channels, kernel=3, stride=1, group=1, dilation=1):
    n, c, *space = net.shapes[x]
    inputs = [x, net.weights(channels, c // group, *[kernel] * len(space))]
    if net.chance(0.6):
        inputs.append(net.bias(channels))
    pad = dilation * (kernel - 1) // 2
    padding = {"pads": [pad] * (2 * len(space))}
    if net.chance(0.1) and dilation == 1:
        padding = {"auto_pad": "SAME_UPPER"}
    shape = (n, channels, *[-(-d // stride) for d in space])
    more = {"kernel_shape": [kernel] * len(space)} if net.chance(0.5) else {}
    y = net.op("Conv", inputs, shape, strides=[stride] * len(space), dilations=[dilation] * len(space), group=group, **padding, **more)
    if net.chance(0.4):
        y = normalized(net, y)
    if net.chance(0.1):
        y = net.op("Add", [y, net.store(net.random.normal(0, 0.2, (channels, *[1] * len(space))))], shape)
    return y


def plain_block(net, x):
    return activation(net, conv(net, x, net.one_of(4, 8, 12), net.one_of(1, 3), net.one_of(1, 1, 2), dilation=net.one_of(1, 1, 1, 2)))


def residual_block(net, x):
    channels = net.shapes[x][1]
    y = conv(net, activation(net, conv(net, x, channels)), channels)
    order = [x, y] if net.chance(0.5) else [y, x]
    return activation(net, net.op(net.one_of("Add", "Add", "Sum"), order, net.shapes[x]))


def dense_block(net, x):
    """Branches of different kinds, joined."""
    n, c, h, w = net.shapes[x]
    pool = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1]}
    branches = [x] if net.chance(0.4) else []
    for _ in range(int(net.random.integers(1, 4))):
        kind = net.one_of("conv", "max", "mean", "raw")
        if kind in ("conv", "raw"):
            y = conv(net, x, net.one_of(3, 4, 8), net.one_of(1, 3))
            branches.append(activation(net, y) if kind == "conv" else y)
        else:
            branches.append(net.op("MaxPool" if kind == "max" else "AveragePool", [x], (n, c, h, w), **pool))
    return net.op("Concat", branches, (n, sum(net.shapes[b][1] for b in branches), h, w), axis=1)


def gated_block(net, x):
    """Squeeze and excitation."""
    n, c, h, w = net.shapes[x]
    pooled = net.op("GlobalAveragePool", [x], (n, c, 1, 1)) if net.chance(0.5) else net.mean(x, (2, 3))
    gate = conv(net, net.op("Relu", [conv(net, pooled, 4, 1)], (n, 4, 1, 1)), c, 1)
    return net.op("Mul", [x, net.op(net.one_of("Sigmoid", "HardSigmoid"), [gate], (n, c, 1, 1))], (n, c, h, w))


def depthwise_block(net, x):
    channels = net.shapes[x][1]
    wide = activation(net, conv(net, x, 2 * channels, 1))
    deep = activation(net, conv(net, wide, 2 * channels, 3, net.one_of(1, 2), group=2 * channels))
    y = conv(net, deep, channels, 1)
    return net.op("Add", [x, y], net.shapes[x]) if net.shapes[x] == net.shapes[y] else y


def sized_block(net, x):
    n, c, h, w = net.shapes[x]
    kind = net.one_of("up", "up", "linear", "transposed", "pool", "depth", "pad", "split", "shuffle", "slice")
    if kind in ("up", "linear"):
        return net.enlarge(x, kind == "linear")
    if kind == "transposed":
        return net.op("ConvTranspose", [x, net.weights(c, 4, 2, 2), net.bias(4)], (n, 4, 2 * h, 2 * w), strides=[2, 2])
    if kind == "pool" and min(h, w) >= 2:
        return net.op(net.one_of("MaxPool", "AveragePool"), [x], (n, c, h // 2, w // 2), kernel_shape=[2, 2], strides=[2, 2])
    if kind == "depth" and c % 4 == 0:
        return net.op("DepthToSpace", [x], (n, c // 4, 2 * h, 2 * w), blocksize=2)
    if kind == "pad":
        return net.pad(x, [0, 0, 1, 1, 0, 0, 1, 1], net.one_of(0.0, 0.0, 0.5), net.one_of("constant", "reflect") if min(h, w) > 2 else "constant")
    if kind == "split" and c >= 3:
        parts = net.split(x, 1, [1, c - 1])
        return net.op("Concat", [parts[1], parts[0]], (n, c, h, w), axis=1)
    if kind == "shuffle" and c % 2 == 0:
        grouped = net.op("Reshape", [x, net.ints(-1, 2, c // 2, h, w)], (n, 2, c // 2, h, w))
        return net.op("Reshape", [net.op("Transpose", [grouped], (n, c // 2, 2, h, w), perm=[0, 2, 1, 3, 4]), net.ints(-1, c, h, w)], (n, c, h, w))
    if kind == "slice" and h > 3:
        return net.slice(x, 2, 1, h - 1)
    return x


def linear(net, x, width):
    """x·W and a bias, over the last axis, in the ways that exporters write it."""
    shape = net.shapes[x]
    made = (*shape[:-1], width)
    if len(shape) == 2 and net.chance(0.6):
        turned = net.chance(0.5)
        inputs = [x, net.weights(width, shape[-1]) if turned else net.store(net.random.normal(0, (1 / shape[-1]) ** 0.5, (shape[-1], width)))]
        if net.opset < 11 or net.chance(0.7):
            inputs.append(net.one_of(lambda: net.bias(width), lambda: net.bias(1, width), lambda: net.number(0.25))())
        factors = {"alpha": 0.5} if net.chance(0.15) else {"beta": 0.5} if net.chance(0.15) else {}
        return net.op("Gemm", inputs, made, transB=int(turned), **factors)
    product = net.op("MatMul", [x, net.store(net.random.normal(0, (1 / shape[-1]) ** 0.5, (shape[-1], width)))], made)
    if net.chance(0.7):
        order = [product, net.bias(width)]
        return net.op("Add", order if net.chance(0.6) else order[::-1], made)
    return product


def layer_norm(net, x):
    shape = net.shapes[x]
    width = shape[-1]
    gain, shift = net.store(net.random.uniform(0.5, 1.5, width)), net.store(net.random.normal(0, 0.2, width))
    if net.opset >= 17 and net.chance(0.6):
        return net.op("LayerNormalization", [x, gain, shift] if net.chance(0.8) else [x, gain], shape, axis=-1)
    axis = len(shape) - 1
    centred = net.op("Sub", [x, net.mean(x, (axis,))], shape)
    variance = net.mean(net.op("Mul", [centred, centred], shape) if net.chance(0.5) else net.op("Pow", [centred, net.number(2)], shape), (axis,))
    deviation = net.op("Sqrt", [net.op("Add", [variance, net.number(1e-5)], net.shapes[variance])], net.shapes[variance])
    return net.op("Add", [net.op("Mul", [net.op("Div", [centred, deviation], shape), gain], shape), shift], shape)


def gelu(net, x):
    shape = net.shapes[x]
    if net.opset >= 20 and net.chance(0.3):
        return net.op("Gelu", [x], shape)
    if net.opset < 9:
        return net.op("Relu", [x], shape)
    inner = net.op("Add", [net.op("Erf", [net.op("Div", [x, net.number(2 ** 0.5)], shape)], shape), net.number(1)], shape)
    return net.op("Mul", [net.op("Mul", [x, inner], shape), net.number(0.5)], shape)


def attention(net, x, mask):
    n, s, width = net.shapes[x]
    heads = net.one_of(1, 2, 4)
    each = width // heads
    parts = []
    for order in ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)):
        split = net.op("Reshape", [linear(net, x, width), net.ints(0, 0, heads, each)], (n, s, heads, each))
        shape = tuple((n, s, heads, each)[i] for i in order)
        parts.append(net.op("Transpose", [split], shape, perm=list(order)))
    q, k, v = parts
    scores = net.op("MatMul", [q, k], (n, heads, s, s))
    scores = net.op("Div", [scores, net.number(each ** 0.5)], (n, heads, s, s)) if net.chance(0.5) else net.op(
        "Mul", [scores, net.number(each ** -0.5)], (n, heads, s, s))
    if mask:
        scores = net.op("Add", [scores, mask], (n, heads, s, s))
    seen = net.op("MatMul", [net.op("Softmax", [scores], (n, heads, s, s), axis=3), v], (n, heads, s, each))
    joined = net.op("Reshape", [net.op("Transpose", [seen], (n, s, heads, each), perm=[0, 2, 1, 3]), net.ints(0, 0, width)], (n, s, width))
    return linear(net, joined, width)


def finish(net, *candidates):
    """The last is an output; of the others some are as well, though they are read on."""
    for name in dict.fromkeys(candidates[:-1]):
        if net.chance(0.15) and name != candidates[-1] and name not in {i.name for i in net.inputs}:
            net.output(name)
    if candidates[-1] in {i.name for i in net.inputs}:
        candidates = (*candidates[:-1], net.node("Identity", [candidates[-1]], net.new("same")))
    net.output(candidates[-1])


def image_net(net):
    c, h, w = net.one_of(1, 3, 4), int(net.random.integers(7, 14)), int(net.random.integers(7, 14))
    free = net.chance(0.3)
    x = net.input("image", ["n" if free else 1, c, h, w])
    net.shapes[x] = (1, c, h, w)
    made = [plain_block(net, x)]
    blocks = (plain_block, residual_block, dense_block, gated_block, depthwise_block, sized_block, sized_block)
    for _ in range(int(net.random.integers(2, 6))):
        n, channels, height, width = net.shapes[made[-1]]
        if height * width * channels > 6000:
            break
        made.append(net.one_of(*blocks)(net, made[-1]))
    last = made[-1]
    if net.chance(0.6):
        n, channels = net.shapes[last][:2]
        pooled = net.op("GlobalAveragePool", [last], (n, channels, 1, 1))
        flat = net.op("Flatten", [pooled], (n, channels)) if net.chance(0.6) else net.with_axes("Squeeze", pooled, (2, 3), (n, channels), 13)
        last = linear(net, flat, 5)
        if net.chance(0.5):
            last = net.op("Softmax", [last], net.shapes[last], axis=1)
    else:
        last = conv(net, last, net.one_of(2, 12), net.one_of(1, 3))
    if free:  # a batch is not told from others by its shape
        made = []
    finish(net, *made, last)
    return net.samples({x: (1, c, h, w)}, SAMPLES)


def sequence_net(net):
    width, length, masked = net.one_of(8, 16), int(net.random.integers(4, 9)), net.chance(0.6)
    by_ids = net.chance(0.4)
    free = net.chance(0.4)
    s = "s" if free else length
    shape = (1, length, width)
    if by_ids:
        ids = net.input("ids", [1, s], T.INT64)
        x = net.node("Gather", [net.store(net.random.normal(0, 1, (80, width))), ids], net.new("embedded"))
    else:
        x = net.input("x", [1, s, width])
    net.shapes[x] = shape
    mask = ""
    if masked:
        m = net.input("mask", [1, s], T.INT64)
        net.shapes[m] = (1, length)
        real = net.op("Cast", [m], (1, length), to=T.FLOAT)
        wide = net.with_axes("Unsqueeze", real, (1, 2), (1, 1, 1, length), 13)
        mask = net.op("Mul", [net.op("Sub", [net.number(1), wide], (1, 1, 1, length)), net.number(net.one_of(-3.4e38, -1e4, -1e9))], (1, 1, 1, length))
    made = [x]
    for _ in range(int(net.random.integers(1, 3))):
        before = layer_norm(net, made[-1]) if net.chance(0.5) else made[-1]
        y = net.op("Add", [made[-1], attention(net, before, mask)], shape)
        y = layer_norm(net, y) if net.chance(0.5) else y
        hidden = linear(net, y, 2 * width)
        made.append(net.op("Add", [linear(net, gelu(net, hidden) if net.chance(0.7) else net.op("Relu", [hidden], net.shapes[hidden]), width), y], shape))
    last = linear(net, net.mean(made[-1], (1,), keep=False) if net.chance(0.5) else made[-1], 6)
    finish(net, *made[1:], last)
    feeds = []
    for k in range(SAMPLES):
        count = length + (k % 3 if free else 0)
        feed = {"ids": net.random.integers(0, 80, (1, count))} if by_ids else {"x": net.random.normal(0, 1, (1, count, width)).astype(np.float32)}
        if masked:
            feed["mask"] = (np.arange(count) < count - k % 2).astype(np.int64)[None]
        feeds.append(feed)
    return feeds


def recurrent_net(net):
    steps, width, hidden = int(net.random.integers(3, 7)), net.one_of(4, 8), net.one_of(4, 8)
    x = net.input("x", [steps, 1, width])
    kind = net.one_of("LSTM", "GRU", "RNN")
    both = net.chance(0.4)
    gates, directions = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind], 1 + both
    inputs = [x, net.weights(directions, gates * hidden, width, gain=0.5), net.weights(directions, gates * hidden, hidden, gain=0.5)]
    if net.chance(0.6):
        inputs.append(net.bias(directions, 2 * gates * hidden))
    if net.chance(0.3):
        inputs += [""] * (4 - len(inputs)) + ["", net.constant(net.new("h0"), np.full((directions, 1, hidden), 0.1, np.float32))]
    every, last = net.new("every"), net.new("last")
    net.node(kind, inputs, [every, last] + (["" if net.chance(0.5) else net.new("cell")] if kind == "LSTM" else []), hidden_size=hidden,
             direction="bidirectional" if both else "forward", **({"linear_before_reset": 1} if kind == "GRU" and net.chance(0.5) else {}))
    net.shapes[every], net.shapes[last] = (steps, directions, 1, hidden), (directions, 1, hidden)
    flat = net.op("Reshape", [net.op("Transpose", [every], (steps, 1, directions, hidden), perm=[0, 2, 1, 3]), net.ints(steps, 1, -1)],
                  (steps, 1, directions * hidden))
    y = linear(net, net.mean(flat, (0,), keep=False) if net.chance(0.5) else flat, 5)
    finish(net, last, activation(net, y) if len(net.shapes[y]) == 2 else y)
    return net.samples({x: (steps, 1, width)}, SAMPLES)


def signal_net(net):
    """Of one or three dimensions."""
    space = (17,) if net.chance(0.6) else (5, 6, 5)
    c = net.one_of(1, 4)
    x = net.input("x", [1, c, *space])
    net.shapes[x] = (1, c, *space)
    made = [x]
    for _ in range(int(net.random.integers(2, 5))):
        stride = net.one_of(1, 1, 2)
        made.append(activation(net, conv(net, made[-1], net.one_of(4, 6), net.one_of(1, 3), stride)))
        if net.chance(0.3) and min(net.shapes[made[-1]][2:]) > 2:
            n, channels, *size = net.shapes[made[-1]]
            made.append(net.op("MaxPool", [made[-1]], (n, channels, *[d // 2 for d in size]), kernel_shape=[2] * len(size), strides=[2] * len(size)))
    n, channels, *size = net.shapes[made[-1]]
    flat = net.op("Flatten", [made[-1]], (n, channels * int(np.prod(size))))
    finish(net, *made[1:], linear(net, flat, 4))
    return net.samples({x: (1, c, *space)}, SAMPLES)


def table_net(net):
    """Rows of numbers, at times none; two inputs, one of which may be read by nobody."""
    width, rows = net.one_of(4, 12), net.one_of(1, 3)
    x = net.input("x", [rows, width])
    z = net.input("z", [rows, width])
    net.shapes[x] = net.shapes[z] = (rows, width)
    made = [linear(net, x, 8)]
    if net.chance(0.6):
        made.append(net.op("Add", [made[-1], linear(net, z, 8)], (rows, 8)))
    if net.chance(0.2):
        made.append(net.op("Concat", [made[-1], net.slice(x, 1, 0, 0)], (rows, 8), axis=1))
    for _ in range(int(net.random.integers(1, 4))):
        made.append(activation(net, linear(net, made[-1], net.one_of(3, 8, 16))))
    if net.chance(0.3):
        made.append(net.op("Mul", [made[-1], net.number(0.5)], net.shapes[made[-1]]))
    finish(net, *made)
    return net.samples({x: (rows, width), z: (rows, width)}, SAMPLES)

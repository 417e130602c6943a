"""Small models of the common families of transformers and recurrent networks, as exporters write them. See family_layers.py."""
import numpy as np
from family_layers import Exporter
from model_builder import family
from onnx import TensorProto as T

WIDTH, HEADS, WORDS = 64, 4, 500


def block(b, x, width=WIDTH, heads=HEADS, mask=None):
    """Normalized first, as vision transformers are."""
    y = b.layer_norm(x, width)
    x = b.add(x, b.attention(y, y, width, heads, mask))
    return b.add(x, b.feed_forward(b.layer_norm(x, width), width, b.gelu))


def finish(b, x, c_in, name, classes):
    weights = b.stored(np.ascontiguousarray(b.kernel(classes, c_in, fan_in=c_in, gain=2).T))
    b.node("Add", [b.op("MatMul", x, weights), b.drawn(classes, scale=0.1)], name)
    b.output(name)


@family(Conv=1, MatMul=12, Gemm=1)
def vit():
    b = Exporter(201)
    b.input("image", [1, 3, 48, 48])
    patches = b.transpose(b.reshape(b.conv("image", 3, WIDTH, 8, 8, pad=0), 0, WIDTH, -1), 0, 2, 1)
    x = b.add(b.concat(b.drawn(1, 1, WIDTH, scale=1), patches, axis=1), b.drawn(1, 37, WIDTH, scale=0.3))
    x = b.layer_norm(block(b, block(b, x)), WIDTH)
    first = b.op("Gather", x, b.stored(np.int64(0)), axis=1)
    b.node("Gemm", [first, b.stored(b.kernel(10, WIDTH, fan_in=WIDTH)), b.drawn(10, scale=0.1)], "logits", transB=1)
    b.output("logits", [1, 10])
    return b.model(17), b.images("image", [1, 3, 48, 48])


@family(Conv=1, MatMul=10)
def swin():
    """Attention in windows, the second time rolled by half a window, with a table of relative positions; patches are merged."""
    b = Exporter(202)
    b.input("image", [1, 3, 48, 48])
    side, window, width = 12, 6, 48
    count, tokens = (side // window) ** 2, window * window

    def windows(x):
        tiles = b.transpose(b.reshape(x, 1, side // window, window, side // window, window, width), 0, 1, 3, 2, 4, 5)
        return b.reshape(tiles, count, tokens, width)

    def joined(x):
        tiles = b.transpose(b.reshape(x, 1, side // window, side // window, window, window, width), 0, 1, 3, 2, 4, 5)
        return b.reshape(tiles, 1, side, side, width)

    def rolled(x, by):
        for axis in (1, 2):
            x = b.concat(b.slice(x, axis, by, 2 ** 31), b.slice(x, axis, 0, by), axis=axis)
        return x

    def attended(x, mask):
        qkv = b.transpose(b.reshape(b.linear(x, width, 3 * width, gain=1.5), count, tokens, 3, HEADS, width // HEADS), 2, 0, 3, 1, 4)
        q, k, v = (b.op("Gather", qkv, b.stored(np.int64(i)), axis=0) for i in range(3))
        bias = b.drawn(1, HEADS, tokens, tokens, scale=0.5)
        scores = b.add(b.op("MatMul", b.op("Mul", q, b.number((width // HEADS) ** -0.5)), b.transpose(k, 0, 1, 3, 2)), bias)
        if mask is not None:
            scores = b.reshape(b.add(b.reshape(scores, 1, count, HEADS, tokens, tokens), b.stored(mask)), -1, HEADS, tokens, tokens)
        seen = b.op("MatMul", b.op("Softmax", scores, axis=-1), v)
        return b.linear(b.reshape(b.transpose(seen, 0, 2, 1, 3), count, tokens, width), width, width)

    x = b.transpose(b.conv("image", 3, width, 4, 4, pad=0), 0, 2, 3, 1)
    mask = np.where(b.random.random((1, count, 1, tokens, tokens)) < 0.3, np.float32(-100), np.float32(0))
    mask[..., np.arange(tokens), np.arange(tokens)] = 0
    for shift in (0, window // 2):
        y = b.layer_norm(x, width)
        y = windows(rolled(y, shift) if shift else y)
        y = joined(attended(y, mask if shift else None))
        x = b.add(x, rolled(y, side - shift) if shift else y)
        x = b.add(x, b.feed_forward(b.layer_norm(x, width), width, b.gelu))
    corners = [b.slice(b.slice(x, 1, i, 2 ** 31, 2), 2, j, 2 ** 31, 2) for j in (0, 1) for i in (0, 1)]
    merged = b.op("MatMul", b.layer_norm(b.concat(*corners, axis=3), 4 * width),
                  b.stored(np.ascontiguousarray(b.kernel(96, 4 * width, fan_in=4 * width).T)))
    finish(b, b.op("ReduceMean", merged, axes=[1, 2], keepdims=0), 96, "logits", 10)
    return b.model(17), b.images("image", [1, 3, 48, 48])


def texts(b, lengths, count=32, masked=True):
    feeds = []
    for _ in range(count):
        length = int(b.random.integers(*lengths))
        feeds.append({"ids": b.random.integers(0, WORDS, (1, length))})
        if masked:
            feeds[-1]["mask"] = (np.arange(length) < length - b.random.integers(0, 3)).astype(np.int64)[None]
    return feeds


@family(MatMul=13, Gemm=1)
def bert():
    b = Exporter(203)
    b.input("ids", [1, "tokens"], T.INT64)
    b.input("mask", [1, "tokens"], T.INT64)
    length = b.op("Gather", b.op("Shape", "ids"), b.stored(np.int64(1)))
    places = b.op("Slice", b.stored(np.arange(64)[None]), b.ints(0), b.op("Unsqueeze", length, b.ints(0)), b.ints(1))
    x = b.layer_norm(b.add(b.embedding("ids", WORDS, WIDTH), b.embedding(places, 64, WIDTH)), WIDTH)
    mask = b.additive_mask("mask")
    for _ in range(2):
        x = b.layer_norm(b.add(b.attention(x, x, WIDTH, HEADS, mask), x), WIDTH)
        x = b.layer_norm(b.add(b.feed_forward(x, WIDTH, b.gelu), x), WIDTH)
    pooled = b.op("Tanh", b.gemm(b.op("Gather", x, b.stored(np.int64(0)), axis=1), WIDTH, WIDTH))
    finish(b, pooled, WIDTH, "logits", 3)
    return b.model(17), texts(b, (8, 24))


@family(Gemm=8, MatMul=1)
def gpt2():
    """One step of a decoder: the keys and values of the words before it come in and go out; its linear layers are flattened to Gemms."""
    b = Exporter(204)
    each, past = WIDTH // HEADS, 12
    b.input("ids", [1, 1], T.INT64)
    x = b.add(b.embedding("ids", WORDS, WIDTH), b.drawn(1, 1, WIDTH, scale=0.3))
    flat = lambda v, c_in, c_out, gain=1.0: b.reshape(
        b.op("Gemm", b.reshape(v, -1, c_in), b.stored(np.ascontiguousarray(b.kernel(c_out, c_in, fan_in=c_in, gain=gain).T)),
             b.drawn(c_out, scale=0.1)), 1, -1, c_out)
    shapes = {}
    for layer in range(2):
        names = [b.input(f"past_{kind}_{layer}", [1, HEADS, "past", each]) for kind in ("key", "value")]
        shapes.update({name: (1, HEADS, past, each) for name in names})
        q, k, v = b.op("Split", flat(b.layer_norm(x, WIDTH), WIDTH, 3 * WIDTH, 1.5), b.ints(WIDTH, WIDTH, WIDTH), outputs=3, axis=2)
        q, k, v = (b.heads(part, HEADS, each, 0, 2, 1, 3) for part in (q, k, v))
        b.node("Concat", [names[0], k], f"key_{layer}", axis=2)
        b.node("Concat", [names[1], v], f"value_{layer}", axis=2)
        for kind in ("key", "value"):
            b.output(f"{kind}_{layer}")
        seen = b.attend(q, b.transpose(f"key_{layer}", 0, 1, 3, 2), f"value_{layer}", each)
        x = b.add(x, flat(seen, WIDTH, WIDTH))
        x = b.add(x, flat(b.gelu_by_tanh(flat(b.layer_norm(x, WIDTH), WIDTH, 4 * WIDTH)), 4 * WIDTH, WIDTH))
    words = np.ascontiguousarray(b.kernel(WORDS, WIDTH, fan_in=WIDTH, gain=2).T)
    b.node("MatMul", [b.layer_norm(x, WIDTH), b.stored(words)], "logits")
    b.output("logits")
    rounds = b.samples(shapes)
    return b.model(17), [{"ids": b.random.integers(0, WORDS, (1, 1)), **feed} for feed in rounds]


@family(MatMul=1)
def lstm_tagger():
    b = Exporter(205)
    b.input("ids", [1, "tokens"], T.INT64)
    x = b.transpose(b.embedding("ids", WORDS, 32), 1, 0, 2)
    for c_in in (32, 96):
        state = b.stored(np.zeros((2, 1, 48), np.float32))
        x = b.op("LSTM", x, b.drawn(2, 192, c_in, scale=c_in ** -0.5), b.drawn(2, 192, 48, scale=48 ** -0.5), b.drawn(2, 384, scale=0.1), "", state,
                 state, hidden_size=48, direction="bidirectional", outputs=3)[0]
        x = b.reshape(b.transpose(x, 0, 2, 1, 3), 0, 0, -1)
    finish(b, b.transpose(x, 1, 0, 2), 96, "tags", 9)
    return b.model(17), texts(b, (8, 24), masked=False)


@family(Conv=4, MatMul=23)
def detr():
    """A small CNN, an encoder, and a decoder of constant queries that attends to itself and to the picture."""
    b = Exporter(206)
    b.input("image", [1, 3, 64, 64])
    x = "image"
    for c_in, c_out in ((3, 16), (16, 32), (32, 48)):
        x = b.relu(b.conv(x, c_in, c_out, 3, 2))
    memory = b.transpose(b.reshape(b.conv(x, 48, WIDTH, 1), 1, WIDTH, -1), 0, 2, 1)
    places = b.drawn(1, 64, WIDTH, scale=0.5)

    def attention(x, keys, values):
        each = WIDTH // HEADS
        q = b.heads(b.linear(x, WIDTH, WIDTH, gain=1.5), HEADS, each, 0, 2, 1, 3)
        k = b.heads(b.linear(keys, WIDTH, WIDTH, gain=1.5), HEADS, each, 0, 2, 3, 1)
        v = b.heads(b.linear(values, WIDTH, WIDTH), HEADS, each, 0, 2, 1, 3)
        return b.linear(b.attend(q, k, v, each), WIDTH, WIDTH)

    placed = b.add(memory, places)
    memory = b.layer_norm(b.add(memory, attention(placed, placed, memory)), WIDTH)
    memory = b.layer_norm(b.add(memory, b.feed_forward(memory, WIDTH, b.relu)), WIDTH)
    queries = b.drawn(1, 10, WIDTH, scale=1)
    keys = b.add(memory, places)
    x = b.layer_norm(attention(queries, keys, memory), WIDTH)
    placed = b.add(x, queries)
    x = b.layer_norm(b.add(x, attention(placed, placed, x)), WIDTH)
    x = b.layer_norm(b.add(x, attention(b.add(x, queries), keys, memory)), WIDTH)
    x = b.layer_norm(b.add(x, b.feed_forward(x, WIDTH, b.relu)), WIDTH)
    finish(b, x, WIDTH, "classes", 6)
    b.node("Sigmoid", [b.linear(b.relu(b.linear(x, WIDTH, WIDTH)), WIDTH, 4)], "boxes")
    b.output("boxes")
    return b.model(17), b.images("image", [1, 3, 64, 64])

"""Builds ResNet-50, MobileNetV2 and a part of ViT-L/16 with random weights, for measuring speed: the shapes count, the
answers do not.

    python bench/make_models.py FOLDER        FOLDER/resnet50.onnx, FOLDER/mobilenetv2.onnx, FOLDER/vit_l16_part.onnx

Weights are drawn as He et al. (2015) do, BatchNorm is taken as folded into them, input float [1, 3, 224, 224].
Shapes: He et al., "Deep Residual Learning", table 1; Sandler et al., "MobileNetV2", table 2; Dosovitskiy et al., "An Image
is Worth 16x16 Words", table 1: of ViT-L/16's 24 blocks, which are all alike, the part has 4.
"""
import argparse
import pathlib

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save, shape_inference


class Builder:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def node(self, op, inputs, **attributes):
        output = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"{output}_node", **attributes))
        return output

    def weight(self, values):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, x, channels_in, channels_out, kernel=1, stride=1, group=1, gain=2.0):
        fan_in = channels_in // group * kernel * kernel
        shape = (channels_out, channels_in // group, kernel, kernel)
        w = self.random.normal(0, np.sqrt(gain / fan_in), shape).astype(np.float32)
        b = self.random.normal(0, 0.05, channels_out).astype(np.float32)
        pad = kernel // 2
        return self.node("Conv", [x, self.weight(w), self.weight(b)], kernel_shape=[kernel, kernel],
                         strides=[stride, stride], pads=[pad] * 4, group=group)

    def classifier(self, x, channels, classes=1000):
        x = self.node("Flatten", [self.node("GlobalAveragePool", [x])], axis=1)
        w = self.random.normal(0, np.sqrt(1 / channels), (classes, channels)).astype(np.float32)
        return self.node("Gemm", [x, self.weight(w), self.weight(np.zeros(classes, np.float32))], transB=1)

    def model(self, name, result, opset=13, image=(1, 3, 224, 224), scores=(1, 1000)):
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, image)
        scores = helper.make_tensor_value_info(result, TensorProto.FLOAT, scores)
        graph = helper.make_graph(self.nodes, name, [image], [scores], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        checker.check_model(model)
        return shape_inference.infer_shapes(model)


def resnet50():
    b = Builder(50)
    x = b.node("Relu", [b.conv("image", 3, 64, kernel=7, stride=2)])
    x = b.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 0 else 1
            y = b.node("Relu", [b.conv(x, channels, width)])
            y = b.node("Relu", [b.conv(y, width, width, kernel=3, stride=stride)])
            y = b.conv(y, width, 4 * width, gain=0.5)  # below 2: sums of residuals stay small
            if block == 0:
                x = b.conv(x, channels, 4 * width, stride=stride, gain=1.0)
            x = b.node("Relu", [b.node("Add", [y, x])])
            channels = 4 * width
    return b.model("resnet50", b.classifier(x, channels))


def mobilenetv2():
    b = Builder(2)

    def relu6(x):
        limits = [b.weight(np.float32(0)), b.weight(np.float32(6))]
        return b.node("Clip", [x, *limits])

    x = relu6(b.conv("image", 3, 32, kernel=3, stride=2))
    channels = 32
    for expansion, width, blocks, first_stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                   (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            inner = channels * expansion
            y = x if expansion == 1 else relu6(b.conv(x, channels, inner))
            y = relu6(b.conv(y, inner, inner, kernel=3, stride=stride, group=inner))
            y = b.conv(y, inner, width, gain=1.0)
            x = b.node("Add", [y, x]) if stride == 1 and channels == width else y
            channels = width
    x = relu6(b.conv(x, channels, 1280))
    return b.model("mobilenetv2", b.classifier(x, 1280))


def vit_l16_part(blocks=4, width=1024, heads=16, hidden=4096, patch=16):
    b = Builder(16)
    tokens = (224 // patch) ** 2 + 1

    def normal(*shape, deviation):
        return b.weight(b.random.normal(0, deviation, shape).astype(np.float32))

    def norm(x):
        return b.node("LayerNormalization", [x, b.weight(np.ones(width, np.float32)), normal(width, deviation=0.05)], axis=-1)

    def linear(x, inputs, outputs):
        product = b.node("MatMul", [x, normal(inputs, outputs, deviation=np.sqrt(1 / inputs))])
        return b.node("Add", [product, normal(outputs, deviation=0.05)])

    def split_heads(x, order):
        return b.node("Transpose", [b.node("Reshape", [x, by_head])], perm=order)

    by_head = b.weight(np.array([1, tokens, heads, width // heads], np.int64))
    merged = b.weight(np.array([1, tokens, width], np.int64))
    half, one, root_two = (b.weight(np.float32(v)) for v in (0.5, 1, np.sqrt(2)))
    scale = b.weight(np.float32(1 / np.sqrt(width // heads)))

    w = normal(width, 3, patch, patch, deviation=np.sqrt(1 / (3 * patch * patch)))
    x = b.node("Conv", ["image", w, normal(width, deviation=0.05)], kernel_shape=[patch, patch], strides=[patch, patch])
    x = b.node("Reshape", [x, b.weight(np.array([1, width, tokens - 1], np.int64))])
    x = b.node("Concat", [normal(1, 1, width, deviation=1), b.node("Transpose", [x], perm=[0, 2, 1])], axis=1)
    x = b.node("Add", [x, normal(1, tokens, width, deviation=0.02)])
    for _ in range(blocks):
        y = norm(x)
        q, v = (split_heads(linear(y, width, width), [0, 2, 1, 3]) for _ in range(2))
        k = split_heads(linear(y, width, width), [0, 2, 3, 1])
        scores = b.node("Softmax", [b.node("Mul", [b.node("MatMul", [q, k]), scale])], axis=-1)
        y = b.node("Transpose", [b.node("MatMul", [scores, v])], perm=[0, 2, 1, 3])
        x = b.node("Add", [x, linear(b.node("Reshape", [y, merged]), width, width)])
        y = linear(norm(x), width, hidden)
        gate = b.node("Add", [b.node("Erf", [b.node("Div", [y, root_two])]), one])
        y = b.node("Mul", [b.node("Mul", [y, gate]), half])
        x = b.node("Add", [x, linear(y, hidden, width)])
    first = b.node("Gather", [norm(x), b.weight(np.int64(0))], axis=1)
    w = normal(1000, width, deviation=np.sqrt(1 / width))
    return b.model("vit_l16_part", b.node("Gemm", [first, w, b.weight(np.zeros(1000, np.float32))], transB=1), opset=17)


MODELS = {"resnet50": resnet50, "mobilenetv2": mobilenetv2, "vit_l16_part": vit_l16_part}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, build in MODELS.items():
        save(build(), folder / f"{name}.onnx")


if __name__ == "__main__":
    main()

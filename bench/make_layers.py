"""Builds models of one kind of layer each, with random weights: the products and convolutions of ResNet-50 and MobileNetV2.

    python bench/make_layers.py FOLDER        FOLDER/gemm_49x512x4608.onnx, FOLDER/conv3x3_56px_64.onnx, …

A product is one MatMul. Convolutions stand four in a row, behind each other, so that what both programs do to the layout at
the ends weighs little.
"""
import argparse
import pathlib

import numpy as np
from onnx import save

from make_models import Builder


def product(rows, columns, depth):
    b = Builder(1)
    w = b.weight(b.random.normal(0, np.sqrt(1 / depth), (depth, columns)).astype(np.float32))
    return b.model("gemm", b.node("MatMul", ["image", w]), image=(rows, depth), scores=(rows, columns))


def convolutions(pixels, channels, kernel, depthwise=False):
    """Four convolutions; `channels` are those of the image and, in turns, of the results."""
    b = Builder(1)
    x = "image"
    for i in range(4):
        channels_in, channels_out = channels[i % len(channels)], channels[(i + 1) % len(channels)]
        x = b.conv(x, channels_in, channels_out, kernel, group=channels_in if depthwise else 1, gain=1.0)
    shapes = [(1, channels[k % len(channels)], pixels, pixels) for k in (0, 4)]
    return b.model("convolutions", x, image=shapes[0], scores=shapes[1])


def stem():
    b = Builder(1)
    return b.model("stem", b.conv("image", 3, 64, kernel=7, stride=2), scores=(1, 64, 112, 112))


GEMMS = [(49, 512, 4608), (196, 256, 2304), (784, 128, 1152), (3136, 64, 576), (128, 768, 768), (1024, 1024, 1024), (1, 1000, 2048)]
LAYERS = {f"gemm_{m}x{n}x{k}": (product, m, n, k) for m, n, k in GEMMS}
LAYERS |= {f"conv3x3_{size}px_{channels}": (convolutions, size, [channels], 3)
           for size, channels in [(56, 64), (28, 128), (14, 256), (7, 512)]}
LAYERS |= {f"conv1x1_{size}px_{a}_{b}": (convolutions, size, [a, b], 1)
           for size, a, b in [(56, 64, 64), (56, 64, 256), (28, 128, 512), (14, 256, 1024), (7, 512, 2048)]}
LAYERS |= {"stem7x7_224px": (stem,)}
LAYERS |= {f"depthwise3x3_{size}px_{channels}": (convolutions, size, [channels], 3, True)
           for size, channels in [(112, 32), (56, 144), (28, 192), (14, 384), (7, 960)]}


def build(name):
    function, *arguments = LAYERS[name]
    return function(*arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in LAYERS:
        save(build(name), folder / f"{name}.onnx")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes the embedded default: calib_data/digits/ and models/digits.onnx with its preprocessor_config.json.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -r tools/dev/requirements.txt
    /tmp/venv/bin/python tools/dev/make_demo_model.py

Data: the 1,797 handwritten digits that scikit-learn bundles, split class by class: 1,000 images for training
and calibration (calib/), the other 797 for the test alone (test/). The model is trained on calib/ from a fixed
seed; its accuracy on test/ is measured with ONNX Runtime on the written files and must reach 97 %.
"""
import json
import pathlib
import shutil

import numpy
import onnxruntime
from autograd import value_and_grad
import autograd.numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from digits_net import CLASSES, SIZE, export, forward, initial_parameters

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "calib_data" / "digits"
MODEL = ROOT / "models" / "digits.onnx"
SEED = 1
PER_CLASS = 100  # of each digit in calib/
EPOCHS, BATCH, RATE = 30, 50, 4e-3
REQUIRED_ACCURACY = 0.97
PREPROCESS = {
    "do_convert_grayscale": True,
    "do_resize": True,
    "size": {"height": SIZE, "width": SIZE},
    "resample": 2,  # bilinear
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5],
    "image_std": [0.5],
    "data_format": "channels_first",
}


def write_images(rng):
    """Grey values 0...16 become 0...255; the file's name is the image's index in load_digits()."""
    shutil.rmtree(DATA, ignore_errors=True)
    digits = load_digits()
    for label in range(CLASSES):
        indices = rng.permutation(numpy.flatnonzero(digits.target == label))
        for split, chosen in ("calib", indices[:PER_CLASS]), ("test", indices[PER_CLASS:]):
            folder = DATA / split / str(label)
            folder.mkdir(parents=True)
            for index in chosen:
                pixels = numpy.rint(digits.images[index] * (255 / 16)).astype(numpy.uint8)
                Image.fromarray(pixels).save(folder / f"{index:04d}.png", optimize=True)


def read_images(split):
    """(images [n, 16, 16, 1] as PREPROCESS says, labels [n]) of a folder."""
    files = sorted((DATA / split).glob("*/*.png"))
    images = [Image.open(f).convert("L").resize((SIZE, SIZE), Image.Resampling.BILINEAR) for f in files]
    x = numpy.stack([numpy.asarray(i, numpy.float32) for i in images])[..., None] * numpy.float32(1 / 255)
    return (x - numpy.float32(0.5)) / numpy.float32(0.5), numpy.array([int(f.parent.name) for f in files])


def shifted(x, rng):
    """Each image moved by up to two pixels; what comes in from outside is background (-1)."""
    out = numpy.full_like(x, -1)
    for i, (dy, dx) in enumerate(rng.integers(-2, 3, (len(x), 2))):
        h, w = SIZE - abs(dy), SIZE - abs(dx)
        y0, x0, y1, x1 = max(dy, 0), max(dx, 0), max(-dy, 0), max(-dx, 0)
        out[i, y0:y0 + h, x0:x0 + w] = x[i, y1:y1 + h, x1:x1 + w]
    return out


def train(x, labels, rng):
    """Adam with a cosine schedule on the cross entropy."""
    def loss(p, batch, targets):
        logits = forward(p, batch)
        logits = logits - np.max(logits, axis=1, keepdims=True)
        log_sum = np.log(np.sum(np.exp(logits), axis=1))
        return np.mean(log_sum - logits[numpy.arange(len(targets)), targets])

    p = initial_parameters(rng)
    gradient = value_and_grad(loss)
    first = {k: numpy.zeros_like(v) for k, v in p.items()}
    second = {k: numpy.zeros_like(v) for k, v in p.items()}
    steps, step = EPOCHS * (len(x) // BATCH), 0
    for epoch in range(EPOCHS):
        total = 0.0
        for chosen in numpy.split(rng.permutation(len(x)), len(x) // BATCH):
            value, grads = gradient(p, shifted(x[chosen], rng), labels[chosen])
            total += float(value)
            rate = RATE * 0.5 * (1 + numpy.cos(numpy.pi * step / steps))
            step += 1
            for k, g in grads.items():
                first[k] += 0.1 * (g - first[k])
                second[k] += 0.01 * (g * g - second[k])
                p[k] = (p[k] - rate * first[k] / (1 - 0.9**step)
                        / (numpy.sqrt(second[k] / (1 - 0.99**step)) + 1e-8)).astype(numpy.float32)
        print(f"epoch {epoch + 1:2d}/{EPOCHS}  loss {total * BATCH / len(x):.4f}", flush=True)
    statistics = {}
    forward(p, x, statistics)  # BatchNormalization's constants: exact, over all training images at once
    return p, statistics


def accuracy(split):
    x, labels = read_images(split)
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    logits = session.run(None, {"image": x.transpose(0, 3, 1, 2).copy()})[0]
    return float(numpy.mean(logits.argmax(axis=1) == labels))


def main():
    rng = numpy.random.default_rng(SEED)
    write_images(rng)
    x, labels = read_images("calib")
    p, statistics = train(x, labels, rng)
    export(p, statistics, MODEL)
    (MODEL.parent / "preprocessor_config.json").write_text(json.dumps(PREPROCESS, indent=2) + "\n")
    print(f"{MODEL.name}: {MODEL.stat().st_size:,} bytes, accuracy {accuracy('calib'):.4f} on calib, "
          f"{accuracy('test'):.4f} on test")
    if accuracy("test") < REQUIRED_ACCURACY:
        raise SystemExit(f"test accuracy is below {REQUIRED_ACCURACY:.0%}")


if __name__ == "__main__":
    main()

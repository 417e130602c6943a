"""Models that something is wrong with: q8 takes them or says why not (exit code 3), and neither crashes, hangs nor leaves a file.

    python tests/hard_cases/test_broken_models.py build/q8 [--seeds 0-149]

Each seed is a model of hard_models.py or random_models.py with one or two changes of the kind that broken exporters and
files make: an input gone or another's, an attribute gone or absurd, a tensor of another shape or type, nodes changed for others.
"""
import argparse
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

SKIP = 77
try:
    import onnx
    from hard_models import MODELS
    from random_models import make_random
    from round_trip import write_samples
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(SKIP)

SECONDS, BYTES = 60, 8 << 30
NUMBERS = (0, -1, 1, 7, 1_000_000, 2**31, 2**62, -2**63)
TYPES = (0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 16, 22, 99)
OPERATORS = ("Concat", "Conv", "DequantizeLinear", "Gather", "Gemm", "If", "LSTM", "Loop", "MatMul", "NoSuchOperator", "QuantizeLinear",
             "Reshape", "Resize", "Slice", "Softmax", "Split")


def change_attribute(lot, model, node):
    if not node.attribute:
        return
    attribute = lot.choice(node.attribute)
    if attribute.ints:
        attribute.ints[lot.randrange(len(attribute.ints))] = lot.choice(NUMBERS)
    elif attribute.type == onnx.AttributeProto.INT:
        attribute.i = lot.choice(NUMBERS)
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = lot.choice((0, -1, 1e38, float("inf"), float("nan")))
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = lot.choice((b"", b"SAME_UPPER", b"\xff\xfe"))


def drop_attribute(lot, model, node):
    if node.attribute:
        del node.attribute[lot.randrange(len(node.attribute))]


def drop_input(lot, model, node):
    if node.input:
        del node.input[lot.randrange(len(node.input))]


def drop_output(lot, model, node):
    node.output[lot.randrange(len(node.output))] = ""


def change_input(lot, model, node):
    if node.input:
        others = ["", "nobody_makes_this", *(t.name for t in model.graph.initializer), *(n.output[0] for n in model.graph.node)]
        node.input[lot.randrange(len(node.input))] = lot.choice(others)


def change_operator(lot, model, node):
    node.op_type = lot.choice(OPERATORS)


def repeat_node(lot, model, node):
    node.CopyFrom(lot.choice(model.graph.node))


def change_tensor(lot, model, node):
    if not model.graph.initializer:
        return
    tensor = lot.choice(model.graph.initializer)
    if lot.random() < 0.3:
        tensor.data_type = lot.choice(TYPES)
    elif lot.random() < 0.5 and tensor.dims:
        tensor.dims[lot.randrange(len(tensor.dims))] = lot.choice((0, -1, 1, 3, 2**40))
    elif tensor.raw_data:
        tensor.raw_data = lot.choice((b"", tensor.raw_data[:-1], tensor.raw_data + b"\0\0\0\0", lot.randbytes(len(tensor.raw_data))))


def change_model_input(lot, model, node):
    dims = lot.choice(model.graph.input).type.tensor_type.shape.dim
    if dims:
        lot.choice(dims).dim_value = lot.choice((0, -1, 1, 3, 2**33))


def change_opset(lot, model, node):
    model.opset_import[0].version = lot.choice((-1, 1, 7, 11, 13, 18, 25, 99))


CHANGES = (change_attribute, change_attribute, change_input, change_input, change_model_input, change_operator, change_opset, change_tensor,
           change_tensor, drop_attribute, drop_input, drop_input, drop_output, repeat_node)


class Q8:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __call__(self, *arguments, writes=None):
        """Whether q8 took it; AssertionError where it neither did nor said why not."""
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        done = subprocess.run([self.program, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, errors="replace",
                              timeout=SECONDS, preexec_fn=limit)
        assert done.returncode in (0, 2, 3), f"q8 {arguments[0]} exits with {done.returncode}: {done.stderr[-300:]}"
        if done.returncode != 0:
            assert "error: " in done.stderr, f"q8 {arguments[0]} says nothing"
            assert writes is None or not (self.folder / writes).exists(), f"q8 {arguments[0]} fails and leaves {writes}"
        return done.returncode == 0


def check(q8, seed):
    lot = random.Random(seed)
    model, samples = lot.choice(MODELS)() if lot.random() < 0.5 else make_random(seed)()
    write_samples(q8.folder / "data", model, samples[:2])
    for _ in range(lot.randint(1, 2)):
        lot.choice(CHANGES)(lot, model, lot.choice(model.graph.node))
    onnx.save(model, q8.folder / "m.onnx")
    taken = [q8("inspect", "m.onnx"),
             q8("quantize", "m.onnx", "--mode", "weights", "-o", "w.onnx", writes="w.onnx"),
             q8("quantize", "m.onnx", "--mode", "dynamic", "-o", "d.onnx", writes="d.onnx"),
             q8("calibrate", "m.onnx", "--data", "data", "-o", "m.q8cal", writes="m.q8cal")]
    if taken[-1]:
        taken.append(q8("quantize", "m.onnx", "--calibration", "m.q8cal", "-o", "s.onnx", writes="s.onnx"))
    return taken


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("q8", type=pathlib.Path)
    parser.add_argument("--seeds", default="0-149", help="a-b: first and last")
    arguments = parser.parse_args()
    first, last = map(int, arguments.seeds.split("-"))
    failed, runs, taken = [], 0, 0
    for seed in range(first, last + 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                results = check(Q8(arguments.q8.resolve(), pathlib.Path(folder)), seed)
                runs, taken = runs + len(results), taken + sum(results)
            except (AssertionError, subprocess.TimeoutExpired) as problem:
                failed.append(seed)
                print(f"seed {seed}: {problem}", flush=True)
    print(f"{last + 1 - first} models, {taken} of {runs} runs taken; failed: {failed or 'none'}")
    assert 0 < taken < runs, "changes that all or none are taken with show nothing"
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

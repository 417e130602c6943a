"""Number formats beside u8 and s8: the hard models quantized with them load and run in ONNX Runtime and in q8, agree, are
near the float model, and hold the types that were asked for.

    python tests/hard_cases/test_formats.py build/q8 [name ...]
"""
import pathlib
import subprocess
import sys
import tempfile

from test_hard_cases import SKIP, check

try:
    import onnx

    import hard_models
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(SKIP)

T = onnx.TensorProto
NEWEST = ("--opset", "21")


def types_of(model):
    return {tensor.data_type for tensor in model.graph.initializer}


def nodes_of(model):
    return {node.op_type for node in model.graph.node}


def has_type(wanted):
    def find(model):
        assert wanted in types_of(model), f"holds no {T.DataType.Name(wanted)}"
        assert model.opset_import[0].version >= 21, f"opset {model.opset_import[0].version}"

    return find


def has_blocks(model):
    has_type(T.INT4)(model)
    shapes = {t.name: t.dims for t in model.graph.initializer}
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "block_size" and attribute.i > 0:
                assert len(shapes[node.input[1]]) == len(shapes[node.input[0]])
                return
    raise AssertionError("no DequantizeLinear has blocks")


def has_float16(model):
    assert T.FLOAT16 in types_of(model) or "Cast" in nodes_of(model)


# label: options, models (all: None), least SQNR in dB to the float model, what the file must show
FORMATS = {
    "s16": (("--type-for", "*=s16", *NEWEST), ("every_kind_of_convolution", "attributes_that_became_inputs",
                                               "attention_mask_of_minus_infinity", "old_opset_per_channel"), 30, has_type(T.INT16)),
    "u16": (("--type-for", "*=u16", *NEWEST), ("every_kind_of_convolution", "concat_of_unequal_branches"), 30, has_type(T.UINT16)),
    "mixed": (("--type-for", "r*=s16", *NEWEST), ("every_kind_of_convolution",), 20, has_type(T.INT16)),
    "s4": (("--weights", "s4", *NEWEST), ("wide_layers",), 12, has_type(T.INT4)),
    "s4 in blocks": (("--mode", "weights", "--weights", "s4", *NEWEST), ("wide_layers",), 15, has_blocks),
    "s4 in small blocks": (("--mode", "weights", "--weights", "s4", "--block-size", "8", "--weight-observer", "mse", *NEWEST), ("wide_layers",), 16, has_blocks),
    "s4 in static blocks": (("--weights", "s4", "--block-size", "16", *NEWEST), ("wide_layers",), 12, has_blocks),
    "float16": (("--float16-islands",), None, 20, None),
    "float16 qoperator": (("--float16-islands", "--format", "qoperator"), ("attention_mask_of_minus_infinity",), 20, has_float16),
    "float16 alone": (("--float16-islands", "--exclude", "*"), ("attention_mask_of_minus_infinity", "every_kind_of_convolution"), 50, has_float16),
    "dynamic": (("--mode", "dynamic"), None, 20, None),
    "dynamic LSTM": (("--mode", "dynamic"), ("recurrent_layers",), 20,
                     lambda model: nodes_of(model) >= {"DynamicQuantizeLSTM"} or fail("no DynamicQuantizeLSTM")),
    "dynamic Conv": (("--mode", "dynamic"), ("every_kind_of_convolution",), 20,
                     lambda model: nodes_of(model) >= {"ConvInteger"} or fail("no ConvInteger")),
    "opset 21": (NEWEST, None, 20, lambda model: model.opset_import[0].version >= 21 or fail("an older opset")),
}


def fail(why):
    raise AssertionError(why)


def refused(q8, folder, *options):
    done = subprocess.run([q8, "quantize", folder / "model.onnx", "--calibration", folder / "model.q8cal", "-o",
                           folder / "refused.onnx", *options], capture_output=True, text=True)
    if done.returncode != 2 or "--opset 21" not in done.stderr or (folder / "refused.onnx").exists():
        fail(f"{options} without --opset: exit {done.returncode}: {done.stderr}")


def main():
    q8, names = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    failed = 0
    for make in hard_models.MODELS:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for label, (options, models, least, shows) in FORMATS.items():
                of_opset = make.__name__.startswith("opset_") and label != "opset 21"  # alike but for what is converted
                if (make.__name__ not in models if models else of_opset) or (names and label not in names):
                    continue
                try:
                    loss, difference = check(q8, make, folder, *options, minimum=least)
                    if shows:
                        shows(onnx.load(folder / "model.int8.onnx"))
                    if "--opset" in options and label != "opset 21":
                        refused(q8, folder, *options[:options.index("--opset")])
                    print(f"ok      {make.__name__} {label}: to FP32 {loss:.1f} dB, q8 to ONNX Runtime {difference:.1f} dB", flush=True)
                except Exception as error:  # one broken case must not hide the others
                    failed += 1
                    print(f"FAILED  {make.__name__} {label}: {str(error)[:400]}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Ways to quantize, name → Form: what is asked of q8, of which models, and what must come of it."""
import dataclasses
import typing

import target_rules
from onnx import TensorProto as T

MINIMUM_SQNR_DB = 20  # of INT8 to FP32: what a handful of random 8-bit layers keep
MINIMUM_AGREEMENT_DB = 35  # of q8 to ONNX Runtime on the same INT8 model: rounding of float islands only
FLOAT16_AGREEMENT_DB = 30  # float16 tips the roundings of integers behind it


@dataclasses.dataclass
class Form:
    options: tuple
    models: tuple = ()  # names; none: all
    least_db: float = MINIMUM_SQNR_DB
    shows: typing.Callable = lambda model: None  # raises AssertionError
    optimized: bool = True  # ONNX Runtime runs it with its optimizer, as models made for it
    once: bool = True  # of models that are alike but for their opset, the first is enough
    agreement_db: float = MINIMUM_AGREEMENT_DB
    every_level: bool = False  # ONNX Runtime makes the same of it with each level of its optimizer
    counts: bool = True  # the models' numbers of integer nodes hold: none is in float for accuracy's sake, or by name

    @property
    def needs_opset(self):
        """Whether without --opset it is refused: so are types that every one of its models takes."""
        return "--opset" in self.options and bool(self.models)

    def takes(self, name):
        return name in self.models if self.models else not (self.once and name.startswith("opset_"))


def types_of(model):
    return {tensor.data_type for tensor in model.graph.initializer}


def has(*op_types):
    def show(model):
        missing = set(op_types) - {node.op_type for node in model.graph.node}
        assert not missing, f"holds no {missing}"

    return show


def has_opset_21(model):
    assert model.opset_import[0].version >= 21, f"opset {model.opset_import[0].version}"


def has_type(wanted):
    def show(model):
        assert wanted in types_of(model), f"holds no {T.DataType.Name(wanted)}"
        has_opset_21(model)

    return show


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
    assert T.FLOAT16 in types_of(model) or "Cast" in {node.op_type for node in model.graph.node}, "holds no float16"


def follows(target):
    def show(model):
        complaints = target_rules.broken(target, model)
        assert not complaints, "; ".join(complaints[:4])

    return show


NO_FLOAT = ("--float-budget", "0")
STATIC = {
    "per channel": Form(("--per-channel", *NO_FLOAT), once=False),
    "per tensor": Form(("--per-tensor", *NO_FLOAT), once=False),
    "qoperator": Form(("--per-channel", "--format", "qoperator", *NO_FLOAT), once=False),
    "float where it pays": Form(("--per-tensor",), counts=False),
}
# The runtimes of the others are not here: ONNX Runtime without its optimizer computes what the file says.
TARGETS = {target: Form(("--target", target, "--observer", "minmax", "--recover", "none"), shows=follows(target), least_db=0,
                        optimized=target.startswith("onnxruntime")) for target in target_rules.RULES}
# A clipping scale, whose weights must stay within the same limits.
for target in ("onnxruntime-x86", "onnxruntime-x86-avx2"):
    TARGETS[target + " clipped"] = Form(("--target", target, "--weight-observer", "mse", "--observer", "minmax", "--recover", "none"), least_db=0,
                                        shows=follows(target))
NEWEST = ("--opset", "21")
BLOCKS = ("wide_layers",)
FORMATS = {
    "s16": Form(("--type-for", "*=s16", *NEWEST), ("every_kind_of_convolution", "attributes_that_became_inputs",
                                                   "attention_mask_of_minus_infinity", "old_opset_per_channel"), 30, has_type(T.INT16)),
    "u16": Form(("--type-for", "*=u16", *NEWEST), ("every_kind_of_convolution", "concat_of_unequal_branches"), 30, has_type(T.UINT16)),
    "mixed": Form(("--type-for", "r*=s16", *NEWEST), ("every_kind_of_convolution",), shows=has_type(T.INT16)),
    "s4": Form(("--weights", "s4", *NEWEST), BLOCKS, 12, has_type(T.INT4)),
    "s4 in blocks": Form(("--mode", "weights", "--weights", "s4", *NEWEST), BLOCKS, 15, has_blocks),
    "s4 in small blocks": Form(("--mode", "weights", "--weights", "s4", "--block-size", "8", "--weight-observer", "mse", *NEWEST), BLOCKS, 16,
                               has_blocks),
    "s4 in static blocks": Form(("--weights", "s4", "--block-size", "16", *NEWEST), BLOCKS, 12, has_blocks),
    "float16": Form(("--float16-islands", *NO_FLOAT), agreement_db=FLOAT16_AGREEMENT_DB),
    "float16 qoperator": Form(("--float16-islands", "--format", "qoperator"), ("attention_mask_of_minus_infinity",), shows=has_float16),
    "float16 alone": Form(("--float16-islands", "--exclude", "*"), ("attention_mask_of_minus_infinity", "every_kind_of_convolution"), 50,
                          has_float16, counts=False),
    "dynamic": Form(("--mode", "dynamic")),
    "dynamic LSTM": Form(("--mode", "dynamic"), ("recurrent_layers",), shows=has("DynamicQuantizeLSTM")),
    "dynamic Conv": Form(("--mode", "dynamic"), ("every_kind_of_convolution",), shows=has("ConvInteger")),
    "weights": Form(("--mode", "weights")),
    "opset 21": Form((*NEWEST, *NO_FLOAT), shows=has_opset_21, once=False),
}
# What may become of any model. Random layers in a row lose more than trained ones.
LEAST_OF_RANDOM_DB = 8
RANDOM = {label: dataclasses.replace(form, least_db=min(form.least_db, LEAST_OF_RANDOM_DB))
          for label, form in ({**STATIC, **FORMATS, **TARGETS}).items() if not form.models}
RANDOM["s16"] = Form(("--type-for", "*=s16", *NEWEST), least_db=20, shows=has_opset_21)
# ONNX Runtime rounds what meets 8-bit weights by itself, though the file has it in float: so far is it from its own plain operators.
OWN_ROUNDING_DB = 20
FAMILIES = {"defaults": Form(NO_FLOAT, every_level=True), "qoperator": dataclasses.replace(STATIC["qoperator"], every_level=True),
            "dynamic": FORMATS["dynamic"], "weights": Form(("--mode", "weights"), agreement_db=OWN_ROUNDING_DB)}
SETS = {"families": FAMILIES, "static": STATIC, "formats": FORMATS, "targets": TARGETS, "random": RANDOM}

"""Models in every form: q8 calibrates and quantizes them, ONNX Runtime and q8 run the result without a warning and agree, it is
near the float model, and what the form asks for is in the file.

    python tests/hard_cases/test_hard_cases.py build/q8 --set families|static|formats|targets|random [--models a,b] [--forms a,b] [--seeds 0-9]

The models of hard_models.py; with `--set families` those of *_families.py, with `--set random` those that random_models.py makes of
the seeds.
"""
import argparse
import pathlib
import sys
import tempfile

SKIP = 77
try:
    import forms
    import hard_models
    import image_families  # noqa: F401
    import random_models
    import sequence_families  # noqa: F401
    from forms import MINIMUM_SQNR_DB
    from model_builder import FAMILIES
    from round_trip import RoundTrip
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(SKIP)


def check(trip, make, form):
    """The two SQNRs of RoundTrip.losses; AssertionError where something is not as it should be."""
    quantized = trip.quantize(*form.options)
    loss, difference = trip.losses(quantized, form.optimized)
    least = form.least_db if form.least_db < MINIMUM_SQNR_DB else getattr(make, "minimum_sqnr_db", form.least_db)
    assert loss >= least, f"INT8 to FP32: {loss:.1f} dB"
    assert difference >= form.agreement_db, f"q8 to ONNX Runtime: {difference:.1f} dB"
    form.shows(quantized.model)
    is_static = "--mode" not in form.options and "--target" not in form.options
    assert not is_static or getattr(make, "must_say", "") in quantized.said, f"says nothing of it: {quantized.said}"
    if is_static and form.counts:
        integer = quantized.count("integer")
        for op_type, count in getattr(make, "integer", {}).items():
            assert integer[op_type] == count, f"{integer[op_type]} of {count} {op_type} in integers"
    if form.counts:
        for op_type, count in getattr(make, "in_bodies", {}).items():
            found = quantized.in_bodies(op_type, ("integer",) if is_static else ("integer", "dynamic", "weights"))
            assert found == count, f"{found} of {count} {op_type} in bodies are {'integer' if is_static else 'quantized'}"
    if form.optimized and "--opset" not in form.options:  # the newer types have no integer kernels there
        ran, planned = trip.integer_products(quantized, "onnxruntime-arm" in form.options), quantized.planned_products()
        assert ran == planned, f"ONNX Runtime runs {ran} of {planned} planned products in integers"
    if form.every_level:
        trip.check_every_level(quantized, form.agreement_db)
    recurrent = {n.op_type for n in trip.model.graph.node} & {"LSTM", "GRU", "RNN"}
    made = {n.op_type for n in quantized.model.graph.node}
    for op_type in recurrent:
        assert op_type in quantized.said or made & {"DequantizeLinear", "DynamicQuantizeLSTM"}, "skipped in silence"
    return loss, difference


def check_refused(trip, form):
    """Without --opset what needs a newer one is refused, with that advice."""
    options = form.options[:form.options.index("--opset")]
    refused = trip.folder / "refused.onnx"
    done = trip.start("quantize", trip.path, "--calibration", trip.profile, "-o", refused, *options)
    assert done.returncode == 2 and "--opset 21" in done.stderr and not refused.exists(), f"{options}: exit {done.returncode}: {done.stderr}"


def run(q8, models, asked):
    """How many of the asked forms of the models fail."""
    failed = 0
    for make in models:
        wanted = {label: form for label, form in asked.items() if form.takes(make.__name__)}
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                trip = RoundTrip(q8, make, pathlib.Path(folder))
            except Exception as error:  # one broken case must not hide the others
                failed += 1
                print(f"FAILED  {make.__name__}: {str(error)[:400]}", flush=True)
                continue
            for label, form in wanted.items():
                try:
                    loss, difference = check(trip, make, form)
                    if form.needs_opset:
                        check_refused(trip, form)
                    print(f"ok      {make.__name__} {label}: to FP32 {loss:.1f} dB, q8 to ONNX Runtime {difference:.1f} dB", flush=True)
                except Exception as error:
                    failed += 1
                    print(f"FAILED  {make.__name__} {label}: {str(error)[:400]}", flush=True)
    return failed


def seeds(text):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("q8", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--set", choices=forms.SETS, required=True)
    parser.add_argument("--models", type=lambda names: names.split(","))
    parser.add_argument("--forms", type=lambda names: names.split(","))
    parser.add_argument("--seeds", type=seeds, default="0-9")
    args = parser.parse_args()
    makes = {"random": [random_models.make_random(seed) for seed in args.seeds], "families": FAMILIES}.get(args.set, hard_models.MODELS)
    models = [make for make in makes if not args.models or make.__name__ in args.models]
    asked = {label: form for label, form in forms.SETS[args.set].items() if not args.forms or label in args.forms}
    failed = run(args.q8, models, asked)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

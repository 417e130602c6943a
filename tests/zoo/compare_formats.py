"""The number formats beside static u8/s8, on the models of the zoo: ONNX Runtime loads and runs them without a warning, q8
gives the same results, and the table says what they cost.

    python tests/zoo/compare_formats.py --q8 build/q8 [--models a,b] [--formats s16,s4] [--samples 4] [--markdown FILE]

For each: the SQNR of ONNX Runtime's outputs against the FP32 model's, that of q8's against ONNX Runtime's, and how much
smaller the file is. q8's difference must be 6 dB below the error that the format makes, or beyond 50 dB. Float16
tips the roundings of integers behind it, and ONNX Runtime's CPU kernels compute it in FP32 and may leave out roundings
in between: q8's results must be as near to the FP32 model's, or at 30 dB. ONNX Runtime runs
without its own optimizer where that would change the arithmetic (4-bit products, float16 alone).
"""
import argparse
import pathlib
import sys
import tempfile

import zoo
from compare_int8 import ENOUGH_DB, MARGIN_DB, sqnr_db
from compatibility import call

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from runtimes import WarningsOf, session_of  # noqa: E402

FORMATS = {
    "s16": ["--type-for", "*=s16", "--opset", "21", "--observer", "auto:4", "--recover", "none"],
    "s4": ["--mode", "weights", "--weights", "s4", "--opset", "21"],
    "float16": ["--float16-islands", "--observer", "auto:4", "--recover", "none"],
    "float16 alone": ["--float16-islands", "--exclude", "*"],
    "dynamic": ["--mode", "dynamic"],
}
AS_NEAR_DB, NEAR_DB = 2, 30
AS_IT_STANDS = {"s4", "float16 alone"}


def quantized(q8, model, options, profile, folder):
    int8 = folder / "m.int8.onnx"
    call(q8, "quantize", model, "--calibration", profile, *options, "-o", int8)
    with WarningsOf() as warnings:
        session_of(int8, 2)
    if warnings.lines:
        raise RuntimeError(f"ONNX Runtime warns: {warnings.lines[0][-120:]}")
    return int8


def rows_of(q8, name, model, formats, feeds, profile, folder):
    for label in formats:
        try:
            int8 = quantized(q8, model, FORMATS[label], profile, folder)
            loss, ours, own_loss = [], [], []
            for feed in feeds:
                reference = zoo.onnxruntime_run(model, feed)
                result = zoo.onnxruntime_run(int8, feed, label not in AS_IT_STANDS)
                loss.append(sqnr_db(reference, result))
                found = zoo.q8_run(q8, int8, feed)
                ours.append(sqnr_db(result, found))
                own_loss.append(sqnr_db(reference, found))
            good = all(o >= min(q + MARGIN_DB, ENOUGH_DB) for o, q in zip(ours, loss))
            if label.startswith("float16"):
                good = min(own_loss) >= min(min(loss) - AS_NEAR_DB, NEAR_DB)
            size = model.stat().st_size / int8.stat().st_size
            yield label, good, f"{min(loss):.1f}", f"{min(own_loss):.1f}", f"{min(ours):.1f}", f"{size:.2f}"
        except RuntimeError as error:
            yield label, False, str(error)[-160:], "", "", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8", required=True)
    parser.add_argument("--models")
    parser.add_argument("--formats")
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--markdown")
    args = parser.parse_args()
    score, failed = zoo.scorer(), 0
    formats = args.formats.split(",") if args.formats else list(FORMATS)
    table = ["| model | format | ONNX Runtime to FP32, dB | q8 to FP32, dB | q8 to ONNX Runtime, dB | times smaller |", "|---|---|---|---|---|---|"]
    for name, model, task in zoo.models(args.models.split(",") if args.models else None):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            profile, preprocess = folder / "m.q8cal", model.parent / "preprocessor_config.json"
            extra = ["--preprocess", preprocess] if preprocess.exists() else []
            call(args.q8, "calibrate", model, "--data", zoo.ZOO / task["calib"], "--samples", 50, "-o", profile, *extra)
            feeds = zoo.samples(score, name, task, args.samples)
            for label, good, *cells in rows_of(args.q8, name, model, formats, feeds, profile, folder):
                failed += not good
                print(f"{'ok' if good else 'FAILED':7} {name:32} {label:14} {'  '.join(cells)}", flush=True)
                table.append(f"| {name} | {label} | {' | '.join(cells)} |")
    if args.markdown:
        pathlib.Path(args.markdown).write_text("\n".join(table) + "\n")
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

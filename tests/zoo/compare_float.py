"""FP32 outputs of q8 against ONNX Runtime's on every model of the zoo: max |difference| <= 1e-4 of the output's range, for
the model as it stands in the file and in the canonical, fused form that q8 calibrates and validates. Where the model leaves
dimensions open, other sizes than its data have run too: all samples as one batch, and a part of each open axis. Two threads
and AVX2 give the same bits as one thread on the best kernels.

    python tests/zoo/compare_float.py --q8 build/q8 [--models a,b] [--samples 2]
"""
import argparse
import sys

import zoo

LIMIT = 1e-4  # of max - min of the reference
# ONNX Runtime's own Sigmoid is off by up to 1.2e-7 where it should be 1e-7 (measured against float64), which is most
# of the range of an output that is nearly 0 everywhere. Differences up to this are not counted.
NOISE = 3e-7


def worst_difference(reference, ours):
    import numpy as np

    worst = 0.0
    for name, a in reference.items():
        b = ours[name]
        if a.shape != b.shape:
            return float("inf")
        a, b = a.astype(np.float64), b.astype(np.float64)
        spread = float(a.max() - a.min()) or 1.0
        worst = max(worst, max(0.0, float(np.abs(a - b).max()) - NOISE) / spread)
    return worst


def as_one_batch(dims, feeds):
    """One feed of all samples; None where the model fixes its batch."""
    import numpy as np

    if any(not shape or isinstance(shape[0], int) and shape[0] > 0 for shape in dims.values()):
        return None
    return {name: np.concatenate([feed[name] for feed in feeds]) for name in dims}


def with_shorter_axes(dims, feed):
    """The feed without the end of each axis behind the batch that the model leaves open; None where there is none."""
    def cut(name, a):
        for axis, dim in list(enumerate(dims[name]))[1:]:
            if isinstance(dim, int) and dim > 0:
                continue
            size = a.shape[axis] * 5 // 8 // 32 * 32  # images are halved up to five times
            if size > 0:
                a = a.take(range(size), axis)
        return a

    shorter = {name: cut(name, a) for name, a in feed.items()}
    return shorter if any(shorter[name].shape != feed[name].shape for name in feed) else None


def has_same_bits(q8, model, feed):
    one = zoo.q8_run(q8, model, feed, "--threads", "1")
    others = [zoo.q8_run(q8, model, feed, "--threads", "2", *isa) for isa in ([], ["--isa", "avx2"])]
    return all(one[name].tobytes() == other[name].tobytes() for name in one for other in others)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--q8", required=True)
    parser.add_argument("--models")
    parser.add_argument("--samples", type=int, default=2)
    args = parser.parse_args()
    score = zoo.scorer()
    failed = 0
    for name, model, task in zoo.models(args.models.split(",") if args.models else None):
        try:
            worst = 0.0
            dims, feeds = zoo.input_dims(model), zoo.samples(score, name, task, args.samples)
            others = [feed for feed in (as_one_batch(dims, feeds), with_shorter_axes(dims, feeds[0])) if feed]
            for feed in feeds + others:
                reference = zoo.onnxruntime_run(model, feed)
                for options in ([], ["--no-optimize"]):
                    worst = max(worst, worst_difference(reference, zoo.q8_run(args.q8, model, feed, *options)))
            same = has_same_bits(args.q8, model, feeds[0])
        except RuntimeError as error:
            print(f"{name:32} FAILED {error}", flush=True)
            failed += 1
            continue
        failed += not (worst <= LIMIT and same)
        print(f"{name:32} {worst:.2e} {'ok' if worst <= LIMIT else 'TOO FAR'}, {len(others)} with other sizes, "
              f"{'same bits' if same else 'OTHER BITS'} with threads and AVX2", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

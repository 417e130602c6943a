"""The com.microsoft operators that exporters and ONNX Runtime's optimizer write, and what the node tests of ONNX leave out:
random models of one node each, run by q8 and by ONNX Runtime.

    python tests/ops/onnxruntime_operators.py build/q8 [name ...]
"""
import pathlib
import subprocess
import sys
import tempfile

SKIP = 77  # ctest's SKIP_RETURN_CODE
try:
    import ml_dtypes
    import numpy as np
    import onnxruntime as ort
    from onnx import helper, numpy_helper
except ImportError as missing:
    print(f"SKIPPED: {missing}")
    sys.exit(SKIP)

RANDOM = np.random.default_rng(11)
FLOAT, ONE_STEP = 2e-5, "one step"  # of the largest output; of the bytes that tables round in another way


def floats(*shape, scale=1.0):
    return (RANDOM.normal(size=shape) * scale).astype(np.float32)


def bytes_of(shape, dtype=np.uint8, low=None, high=None):
    info = np.iinfo(dtype)
    return RANDOM.integers(info.min if low is None else low, info.max if high is None else high, shape, endpoint=True).astype(dtype)


class Case:
    """inputs: arrays by name, None for one that is left out; a name that begins with c_ is a constant."""

    def __init__(self, name, op, inputs, outputs=1, tolerance=FLOAT, node=None, domain="com.microsoft", **attributes):
        self.name, self.tolerance = name, tolerance
        self.outputs = [f"y{i}" for i in range(outputs)]
        names = [key if array is not None else "" for key, array in inputs.items()]
        while names and not names[-1]:
            names.pop()
        arrays = {k: np.asarray(a) for k, a in inputs.items() if a is not None}
        self.feeds = {k: a for k, a in arrays.items() if not k.startswith("c_")}
        constants = [numpy_helper.from_array(a, k) for k, a in arrays.items() if k.startswith("c_")]
        given = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for k, a in self.feeds.items()]
        made = helper.make_node(op, names, self.outputs, name="node", domain=domain, **attributes, **(node or {}))
        graph = helper.make_graph([made], name, given, [helper.make_empty_tensor_value_info(o) for o in self.outputs], constants)
        imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]  # 21: tensors of 4 bits
        self.model = helper.make_model(graph, opset_imports=imports, ir_version=10).SerializeToString()


def attention_cases():
    b, s, w, h = 2, 5, 24, 4
    x, weights, bias = floats(b, s, w), floats(w, 3 * w, scale=0.3), floats(3 * w)
    base = {"x": x, "c_w": weights, "c_b": bias}
    yield Case("attention", "Attention", base, num_heads=h)
    yield Case("attention_weights_computed", "Attention", {"x": x, "w": weights, "b": bias}, num_heads=h)
    yield Case("attention_lengths", "Attention", {**base, "mask": np.array([3, 5], np.int32)}, num_heads=h)
    yield Case("attention_begin_and_end", "Attention", {**base, "mask": np.array([3, 5, 1, 0], np.int32)}, num_heads=h)
    yield Case("attention_key_mask", "Attention", {**base, "mask": np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]], np.int32)}, num_heads=h)
    yield Case("attention_row_mask", "Attention", {**base, "mask": bytes_of((b, s, s), np.int32, 0, 1) | np.eye(s, dtype=np.int32)}, num_heads=h)
    yield Case("attention_causal", "Attention", base, num_heads=h, unidirectional=1)
    yield Case("attention_scale_and_bias", "Attention", {**base, "mask": None, "past": None, "added": floats(b, h, s, s)}, num_heads=h, scale=0.7)
    yield Case("attention_past", "Attention", {**base, "mask": None, "past": floats(2, b, h, 3, w // h)}, outputs=2, num_heads=h, unidirectional=1)
    yield Case("attention_wide_values", "Attention", {"x": x, "c_w": floats(w, 8 + 8 + 32), "c_b": floats(48)}, num_heads=h,
               qkv_hidden_sizes=[8, 8, 32])
    q, k, v = floats(b, s, w), floats(b, 7, w), floats(b, 7, w)
    yield Case("multi_head", "MultiHeadAttention", {"q": q, "k": k, "v": v}, num_heads=h)
    yield Case("multi_head_bias", "MultiHeadAttention", {"q": q, "k": k, "v": v, "c_b": bias}, num_heads=h)
    yield Case("multi_head_mask", "MultiHeadAttention",
               {"q": q, "k": k, "v": v, "b": None, "mask": np.array([[1] * 4 + [0] * 3, [1] * 7], np.int32)}, num_heads=h)
    yield Case("multi_head_wide_values", "MultiHeadAttention", {"q": q, "k": k, "v": floats(b, 7, 32)}, num_heads=h)
    yield Case("multi_head_added", "MultiHeadAttention",
               {"q": q, "k": k, "v": v, "b": None, "mask": None, "added": floats(1, h, s, 7)}, num_heads=h, scale=0.4)
    yield Case("multi_head_past", "MultiHeadAttention",
               {"q": q, "k": floats(b, s, w), "v": floats(b, s, w), "b": None, "mask": None, "added": None,
                "pk": floats(b, h, 2, w // h), "pv": floats(b, h, 2, w // h)}, outputs=3, num_heads=h)
    for dtype, zero in ((np.int8, 0), (np.uint8, 120)):
        yield Case(f"quantized_attention_{np.dtype(dtype).name}", "QAttention",
                   {"x": bytes_of((b, s, w)), "c_w": bytes_of((w, 3 * w), dtype), "c_b": bias, "c_xs": np.float32(0.02),
                    "c_ws": np.float32(0.004), "mask": np.array([3, 5], np.int32), "c_xz": np.uint8(121), "c_wz": dtype(zero)},
                   num_heads=h, tolerance=1e-4)


def group_query_cases():
    """Prompts and later steps; rows of a buffer that no sample has reached are not compared: they are zeros on both sides."""
    heads, kv, size, b, s = 4, 2, 16, 2, 5
    cos, sin = floats(16, size // 2), floats(16, size // 2)
    one = np.array(0, np.int32)

    def case(name, q, k, v, past, lengths, total, outputs=3, rotary=False, **more):
        caches = {"c_cos": cos, "c_sin": sin} if rotary else {"c_cos": None, "c_sin": None}
        extra = {"places": more.pop("places", None), "added": more.pop("added", None)}
        return Case(f"group_query_{name}", "GroupQueryAttention",
                    {"q": q, "k": k, "v": v, "pk": past[0], "pv": past[1], "lengths": np.array(lengths, np.int32) - 1,
                     "total": one + np.int32(total), **caches, **extra},
                    outputs=outputs, num_heads=heads, kv_num_heads=kv, do_rotary=int(rotary), **more)

    def qkv(batch, step):
        return floats(batch, step, heads * size), floats(batch, step, kv * size), floats(batch, step, kv * size)

    def past(batch, length):
        return floats(batch, kv, length, size), floats(batch, kv, length, size)

    empty = past(b, 0)
    yield case("prompt", *qkv(b, s), empty, [s, s], s)
    yield case("prompt_rotary", *qkv(b, s), empty, [s, s], s, rotary=True)
    yield case("prompt_packed", floats(b, s, (heads + 2 * kv) * size), None, None, empty, [s, s], s, rotary=True, rotary_interleaved=1)
    yield case("prompt_softcap_scale", *qkv(b, s), empty, [s, s], s, softcap=1.5, scale=0.5)
    yield case("prompt_window", *qkv(b, 9), empty, [9, 9], 9, local_window_size=3)
    yield case("prompt_bias", *qkv(b, s), empty, [s, s], s, added=floats(1, heads, s, s))
    yield case("step", *qkv(b, 1), past(b, 6), [7, 7], 7, rotary=True)
    yield case("step_window", *qkv(b, 1), past(b, 6), [7, 7], 7, local_window_size=4)
    yield case("step_buffer", *qkv(1, 1), past(1, 12), [7], 7, rotary=True)
    yield case("step_of_several", *qkv(1, 3), past(1, 4), [7], 7, rotary=True)
    yield case("step_shorter_sample", *qkv(b, 1), past(b, 6), [5, 7], 7, rotary=True)
    yield case("step_bias", *qkv(b, 1), past(b, 6), [7, 7], 7, added=floats(b, 1, 1, 7), softcap=2.0)
    yield case("step_positions", *qkv(b, 1), past(b, 6), [7, 7], 7, rotary=True, places=np.array([[3], [9]], np.int64))


def region_cases():
    rois = np.array([[0, 0, 0, 9, 7], [1, 2.4, 1.6, 7.5, 30], [0, 5, 5, 5, 5], [1, 8, 6, 3, 2]], np.float32)
    for scale in (1.0, 0.5):
        yield Case(f"max_roi_pool_{scale}", "MaxRoiPool", {"x": floats(2, 3, 8, 10), "rois": rois}, domain="", pooled_shape=[3, 2],
                   spatial_scale=scale, tolerance=0)


def border_cases():
    """Where definitions leave room: beyond the ends of an axis."""
    x, largest, least = floats(5, 6), np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for start, end, step in ((-9, -20, -1), (4, largest, -2), (-1, least, -1), (2**31 - 1, -2**31, -3), (-9, 2**31 - 1, 2)):
        limits = {"c_s": [start], "c_e": [end], "c_a": [0], "c_t": [step]}
        yield Case(f"slice_{start}_{end}_{step}", "Slice", {"x": x, **{k: np.array(v, np.int64) for k, v in limits.items()}}, domain="", tolerance=0)
    for mode in ("wrap", "reflect", "edge", "constant"):
        yield Case(f"pad_{mode}_cut_and_longer", "Pad", {"x": x, "c_p": np.array([-1, 2, 2, -2], np.int64)}, domain="", mode=mode, tolerance=0)
    for align in (0, 1):
        yield Case(f"grid_sample_cubic_border_{align}", "GridSample",
                   {"x": floats(2, 3, 5, 6), "g": RANDOM.uniform(-3, 3, (2, 4, 7, 2)).astype(np.float32)}, domain="", mode="cubic",
                   padding_mode="border", align_corners=align)


def rotary_cases():
    cos, sin = floats(16, 4), floats(16, 4)
    for interleaved in (0, 1):
        yield Case(f"rotary_{interleaved}", "RotaryEmbedding",
                   {"x": floats(2, 3, 16), "p": np.array([[0, 4, 2], [9, 15, 1]], np.int64), "c_cos": cos, "c_sin": sin}, interleaved=interleaved)
    yield Case("rotary_offset", "RotaryEmbedding", {"x": floats(2, 2, 3, 8), "p": np.array([5], np.int64), "c_cos": cos, "c_sin": sin})


def embedding_cases():
    tables = {"c_w": floats(20, 12), "c_p": floats(9, 12), "c_s": floats(2, 12), "c_g": floats(12), "c_b": floats(12)}
    ids, segments = bytes_of((2, 5), np.int32, 0, 19), bytes_of((2, 5), np.int32, 0, 1)
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32)
    yield Case("embedding", "EmbedLayerNormalization", {"ids": ids, "segments": segments, **tables, "mask": mask}, outputs=2)
    yield Case("embedding_sum", "EmbedLayerNormalization", {"ids": ids, "segments": segments, **tables}, outputs=3, epsilon=1e-5)
    no_segments = {k: None if k == "c_s" else v for k, v in tables.items()}
    yield Case("embedding_positions", "EmbedLayerNormalization",
               {"ids": ids, "segments": None, **no_segments, "mask": mask, "places": bytes_of((2, 5), np.int32, 0, 8)}, outputs=2)


def quantized_embedding_cases():
    for dtype in (np.uint8, np.int8):
        tables = {f"c_{n}": bytes_of(shape, dtype) for n, shape in
                  {"w": (20, 12), "p": (9, 12), "s": (2, 12), "g": (12,), "b": (12,)}.items()}
        scales = {f"c_{n}s": np.float32(0.01 + 0.01 * i) for i, n in enumerate("wpsgb")}
        zeros = {f"c_{n}z": dtype(3 * i) for i, n in enumerate("wpsgb")}
        yield Case(f"quantized_embedding_{np.dtype(dtype).name}", "QEmbedLayerNormalization",
                   {"ids": bytes_of((2, 5), np.int32, 0, 19), "segments": bytes_of((2, 5), np.int32, 0, 1), **tables,
                    "mask": np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32), **scales, **zeros}, outputs=2)


def block_gather_cases():
    indices = np.array([[0, 6, 3], [-1, 2, 2]], np.int64)
    for bits, has_zeros in ((4, False), (4, True), (8, False)):
        zeros = bytes_of((7, 3 if bits == 8 else 2), np.uint8) if has_zeros else None
        yield Case(f"gather_blocks_{bits}_bits{'_zero_points' if has_zeros else ''}", "GatherBlockQuantized",
                   {"c_d": bytes_of((7, 48 * bits // 8)), "indices": indices, "c_s": floats(7, 3), "c_z": zeros},
                   bits=bits, block_size=16, gather_axis=0, quantize_axis=1)
    for axis, quantize_axis, shape in ((0, 1, (5, 2)), (1, 0, (1, 20))):
        yield Case(f"gather_blocks_int4_axis{axis}", "GatherBlockQuantized",
                   {"c_d": bytes_of((5, 20), np.int8, -8, 7).astype(ml_dtypes.int4), "indices": np.array([4, 0, -2], np.int32),
                    "c_s": floats(*shape)}, block_size=16, gather_axis=axis, quantize_axis=quantize_axis)


def normalization_cases():
    x, skip, gamma, beta, bias = floats(2, 3, 10), floats(2, 3, 10), floats(10), floats(10), floats(10)
    yield Case("skip_layer_norm", "SkipLayerNormalization", {"x": x, "skip": skip, "c_g": gamma, "c_b": beta, "c_bias": bias}, epsilon=1e-5)
    yield Case("skip_rms_norm", "SkipSimplifiedLayerNormalization", {"x": x, "skip": skip, "c_g": gamma, "c_bias": bias}, epsilon=1e-5)
    for op in ("BiasGelu", "FastGelu"):
        yield Case(op, op, {"x": x, "c_b": bias})
    for op in ("Gelu", "QuickGelu"):
        yield Case(op, op, {"x": x})
    for a, b in ((0, 0), (1, 0), (0, 1), (1, 1)):
        left, right = floats(2, *((7, 5) if a else (5, 7))), floats(2, *((6, 7) if b else (7, 6)))
        yield Case(f"fused_matmul_{a}{b}", "FusedMatMul", {"a": left, "b": right}, transA=a, transB=b, alpha=0.5)


def quantized_cases():
    x = bytes_of((2, 4, 6))
    scale = {"c_s": np.float32(0.02), "c_z": np.uint8(130)}
    for axis, opset in ((-1, 13), (1, 13), (1, 11)):
        yield Case(f"softmax_axis{axis}_opset{opset}", "QLinearSoftmax",
                   {"x": x, **scale, "c_ys": np.float32(1 / 256), "c_yz": np.uint8(0)}, tolerance=ONE_STEP, node={"axis": axis, "opset": opset})
    yield Case("where", "QLinearWhere", {"c": RANDOM.random((2, 4, 6)) < 0.5, "x": x, **scale, "y": bytes_of((4, 6)), "c_s2": np.float32(0.03),
                                         "c_z2": np.uint8(100), "c_s3": np.float32(0.025), "c_z3": np.uint8(110)}, tolerance=ONE_STEP)
    for op in ("QLinearAdd", "QLinearMul"):
        yield Case(op, op, {"a": x, **scale, "b": bytes_of((2, 4, 6)), "c_s2": np.float32(0.03), "c_z2": np.uint8(100),
                            "c_s3": np.float32(0.05), "c_z3": np.uint8(128)}, tolerance=ONE_STEP)
    for op in ("QLinearSigmoid", "QLinearLeakyRelu"):
        yield Case(op, op, {"x": x, **scale, "c_s2": np.float32(0.011), "c_z2": np.uint8(10)}, tolerance=ONE_STEP)
    yield Case("concat", "QLinearConcat", {"c_s3": np.float32(0.03), "c_z3": np.uint8(128), "a": x, **scale, "b": bytes_of((2, 3, 6)),
                                           "c_s2": np.float32(0.04), "c_z2": np.uint8(90)}, axis=1, tolerance=ONE_STEP)
    image = bytes_of((2, 5, 7, 3))
    yield Case("nhwc_max_pool", "NhwcMaxPool", {"x": image}, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], tolerance=0)
    conv = {"c_w": bytes_of((4, 3, 3, 3), np.int8, -64, 64), "c_ws": RANDOM.uniform(0.002, 0.01, 4).astype(np.float32), "c_wz": np.zeros(4, np.int8),
            "c_ys": np.float32(0.05), "c_yz": np.uint8(120), "c_b": bytes_of(4, np.int32, -500, 500)}
    yield Case("nhwc_conv", "QLinearConv", {"x": image, **scale, **conv}, channels_last=1, kernel_shape=[3, 3], pads=[1, 1, 1, 1], tolerance=ONE_STEP)
    a = floats(3, 5, 16)
    w = {"c_w": bytes_of((16, 9), np.int8, -64, 64)}
    yield Case("dynamic_matmul", "DynamicQuantizeMatMul", {"a": a, **w, "c_s": np.float32(0.01), "c_z": np.int8(0), "c_b": floats(9)})
    yield Case("dynamic_matmul_columns", "DynamicQuantizeMatMul",
               {"a": a, **w, "c_s": RANDOM.uniform(0.002, 0.01, 9).astype(np.float32), "c_z": np.zeros(9, np.int8)})
    yield Case("integer_to_float", "MatMulIntegerToFloat", {"a": bytes_of((3, 16)), **w, "c_as": np.float32(0.02), "c_s": np.float32(0.01),
                                                            "c_az": np.uint8(120), "c_z": np.int8(0), "c_b": floats(9)})
    for symmetric in (True, False):
        zeros = None if symmetric else bytes_of((9, 2), np.uint8)
        yield Case(f"matmul_4_bits_{'symmetric' if symmetric else 'zero_points'}", "MatMulNBits",
                   {"a": floats(4, 48), "c_w": bytes_of((9, 3, 8)), "c_s": RANDOM.uniform(0.01, 0.1, 27).astype(np.float32), "c_z": zeros},
                   K=48, N=9, bits=4, block_size=16)


def recurrent_cases():
    t, b, i, h = 7, 3, 5, 21  # no whole vectors
    lengths = np.array([4, 7, 1], np.int32)
    forms = {"RNN": (1, ({}, {"activations": ["Softsign"], "clip": 0.5})),
             "GRU": (3, ({}, {"linear_before_reset": 1}, {"linear_before_reset": 1, "clip": 0.5},
                         {"activations": ["HardSigmoid", "LeakyRelu"], "activation_alpha": [0.3, 0.1], "activation_beta": [0.4]})),
             "LSTM": (4, ({}, {"clip": 0.5}, {"activations": ["Sigmoid", "Relu", "Softplus"]}))}
    for op, (gates, variants) in forms.items():
        for direction, d in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            for n, variant in enumerate(variants):
                per_direction = {k: list(v) * d if isinstance(v, list) else v for k, v in variant.items()}
                state = {"h": floats(d, b, h), **({"c": floats(d, b, h), "c_p": floats(d, 3 * h)} if op == "LSTM" else {})}
                for kind, given in (("", None), ("_lengths", lengths)):
                    yield Case(f"{op.lower()}_{direction}_{n}{kind}", op,
                               {"x": floats(t, b, i), "c_w": floats(d, gates * h, i, scale=0.5), "c_r": floats(d, gates * h, h, scale=0.3),
                                "c_b": floats(d, 2 * gates * h), "lengths": given, **state},
                               outputs=3 if op == "LSTM" else 2, domain="", hidden_size=h, direction=direction, **per_direction)
    t, b, i, h = 6, 1, 5, 4
    for direction, d in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
        for per_column in (False, True):
            size = (d, 4 * h) if per_column else (d,)
            scales = {"c_ws": RANDOM.uniform(0.005, 0.01, size).astype(np.float32), "c_wz": np.zeros(size, np.int8),
                      "c_rs": RANDOM.uniform(0.005, 0.01, size).astype(np.float32), "c_rz": np.zeros(size, np.int8)}
            yield Case(f"lstm_{direction}_{'columns' if per_column else 'one'}", "DynamicQuantizeLSTM",
                       {"x": floats(t, b, i), "c_w": bytes_of((d, i, 4 * h), np.int8), "c_r": bytes_of((d, h, 4 * h), np.int8),
                        "c_b": floats(d, 8 * h), "lengths": None, "h": floats(d, b, h), "c": floats(d, b, h), "p": None, **scales},
                       outputs=3, hidden_size=h, direction=direction)


def run_q8(q8, folder, case):
    (folder / "m.onnx").write_bytes(case.model)
    np.savez(folder / "in.npz", **case.feeds)
    done = subprocess.run([q8, "run", folder / "m.onnx", "--inputs", folder / "in.npz", "-o", folder / "out.npz"], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr.strip())
    with np.load(folder / "out.npz") as arrays:
        return [arrays[o] for o in case.outputs]


def difference(case, expected, found):
    if expected.shape != found.shape or expected.dtype != found.dtype:
        raise AssertionError(f"{found.dtype}{found.shape} where ONNX Runtime has {expected.dtype}{expected.shape}")
    a, b = expected.astype(np.float64), found.astype(np.float64)
    worst = np.abs(a - b).max()
    allowed = 1 if case.tolerance == ONE_STEP else case.tolerance * np.abs(a).max()
    if not worst <= allowed:
        raise AssertionError(f"{worst:.3g} apart, {allowed:.3g} is allowed")
    return worst


def main():
    q8, names = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    failed = count = 0
    options = ort.SessionOptions()
    options.log_severity_level = 3
    families = (attention_cases, group_query_cases, region_cases, border_cases, rotary_cases, embedding_cases, quantized_embedding_cases,
                block_gather_cases, normalization_cases, quantized_cases, recurrent_cases)
    with tempfile.TemporaryDirectory() as folder:
        for case in (case for family in families for case in family()):
            if names and case.name not in names:
                continue
            count += 1
            try:
                expected = ort.InferenceSession(case.model, options, providers=["CPUExecutionProvider"]).run(case.outputs, case.feeds)
                found = run_q8(q8, pathlib.Path(folder), case)
                worst = max(difference(case, a, b) for a, b in zip(expected, found))
                print(f"ok      {case.name}: {worst:.2g} apart at most", flush=True)
            except Exception as error:  # one broken operator must not hide the others
                failed += 1
                print(f"FAILED  {case.name}: {str(error)[:300]}", flush=True)
    print(f"{failed} of {count} failed")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())

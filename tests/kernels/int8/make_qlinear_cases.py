"""Writes tests/kernels/data/qlinear_cases.bin: what ONNX Runtime computes for random QLinearConv, QLinearMatMul and
fused QuantizeLinear/DequantizeLinear convolutions. Needs onnx, onnxruntime, numpy and a CPU with a 32-bit integer dot
product (others saturate in ONNX Runtime).

    python tests/kernels/int8/make_qlinear_cases.py

The file is a sequence of cases of little-endian numbers without padding; see Case in qlinear_cases_test.cpp.
"""
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(__file__).parent / "data" / "qlinear_cases.bin"
CONV, MATMUL = 0, 1


def run(nodes, inputs, y_type, opset=13):
    values = {k: numpy_helper.from_array(v, k) for k, v in inputs.items()}
    x = values.pop("x")
    graph = helper.make_graph(
        nodes, "case", [helper.make_tensor_value_info("x", x.data_type, list(x.dims))],
        [helper.make_tensor_value_info("y", y_type, None)], list(values.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": inputs["x"]})[0]


def random_bytes(rng, shape, dtype):
    """Uniform, a third of them at the ends of the range."""
    info = np.iinfo(dtype)
    a = rng.integers(info.min, info.max + 1, shape)
    ends = rng.random(shape) < 0.3
    a[ends] = rng.choice([info.min, info.max], int(ends.sum()))
    return a.astype(dtype)


def scales(rng, x, w, n, depth):
    """Scales for which the outputs fill the byte and now and then leave it."""
    x_scale = np.float32(rng.uniform(0.001, 0.1))
    w_scale = rng.uniform(0.001, 0.02, n).astype(np.float32)
    spread = 100.0 * 90.0 * np.sqrt(depth) * x_scale * w_scale.mean()
    return x_scale, w_scale, np.float32(spread / rng.uniform(20, 90))


def write(f, kind, x, w, bias, y, x_scale, w_scale, y_scale, zero_points, geometry):
    """geometry: batch, in channels, height, width, out channels, groups, kernel, stride, dilation, pad (matmul: m, k, 1,
    1, n, 0 …). zero_points: x, w, y."""
    signs = [a.dtype == np.int8 for a in (x, w, y)]
    header = [kind, *signs, *zero_points, *geometry, len(w_scale), int(bias is not None)]
    f.write(np.array(header, "<i4").tobytes())
    f.write(np.array([x_scale, y_scale], "<f4").tobytes() + w_scale.astype("<f4").tobytes())
    if bias is not None:
        f.write(bias.astype("<i4").tobytes())
    if kind == CONV:  # NCHW to NHWC
        x, y = x.transpose(0, 2, 3, 1), y.transpose(0, 2, 3, 1)
    for a in (x, w, y):
        f.write(np.ascontiguousarray(a).tobytes())


def conv_case(f, rng, x_type, w_type, y_type, per_channel, has_bias, qdq):
    groups = int(rng.choice([1, 1, 1, 2]))
    c, n = groups * int(rng.integers(1, 14)), groups * int(rng.integers(1, 20))
    if rng.random() < 0.3:
        groups = c = n = int(rng.integers(2, 36))
    kernel, stride, dilation = int(rng.choice([1, 2, 3, 5])), int(rng.choice([1, 2])), int(rng.choice([1, 1, 2]))
    pad = int(rng.integers(0, kernel))
    size = int(rng.integers(kernel * dilation, kernel * dilation + 4))
    x, w = random_bytes(rng, (1, c, size, size + 1), x_type), random_bytes(rng, (n, c // groups, kernel, kernel), w_type)
    channels = n if per_channel else 1
    x_scale, w_scale, y_scale = scales(rng, x, w, channels, c // groups * kernel * kernel)
    zero = [int(rng.integers(np.iinfo(t).min, np.iinfo(t).max + 1)) for t in (x_type, y_type)]
    w_zero = 0 if w_type == np.int8 else 128
    bias = rng.integers(-30000, 30000, n).astype(np.int32) if has_bias else None
    inputs = {"x": x, "xs": x_scale, "xz": x_type(zero[0]), "w": w,
              "ws": w_scale if per_channel else w_scale[0],
              "wz": np.full(channels, w_zero, w_type) if per_channel else w_type(w_zero),
              "ys": y_scale, "yz": y_type(zero[1])}
    inputs = {k: np.asarray(v) for k, v in inputs.items()}
    attributes = dict(kernel_shape=[kernel] * 2, strides=[stride] * 2, dilations=[dilation] * 2, pads=[pad] * 4, group=groups)
    if bias is not None:
        inputs["b"] = bias
    if qdq:
        nodes = [helper.make_node("DequantizeLinear", ["x", "xs", "xz"], ["xf"]),
                 helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wf"], **({"axis": 0} if per_channel else {}))]
        if bias is not None:
            inputs["bs"] = np.asarray(x_scale * inputs["ws"])
            inputs["bz"] = np.zeros_like(inputs["bs"], np.int32)
            nodes.append(helper.make_node("DequantizeLinear", ["b", "bs", "bz"], ["bf"], **({"axis": 0} if per_channel else {})))
        nodes += [helper.make_node("Conv", ["xf", "wf"] + (["bf"] if has_bias else []), ["yf"], **attributes),
                  helper.make_node("QuantizeLinear", ["yf", "ys", "yz"], ["y"])]
    else:
        names = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"] + (["b"] if has_bias else [])
        nodes = [helper.make_node("QLinearConv", names, ["y"], **attributes)]
    y = run(nodes, inputs, TensorProto.INT8 if y_type == np.int8 else TensorProto.UINT8)
    write(f, CONV, x, w, bias, y, x_scale, w_scale, y_scale, [zero[0], w_zero, zero[1]],
          [1, c, size, size + 1, n, groups, kernel, stride, dilation, pad])


def matmul_case(f, rng, x_type, w_type, y_type, per_column):
    m, k, n = (int(rng.choice([1, 3, 15, 16, 17, 33])) for _ in range(3))
    x, w = random_bytes(rng, (m, k), x_type), random_bytes(rng, (k, n), w_type)
    x_scale, w_scale, y_scale = scales(rng, x, w, n if per_column else 1, k)
    zero = [int(rng.integers(np.iinfo(t).min, np.iinfo(t).max + 1)) for t in (x_type, w_type, y_type)]
    if per_column:
        zero[1] = 0
    inputs = {"x": x, "xs": x_scale, "xz": x_type(zero[0]), "w": w, "ws": w_scale if per_column else w_scale[0],
              "wz": np.zeros(n, w_type) if per_column else w_type(zero[1]), "ys": y_scale, "yz": y_type(zero[2])}
    inputs = {name: np.asarray(v) for name, v in inputs.items()}
    nodes = [helper.make_node("QLinearMatMul", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["y"])]
    y = run(nodes, inputs, TensorProto.INT8 if y_type == np.int8 else TensorProto.UINT8)
    write(f, MATMUL, x, w, None, y, x_scale, w_scale, y_scale, zero, [m, k, 1, 1, n, 0, 0, 0, 0, 0])


def main():
    rng = np.random.default_rng(20)
    u8, s8 = np.uint8, np.int8
    OUT.parent.mkdir(exist_ok=True)
    with open(OUT, "wb") as f:
        for per_channel in (False, True):
            for x_type, w_type in ((u8, s8), (s8, s8), (u8, u8)):
                for has_bias in (False, True):
                    for qdq in (False, True):
                        for _ in range(2):
                            conv_case(f, rng, x_type, w_type, x_type, per_channel, has_bias, qdq)
                for _ in range(5):
                    matmul_case(f, rng, x_type, w_type, x_type, per_channel)
    print(OUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

"""The runtimes that quantized models are for: run, asked how many products they compute in integers, and compared."""
import json
import os
import pathlib
import tempfile

INTEGER_OPERATORS = ("QLinearConv", "QLinearMatMul", "QGemm", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulInteger",
                     "ConvInteger", "DynamicQuantizeLSTM")
INTEGER_LAYERS = ("Convolution", "Deconvolution", "FullyConnected", "MatMul")
# OpenVINO's kernels for AMX stop some virtual machines that claim to have it; those for VNNI give the same integers.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_VNNI")


class WarningsOf:
    """What native code writes to stderr while the block runs."""

    def __enter__(self):
        self.file = tempfile.TemporaryFile()
        self.saved = os.dup(2)
        os.dup2(self.file.fileno(), 2)
        return self

    def __exit__(self, *error):
        os.dup2(self.saved, 2)
        os.close(self.saved)
        self.file.seek(0)
        self.lines = self.file.read().decode(errors="replace").splitlines()
        self.file.close()


def session_of(path, severity, optimized=True, level=None, saved=None):
    """level: the name of one of ONNX Runtime's, e.g. "BASIC"; saved: where it writes the model that it makes of it."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = severity  # 2: warnings
    options.intra_op_num_threads = 1
    if level or not optimized:
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, f"ORT_{'ENABLE_' + level if level else 'DISABLE_ALL'}")
    if saved:
        options.optimized_model_filepath = str(saved)
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class OnnxRuntime:
    """What it prints while it loads are warnings."""

    def __init__(self, path):
        self.path, self.session = path, session_of(path, 2)

    def run(self, feed):
        return self.session.run(None, feed)

    def own_agreement_db(self, feeds, results):
        """Of its results to those of its operators as the file has them."""
        plain = session_of(self.path, 3, optimized=False)
        return sqnr_db([pair for a, feed in zip(results, feeds) for pair in zip(a, plain.run(None, feed))])

    def integer_products(self, feeds, folder, as_on_arm=False):
        """Distinct nodes of integer types in the profile of these runs. On x86 it makes u8 of s8 activations, unless asked."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        if as_on_arm:
            options.add_session_config_entry("session.qdqisint8allowed", "1")
        options.log_severity_level, options.enable_profiling = 3, True
        options.profile_file_prefix = str(folder / "profile")
        session = ort.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
        for feed in feeds:
            session.run(None, feed)
        events = json.loads(pathlib.Path(session.end_profiling()).read_text())
        return len({(e["args"].get("node_index"), e["name"]) for e in events
                    if e["name"].endswith("_kernel_time") and e["args"].get("op_name") in INTEGER_OPERATORS})


class OpenVino:
    def __init__(self, path):
        import openvino

        # In float as the file has it: bfloat16, its default on some CPUs, would hide what quantization does.
        self.model = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(self, feed):
        done = self.model(feed)
        return [done[i] for i in range(len(self.model.outputs))]

    def own_agreement_db(self, feeds, results):
        return float("inf")  # it has one way to run a model

    def integer_products(self, feeds, folder):
        layers = [node.get_rt_info() for node in self.model.get_runtime_model().get_ops()]
        return sum(layer["layerType"].astype(str) in INTEGER_LAYERS and layer["runtimePrecision"].astype(str) in ("u8", "i8")
                   for layer in layers)


def sqnr_db(pairs):
    import numpy as np

    signal = noise = 0.0
    for a, b in pairs:
        if a.dtype.kind == "f":
            signal += float((a.astype(np.float64) ** 2).sum())
            noise += float(((a.astype(np.float64) - b.astype(np.float64)) ** 2).sum())
    return float("inf") if noise == 0 else 10 * float(np.log10(signal / noise)) if signal > 0 else float("nan")

"""Small models, each with one property that quantizers are known to break on. Each function returns (model, samples):
samples is a list of feeds, one a sample."""
import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

MODELS, FAMILIES = [], []


def hard(function):
    MODELS.append(function)
    return function


def family(**integer):
    """A model of a common family, and how many of its nodes of each type have to be integer."""
    def listed(function):
        function.integer = integer
        FAMILIES.append(function)
        return function

    return listed


class Builder:
    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def weight(self, name, *shape, scale=None):
        fan_in = int(np.prod(shape[1:])) or 1
        values = self.random.normal(0, scale or (2 / fan_in) ** 0.5, shape).astype(np.float32)
        return self.constant(name, values)

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, op, inputs, outputs, name=None, **attributes):
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, **attributes))
        return outputs[0]

    def input(self, name, shape, dtype=T.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, name, shape=None, dtype=T.FLOAT):
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def model(self, opset=13, ir=None):
        graph = helper.make_graph(self.nodes, "hard", self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = ir or (3 if opset < 9 else 8)
        if model.ir_version < 4:
            for tensor in self.constants:
                graph_input = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
                model.graph.input.append(graph_input)
        return model

    def samples(self, shapes, count=32, low=None):
        def one(shape):
            x = self.random.normal(0, 1, shape).astype(np.float32)
            return x if low is None else np.maximum(x, low)

        return [{name: one(shape) for name, shape in shapes.items()} for _ in range(count)]

"""The shape of graphs: names, shared weights, outputs that are read on, weights behind other nodes, bodies. See model_builder.py."""
import numpy as np
from onnx import TensorProto as T
from onnx import helper, numpy_helper
from model_builder import Builder, hard


@hard
def names_that_are_taken():
    """The model already uses the names that a quantizer would give its new tensors and nodes."""
    b = Builder(4)
    b.input("x", [1, 3, 8, 8])
    b.node("Conv", ["x", b.weight("w", 4, 3, 1, 1), b.weight("w_quantized", 4)], "x_quantized", name="x_QuantizeLinear")
    b.node("Relu", ["x_quantized"], "x_scale", name="w_DequantizeLinear")
    b.node("Conv", ["x_scale", b.weight("x_zero_point", 4, 4, 1, 1)], "w_scale", name="x_DequantizeLinear")
    b.node("Relu", ["w_scale"], "y", name="y_QuantizeLinear")
    b.output("y", [1, 4, 8, 8])
    return b.model(), b.samples({"x": [1, 3, 8, 8]})


@hard
def shared_weights_and_bias():
    """One weight and one bias read by two convolutions whose inputs have different ranges."""
    b = Builder(5)
    b.input("x", [1, 4, 8, 8])
    w, bias = b.weight("w", 4, 4, 3, 3), b.weight("bias", 4)
    b.node("Conv", ["x", w, bias], "a", pads=[1, 1, 1, 1])
    b.node("Relu", ["a"], "r")
    b.node("Mul", ["r", b.constant("ten", np.float32(10))], "t")
    b.node("Conv", ["t", w, bias], "y", pads=[1, 1, 1, 1])
    b.output("y", [1, 4, 8, 8])
    return b.model(), b.samples({"x": [1, 4, 8, 8]})


@hard
def outputs_in_the_middle():
    """A value that is an output of the graph and read on, and an input that is an output."""
    b = Builder(10)
    b.input("x", [1, 3, 8, 8])
    b.node("Conv", ["x", b.weight("w", 4, 3, 1, 1), b.weight("bias", 4)], "middle")
    b.node("Relu", ["middle"], "r")
    b.node("Conv", ["r", b.weight("w2", 4, 4, 1, 1)], "y")
    b.node("Identity", ["x"], "same")
    for name, channels in (("middle", 4), ("y", 4), ("same", 3)):
        b.output(name, [1, channels, 8, 8])
    return b.model(), b.samples({"x": [1, 3, 8, 8]})


@hard
def weights_behind_other_nodes():
    """Weights in Constant nodes, behind Transpose, Reshape and Identity."""
    b = Builder(11)
    b.input("x", [1, 12])
    values = b.random.normal(0, 0.3, (10, 12)).astype(np.float32)
    b.node("Constant", [], "stored", value=numpy_helper.from_array(values))
    b.node("Transpose", ["stored"], "turned", perm=[1, 0])
    b.node("Identity", ["turned"], "w")
    b.node("MatMul", ["x", "w"], "a")
    b.node("Relu", ["a"], "r")
    b.node("Reshape", [b.weight("flat", 60), b.constant("shape", np.array([10, 6], np.int64))], "w2")
    b.node("MatMul", ["r", "w2"], "y")
    b.output("y", [1, 6])
    return b.model(), b.samples({"x": [1, 12]})


@hard
def detector():
    """NonMaxSuppression and TopK behind a convolution: INT8 finds other boxes, and another number of them."""
    b = Builder(15)
    b.input("x", [1, 3, 16, 16])
    b.node("Conv", ["x", b.weight("w", 16, 3, 3, 3), b.weight("bias", 16, scale=0.1)], "c", strides=[2, 2], pads=[1, 1, 1, 1])
    b.node("Relu", ["c"], "r")
    b.node("Conv", ["r", b.weight("w_boxes", 4, 16, 1, 1)], "sides")
    b.node("Conv", ["r", b.weight("w_scores", 2, 16, 1, 1)], "logits")
    b.node("Transpose", ["sides"], "last", perm=[0, 2, 3, 1])
    b.node("Reshape", ["last", b.constant("to_boxes", np.array([1, 64, 4], np.int64))], "boxes")
    b.node("Reshape", ["logits", b.constant("to_scores", np.array([1, 2, 64], np.int64))], "flat")
    b.node("Sigmoid", ["flat"], "scores")
    limits = [b.constant("most", np.int64(20)), b.constant("overlap", np.float32(0.5)), b.constant("least", np.float32(0.6))]
    b.node("NonMaxSuppression", ["boxes", "scores", *limits], "kept")
    b.node("Slice", ["kept", b.constant("from", np.array([2], np.int64)), b.constant("to", np.array([3], np.int64)),
                     b.constant("axis", np.array([1], np.int64))], "column")
    b.node("Squeeze", ["column", "axis"], "rows")
    b.node("Gather", ["boxes", "rows"], "found", axis=1)
    b.node("ReduceMax", ["scores"], "best", axes=[1], keepdims=0)
    b.node("TopK", ["best", b.constant("k", np.array([5], np.int64))], ["top", "places"], axis=1)
    b.output("found", [1, "found", 4])
    b.output("kept", ["found", 3], T.INT64)
    b.output("top", [1, 5])
    b.output("places", [1, 5], T.INT64)
    return b.model(), b.samples({"x": [1, 3, 16, 16]})


@hard
def branches():
    """An If whose branches read the enclosing graph, with weights inside."""
    b = Builder(13)
    b.input("x", [1, 8])
    b.node("MatMul", ["x", b.weight("w", 8, 8)], "a")
    b.node("ReduceMean", ["a"], "m", keepdims=0)
    b.node("Greater", ["m", b.constant("zero", np.float32(0))], "c")

    def branch(name, factor):
        inner = numpy_helper.from_array((np.eye(8) * factor).astype(np.float32), name + "_w")
        return helper.make_graph([helper.make_node("MatMul", ["a", name + "_w"], [name])], name, [],
                                 [helper.make_tensor_value_info(name, T.FLOAT, [1, 8])], [inner])

    b.node("If", ["c"], "i", then_branch=branch("then", 2), else_branch=branch("else", 3))
    b.node("MatMul", ["i", b.weight("w2", 8, 5)], "y")
    b.output("y", [1, 5])
    return b.model(), b.samples({"x": [1, 8]})


@hard
def loop_with_weights():
    """A Loop whose body multiplies its state by weights and by a value of the enclosing graph."""
    b = Builder(19)
    b.input("x", [1, 8])
    b.node("MatMul", ["x", b.weight("w", 8, 8)], "a")
    inner = numpy_helper.from_array((np.eye(8) * 0.9).astype(np.float32), "inner_w")
    body = helper.make_graph(
        [helper.make_node("MatMul", ["state", "inner_w"], ["m"]), helper.make_node("Add", ["m", "a"], ["next"]),
         helper.make_node("Identity", ["go"], ["go_on"])], "body",
        [helper.make_tensor_value_info("i", T.INT64, []), helper.make_tensor_value_info("go", T.BOOL, []),
         helper.make_tensor_value_info("state", T.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("go_on", T.BOOL, []), helper.make_tensor_value_info("next", T.FLOAT, [1, 8])], [inner])
    b.node("Loop", [b.constant("times", np.int64(3)), b.constant("yes", np.bool_(True)), "a"], "l", body=body)
    b.node("MatMul", ["l", b.weight("w2", 8, 5)], "y")
    b.output("y", [1, 5])
    return b.model(), b.samples({"x": [1, 8]})


loop_with_weights.integer = {"MatMul": 3}
loop_with_weights.must_say = "bodies"
branches.must_say = "bodies"


@hard
def several_inputs_and_outputs():
    """Two inputs, one of them read by two layers; three outputs, one of them a layer's quantized input."""
    b = Builder(20)
    b.input("x", [1, 3, 8, 8])
    b.input("z", [1, 4, 8, 8])
    b.node("Conv", ["x", b.weight("w1", 4, 3, 3, 3), b.weight("b1", 4)], "c1", pads=[1, 1, 1, 1])
    b.node("Relu", ["c1"], "first")
    b.node("Conv", ["z", b.weight("w2", 4, 4, 1, 1)], "c2")
    b.node("Add", ["first", "c2"], "sum")
    b.node("Relu", ["sum"], "r")
    b.node("Conv", ["r", b.weight("w3", 5, 4, 1, 1), b.weight("b3", 5)], "second")
    b.node("GlobalAveragePool", ["second"], "third")
    for name, shape in (("first", [1, 4, 8, 8]), ("second", [1, 5, 8, 8]), ("third", [1, 5, 1, 1])):
        b.output(name, shape)
    return b.model(), b.samples({"x": [1, 3, 8, 8], "z": [1, 4, 8, 8]})

"""A node without an input that ONNX's schema of its operator requires is refused by name, in every version of the operator."""
import sys

import q8_program

try:
    import onnx
    from onnx import helper
except ImportError:
    print("SKIPPED: the package onnx is not installed (Q8_PYTHON)")
    sys.exit(77)

SINGLE, VARIADIC = onnx.defs.OpSchema.FormalParameterOption.Single, onnx.defs.OpSchema.FormalParameterOption.Variadic
# Exporters leave the second input of Resize out; those of Loop, and the first of Scan, are optional before values to carry, which need not be.
LAXER = {("Resize", 11): 1, ("Loop", 1): 0, ("Scan", 8): 0}
OTHER_KINDS = ("Constant", "OptionalHasElement")  # refused for what they have no tensor for, or not a matter of tensors


def required(schema):
    if (schema.name, schema.since_version) in LAXER:
        return LAXER[schema.name, schema.since_version]
    return max((i + 1 for i, parameter in enumerate(schema.inputs)
                if parameter.option == SINGLE or (parameter.option == VARIADIC and schema.min_input > i)), default=0)


def versions():
    """Every operator of the default domain with every version of opsets 7 to 25 at which its schema changed."""
    schemas = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if not schema.domain and schema.since_version <= 25 and not schema.deprecated and schema.name not in OTHER_KINDS:
            schemas.setdefault(schema.name, []).append(schema)
    for name, history in sorted(schemas.items()):
        history.sort(key=lambda schema: schema.since_version)
        for schema, following in zip(history, history[1:] + [None]):
            if following is None or following.since_version > 7:
                yield schema, max(schema.since_version, 7)


class NodeInputs(q8_program.Q8TestCase):
    def save(self, name, inputs, opset):
        values = [helper.make_tensor_value_info(f"x{i}", onnx.TensorProto.FLOAT, None) for i in range(inputs)]
        node = helper.make_node(name, [f"x{i}" for i in range(inputs)], ["y"], name="the_node")
        graph = helper.make_graph([node], "g", values, [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        (self.folder / "m.onnx").write_bytes(model.SerializeToString())

    def test_all_operators(self):
        seen = 0
        for schema, opset in versions():
            needed = required(schema)
            with self.subTest(operator=schema.name, opset=opset, needed=needed):
                self.save(schema.name, needed, opset)
                self.succeed("inspect", "m.onnx")
                if needed > 0:
                    self.save(schema.name, needed - 1, opset)
                    self.fail_with(3, ["'the_node'", f"input {needed - 1}"], "inspect", "m.onnx")
                    seen += 1
        self.assertGreater(seen, 250)


if __name__ == "__main__":
    q8_program.main()

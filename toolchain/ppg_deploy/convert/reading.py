"""What both routes start from: the ONNX model with batch 1 and folded constants, as nodes and as bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ppg_deploy.convert.builder import Node
from ppg_deploy.convert.simplify import load_onnx, simplify, with_single_batch
from ppg_deploy.files import sha256_of_file


@dataclass(frozen=True)
class ReadModel:
    """A model that was read and simplified, not converted yet.

    Attributes:
        source_sha256: hash of the ONNX file.
        input_name: ONNX name of the input; `input_shape` its shape with batch 1.
        output: ONNX name of the output.
        opset: version of the default operator set.
        nodes: every operator of the simplified model, in order; `constants` its constants by name.
        shapes: inferred shapes of activations by name; unknown sizes are 0.
        original: serialised ONNX model as the user gave it, with batch 1.
        simplified: the same with its constants folded.
    """

    source_sha256: str
    input_name: str
    input_shape: tuple[int, ...]
    output: str
    opset: int
    nodes: tuple[Node, ...]
    constants: Mapping[str, NDArray[Any]]
    shapes: Mapping[str, tuple[int, ...]]
    original: bytes
    simplified: bytes

    def up_to(self, target: str) -> bytes:
        """`simplified` with `target` as its output and without the operators that this does not need."""
        import onnx
        from onnx import TensorProto, helper

        if target == self.output:
            return self.simplified
        model = onnx.ModelProto.FromString(self.simplified)
        del model.graph.output[:]
        model.graph.output.append(helper.make_tensor_value_info(target, TensorProto.FLOAT, None))
        wanted = {target}
        needed = []
        for node in reversed(model.graph.node):
            if wanted & set(node.output):
                needed.append(node)
                wanted |= set(node.input)
        del model.graph.node[:]
        model.graph.node.extend(reversed(needed))
        return bytes(model.SerializeToString())


def read_model(path: Path) -> ReadModel:
    """Read an ONNX file and simplify it.

    Raises:
        InputError: the file is not a valid ONNX model.
        UnsupportedModelError: several inputs or outputs, or dynamic axes besides the batch.
    """
    original = with_single_batch(load_onnx(path), path)
    model = simplify(original, path)
    nodes, constants = _read_nodes(model)
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    return ReadModel(
        source_sha256=sha256_of_file(path),
        input_name=model.graph.input[0].name,
        input_shape=tuple(int(dimension.dim_value) for dimension in dimensions),
        output=model.graph.output[0].name,
        opset=_opset(model),
        nodes=tuple(nodes),
        constants=constants,
        shapes=_shapes(model),
        original=original.SerializeToString(),
        simplified=model.SerializeToString(),
    )


def _read_nodes(model: Any) -> tuple[list[Node], dict[str, NDArray[Any]]]:
    from onnx import helper, numpy_helper

    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = []
    for number, proto in enumerate(model.graph.node):
        attributes = {item.name: helper.get_attribute_value(item) for item in proto.attribute}
        attributes = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in attributes.items()
        }
        if proto.op_type == "Constant" and "value" in attributes:
            constants[proto.output[0]] = numpy_helper.to_array(attributes["value"])
            continue
        nodes.append(
            Node(
                op_type=f"{proto.domain}.{proto.op_type}" if proto.domain else proto.op_type,
                name=proto.name or f"number {number}",
                inputs=tuple(proto.input),
                outputs=tuple(proto.output),
                attributes=attributes,
            )
        )
    return nodes, constants


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    return {
        value.name: tuple(int(dimension.dim_value) for dimension in value.type.tensor_type.shape.dim)
        for value in (*model.graph.input, *model.graph.value_info)
    }


def _opset(model: Any) -> int:
    return next((int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)

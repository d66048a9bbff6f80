"""Wrong ONNX models that are still protobufs: attributes, shapes, weights, wiring, versions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Random = np.random.Generator
_TRIES = 100

INTEGERS = (
    -1,
    0,
    1,
    2,
    3,
    7,
    64,
    1000,
    65_536,
    10**7,
    2**31 - 1,
    2**31,
    2**40,
    -(2**31),
    -(2**63),
    2**63 - 1,
)
FLOATS = (float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e-40, 1e30, 3.4e38)
OPERATORS = [
    "Conv",
    "ConvTranspose",
    "Gemm",
    "MatMul",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "ReduceMean",
    "ReduceSum",
    "ReduceMax",
    "BatchNormalization",
    "LayerNormalization",
    "InstanceNormalization",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Pow",
    "Relu",
    "LeakyRelu",
    "Elu",
    "Sigmoid",
    "Tanh",
    "HardSwish",
    "Gelu",
    "Erf",
    "Clip",
    "Softmax",
    "Identity",
    "Dropout",
    "Transpose",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Pad",
    "Slice",
    "Concat",
    "Split",
    "Gather",
    "Expand",
    "Tile",
    "Resize",
    "Constant",
    "ConstantOfShape",
    "Shape",
    "Cast",
    "Where",
    "If",
    "Loop",
    "LSTM",
    "GRU",
    "NoSuchOperator",
]
TYPES = (
    TensorProto.FLOAT16,
    TensorProto.DOUBLE,
    TensorProto.INT8,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.BOOL,
    TensorProto.BFLOAT16,
    TensorProto.UNDEFINED,
    99,
)


def pick(rng: Random, items: Any) -> Any:
    """One item of a sequence."""
    return items[int(rng.integers(0, len(items)))]


def _attributes(model: Any) -> list[tuple[Any, Any]]:
    return [(node, attribute) for node in model.graph.node for attribute in node.attribute]


def drop_attribute(rng: Random, model: Any) -> None:
    node, attribute = pick(rng, _attributes(model))
    node.attribute.remove(attribute)


def extreme_attribute(rng: Random, model: Any) -> None:
    _, attribute = pick(rng, _attributes(model))
    if attribute.ints:
        attribute.ints[int(rng.integers(0, len(attribute.ints)))] = pick(rng, INTEGERS)
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = pick(rng, FLOATS)
    elif attribute.type == onnx.AttributeProto.STRING:
        attribute.s = pick(rng, (b"", b"SAME_UPPER", b"SAME_LOWER", b"VALID", b"reflect", b"\xff\xfe"))
    else:
        attribute.i = pick(rng, INTEGERS)


def resize_attribute(rng: Random, model: Any) -> None:
    _, attribute = pick(rng, [pair for pair in _attributes(model) if pair[1].ints])
    if rng.random() < 0.5:
        attribute.ints.append(pick(rng, INTEGERS[:8]))
    else:
        del attribute.ints[-1]


def retype_attribute(rng: Random, model: Any) -> None:
    _, attribute = pick(rng, _attributes(model))
    name = attribute.name
    attribute.CopyFrom(helper.make_attribute(name, pick(rng, (1, 1.5, "text", [1, 2], [0.5, 0.5], ["a"]))))


def add_attribute(rng: Random, model: Any) -> None:
    node = pick(rng, model.graph.node)
    name = pick(
        rng,
        ("axis", "axes", "auto_pad", "group", "dilations", "ceil_mode", "keepdims", "alpha", "pads", "perm"),
    )
    value = pick(rng, (0, -1, 5, [0], [3, 1], [-1, -2], [1] * 40, "SAME_UPPER", 1e38))
    node.attribute.append(helper.make_attribute(name, value))


def input_shape(rng: Random, model: Any) -> None:
    shape = model.graph.input[0].type.tensor_type.shape
    choice = int(rng.integers(0, 4))
    if choice == 0 and len(shape.dim) > 1:
        del shape.dim[int(rng.integers(0, len(shape.dim)))]
    elif choice == 1:
        shape.dim.add().dim_value = int(pick(rng, INTEGERS))
    elif choice == 2:
        pick(rng, shape.dim).dim_param = "some"
    else:
        pick(rng, shape.dim).dim_value = int(pick(rng, INTEGERS))


def input_type(rng: Random, model: Any) -> None:
    model.graph.input[0].type.tensor_type.elem_type = pick(rng, TYPES)


def weight_dims(rng: Random, model: Any) -> None:
    tensor = pick(rng, model.graph.initializer)
    if not tensor.dims or rng.random() < 0.2:
        tensor.dims.append(pick(rng, INTEGERS))
    elif rng.random() < 0.3:
        del tensor.dims[0]
    else:
        tensor.dims[int(rng.integers(0, len(tensor.dims)))] = pick(rng, INTEGERS)


def weight_shape(rng: Random, model: Any) -> None:
    """Dimensions and contents agree, but fit nothing else."""
    tensor = pick(rng, model.graph.initializer)
    values = numpy_helper.to_array(tensor)
    if values.ndim > 1 and rng.random() < 0.5:
        values = values.transpose(rng.permutation(values.ndim))
    elif values.size > 1:
        values = values.reshape(-1)[: int(rng.integers(0, values.size))]
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))


def weight_values(rng: Random, model: Any) -> None:
    tensor = pick(rng, model.graph.initializer)
    values = numpy_helper.to_array(tensor).copy()
    flat = values.reshape(-1)
    if not flat.size:
        return
    place = slice(None) if rng.random() < 0.3 else int(rng.integers(0, flat.size))
    flat[place] = pick(rng, FLOATS) if flat.dtype.kind == "f" else pick(rng, INTEGERS)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def weight_type(rng: Random, model: Any) -> None:
    tensor = pick(rng, model.graph.initializer)
    if rng.random() < 0.5:
        tensor.data_type = pick(rng, TYPES)
    else:
        kind = pick(rng, (np.float16, np.float64, np.int8, np.int32, np.uint8, np.bool_))
        with np.errstate(all="ignore"):
            values = numpy_helper.to_array(tensor).astype(kind)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def external_weights(rng: Random, model: Any) -> None:
    tensor = pick(rng, model.graph.initializer)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    place = pick(rng, ("gone.data", "../../../../etc/hostname", "/etc/hostname", ".", "m.onnx"))
    for key, value in (
        ("location", place),
        ("offset", str(pick(rng, INTEGERS))),
        ("length", str(pick(rng, INTEGERS))),
    ):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def swap_operator(rng: Random, model: Any) -> None:
    pick(rng, model.graph.node).op_type = pick(rng, OPERATORS)


def change_domain(rng: Random, model: Any) -> None:
    pick(rng, model.graph.node).domain = pick(rng, ("ai.onnx.ml", "com.microsoft", "nobody"))


def _names(model: Any) -> list[str]:
    names = [name for node in model.graph.node for name in node.output]
    names += [value.name for value in model.graph.input]
    return [*names, *(tensor.name for tensor in model.graph.initializer), "", "nowhere"]


def rewire_input(rng: Random, model: Any) -> None:
    node = pick(rng, [node for node in model.graph.node if node.input])
    node.input[int(rng.integers(0, len(node.input)))] = pick(rng, _names(model))


def self_loop(rng: Random, model: Any) -> None:
    node = pick(rng, [node for node in model.graph.node if node.input])
    node.input[0] = node.output[0]


def rename_output(rng: Random, model: Any) -> None:
    pick(rng, model.graph.node).output[0] = pick(rng, _names(model))


def more_or_fewer_inputs(rng: Random, model: Any) -> None:
    node = pick(rng, [node for node in model.graph.node if node.input])
    if rng.random() < 0.5:
        del node.input[-1]
    else:
        node.input.append(pick(rng, _names(model)))


def delete_node(rng: Random, model: Any) -> None:
    """The node's readers read its input instead, or nothing."""
    node = pick(rng, model.graph.node)
    source, output = node.input[0] if node.input else "", node.output[0]
    model.graph.node.remove(node)
    if rng.random() < 0.7:
        for other in model.graph.node:
            for place, name in enumerate(other.input):
                if name == output:
                    other.input[place] = source


def duplicate_node(rng: Random, model: Any) -> None:
    """Once more behind itself, on its own output or under the same name."""
    number = int(rng.integers(0, len(model.graph.node)))
    node = onnx.NodeProto()
    node.CopyFrom(model.graph.node[number])
    if rng.random() < 0.7 and node.input:
        old = node.output[0]
        node.input[0], node.output[0] = old, f"{old} again"
        for other in model.graph.node:
            for place, name in enumerate(other.input):
                if name == old:
                    other.input[place] = node.output[0]
    model.graph.node.insert(number + 1, node)


def shuffle_nodes(rng: Random, model: Any) -> None:
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in model.graph.node]
    rng.shuffle(nodes)  # type: ignore[arg-type]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def delete_weight(rng: Random, model: Any) -> None:
    model.graph.initializer.remove(pick(rng, model.graph.initializer))


def duplicate_weight(rng: Random, model: Any) -> None:
    model.graph.initializer.add().CopyFrom(pick(rng, model.graph.initializer))


def share_weight(rng: Random, model: Any) -> None:
    """Two operators read the same weights."""
    nodes = [node for node in model.graph.node if len(node.input) > 1]
    first, second = pick(rng, nodes), pick(rng, nodes)
    second.input[1] = first.input[1]


def outputs(rng: Random, model: Any) -> None:
    choice = int(rng.integers(0, 3))
    if choice == 0:
        del model.graph.output[:]
    elif choice == 1:
        model.graph.output.append(
            helper.make_tensor_value_info(pick(rng, _names(model)), TensorProto.FLOAT, None)
        )
    else:
        model.graph.output[0].name = pick(rng, _names(model))


def version(rng: Random, model: Any) -> None:
    if rng.random() < 0.7:
        model.opset_import[0].version = pick(rng, (-1, 0, 1, 6, 7, 9, 11, 13, 18, 20, 21, 23, 99, 2**40))
    else:
        model.ir_version = pick(rng, (0, 1, 3, 7, 10, 13, 99))


def long_chain(rng: Random, model: Any) -> None:
    """Thousands of operators in a row: recursion, or anything quadratic."""
    kind = pick(rng, ("Identity", "Relu", "Neg"))
    node = model.graph.node[0]
    last = node.input[0]
    chain = []
    for number in range(int(pick(rng, (200, 800)))):
        chain.append(helper.make_node(kind, [last], [f"chain{number}"]))
        last = chain[-1].output[0]
    node.input[0] = last
    rest = [onnx.NodeProto.FromString(other.SerializeToString()) for other in model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend([*chain, *rest])


def huge_constant(rng: Random, model: Any) -> None:
    """A small file that asks for gigabytes while its constants are folded."""
    sizes = pick(rng, ([2**31], [40_000, 40_000], [2**20, 2**9], [1, 1, 2**33, 4]))
    shape = numpy_helper.from_array(np.array(sizes, np.int64), "huge shape")
    model.graph.initializer.append(shape)
    node = pick(rng, [node for node in model.graph.node if len(node.input) > 1])
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["huge shape"], ["huge"]))
    node.input[1] = "huge"


def nested_condition(rng: Random, model: Any) -> None:
    """If inside If inside If."""
    output = helper.make_tensor_value_info("deep", TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Identity", ["x"], ["deep"])], "leaf", [], [output])
    for _ in range(int(pick(rng, (1, 20)))):
        node = helper.make_node("If", ["yes"], ["deep"], then_branch=branch, else_branch=branch)
        if len(node.SerializeToString()) > 200_000:
            break
        branch = helper.make_graph([node], "level", [], [output])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.insert(0, branch.node[0])
    model.graph.node[1].input[0] = "deep"


MUTATIONS: tuple[Callable[[Random, Any], None], ...] = (
    drop_attribute, drop_attribute, extreme_attribute, extreme_attribute, extreme_attribute, resize_attribute,
    retype_attribute, add_attribute, input_shape, input_shape, input_type, weight_dims, weight_dims, weight_shape,
    weight_shape, weight_values, weight_values, weight_type, external_weights, swap_operator, swap_operator,
    change_domain, rewire_input, rewire_input, self_loop, rename_output, more_or_fewer_inputs, delete_node,
    delete_node, duplicate_node, shuffle_nodes, delete_weight, duplicate_weight, share_weight, outputs, version,
    long_chain, huge_constant, nested_condition,
)  # fmt: skip


def mutate_onnx(rng: Random, content: bytes) -> tuple[bytes, str]:
    """(another protobuf, what was done). Mutations that do not apply to this model give way to others."""
    for _ in range(_TRIES):
        mutation = MUTATIONS[int(rng.integers(0, len(MUTATIONS)))]
        model = onnx.ModelProto.FromString(content)
        try:
            mutation(rng, model)
            return model.SerializeToString(deterministic=True), mutation.__name__
        # Nothing to pick from, or a value that the protobuf field cannot hold.
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
            continue
    return content, "nothing applies"

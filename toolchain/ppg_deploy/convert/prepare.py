"""ONNX nodes -> ONNX nodes that have converters: activation functions are found in their many spellings.

Exporters write GELU and HardSwish as five to eight elementwise operators, each in its own way. Here a chain of
elementwise operators over one value is recognised by what it computes, not by how it is spelt.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.builder import Node
from ppg_deploy.convert.einsum import as_matrix_product

Reals = NDArray[np.float64]
Constants = Mapping[str, NDArray[Any]]
Shapes = Mapping[str, tuple[int, ...]]

_FIRST_OPSET_OF_PLAIN_SOFTMAX = 13
# GELU with a cubed argument takes ten operators; nothing longer is expected.
_LONGEST_CHAIN = 16
_SAMPLES = np.concatenate([np.linspace(-12.0, 12.0, 481), [-50.0, 50.0]])
_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Prepared:
    """Rewritten nodes and the constants they read."""

    nodes: list[Node]
    constants: dict[str, NDArray[Any]]


def prepare(nodes: list[Node], constants: Constants, shapes: Shapes, *, output: str, opset: int) -> Prepared:
    """Equivalent nodes, without those that the output does not need.

    Args:
        nodes: operators in execution order.
        constants: initialisers by name.
        shapes: inferred shapes of activations by name, as far as they are known.
        output: name of the model's output.
        opset: version of the default operator set.
    """
    own: dict[str, NDArray[Any]] = dict(constants)
    recognised = _recognised(nodes, own)
    read_directly = _without_expansions(recognised, shapes)
    spelt = [part for node in read_directly for part in _spelt_out(node, own, opset)]
    return Prepared(needed_nodes(spelt, output), own)


def needed_nodes(nodes: list[Node], target: str) -> list[Node]:
    """The nodes that the target depends on, in their order."""
    wanted = {target}
    needed: list[Node] = []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            needed.append(node)
            wanted |= set(node.inputs)
    return needed[::-1]


def _spelt_out(node: Node, constants: dict[str, NDArray[Any]], opset: int) -> list[Node]:
    if node.op_type == "Einsum":
        return [as_matrix_product(node)]
    if node.op_type == "HardSigmoid":
        return _hard_sigmoid(node, constants)
    if node.op_type == "Elu" and node.attributes.get("alpha", 1.0) != 1.0:
        return _elu_with_alpha(node)
    if node.op_type == "Softmax" and opset < _FIRST_OPSET_OF_PLAIN_SOFTMAX:
        axis = node.attributes.get("axis", 1)
        return [replace(node, attributes={**node.attributes, "axis": axis, "flattens": 1})]
    return [node]


def _hard_sigmoid(node: Node, constants: dict[str, NDArray[Any]]) -> list[Node]:
    """min(max(6 alpha x + 6 beta, 0), 6) / 6: the first half folds into the operator in front as RELU6."""
    alpha, beta = (float(node.attributes.get(name, default)) for name, default in _HARD_SIGMOID.items())
    (output,) = node.outputs

    def constant(name: str, value: float) -> str:
        constants[f"{output}/{name}"] = np.array(value, np.float32)
        return f"{output}/{name}"

    names = [f"{output}/{step}" for step in ("scaled", "shifted", "clamped")]
    scale, offset, sixth = (
        constant(name, value)
        for name, value in (("scale", 6 * alpha), ("offset", 6 * beta), ("sixth", 1 / 6))
    )
    return [
        replace(node, op_type="Mul", inputs=(node.inputs[0], scale), outputs=(names[0],), attributes={}),
        replace(node, op_type="Add", inputs=(names[0], offset), outputs=(names[1],), attributes={}),
        replace(
            node,
            op_type="Clip",
            inputs=(names[1],),
            outputs=(names[2],),
            attributes={"min": 0.0, "max": 6.0},
        ),
        replace(node, op_type="Mul", inputs=(names[2], sixth), attributes={}),
    ]


def _elu_with_alpha(node: Node) -> list[Node]:
    """Elu of slope alpha is a leaky ReLU of the Elu of slope 1: that is negative exactly where x is."""
    inner = f"{node.outputs[0]}/unscaled"
    alpha = float(node.attributes["alpha"])
    return [
        replace(node, outputs=(inner,), attributes={}),
        replace(node, op_type="LeakyRelu", inputs=(inner,), attributes={"alpha": alpha}),
    ]


def _without_expansions(nodes: list[Node], shapes: Shapes) -> list[Node]:
    """Sums and products read the source of an Expand where broadcasting repeats it anyway."""
    sources = {node.outputs[0]: node.inputs[0] for node in nodes if node.op_type == "Expand"}

    def direct(node: Node) -> Node:
        if node.op_type not in ("Add", "Mul"):
            return node
        inputs = list(node.inputs)
        for side, other in ((0, 1), (1, 0)):
            shape = shapes.get(inputs[side])
            if inputs[side] in sources and shape and 0 not in shape and shape == shapes.get(inputs[other]):
                inputs[side] = sources[inputs[side]]
                break
        return replace(node, inputs=tuple(inputs))

    return [direct(node) for node in nodes]


def _gelu(x: Reals) -> Reals:
    return 0.5 * x * (1.0 + _erf(x / math.sqrt(2.0)))


def _gelu_by_tanh(x: Reals) -> Reals:
    return np.asarray(0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3))))


def _hard_swish(x: Reals) -> Reals:
    return np.asarray(x * np.clip(x + 3.0, 0.0, 6.0) / 6.0)


# Functions to look for, and the node that stands for each.
_KNOWN: tuple[tuple[Callable[[Reals], Reals], str, Mapping[str, str]], ...] = (
    (_gelu, "Gelu", {"approximate": "none"}),
    (_gelu_by_tanh, "Gelu", {"approximate": "tanh"}),
    (_hard_swish, "HardSwish", {}),
)
_LAST_OPERATORS = ("Mul", "Div")


def _recognised(nodes: list[Node], constants: Constants) -> list[Node]:
    positions = {name: number for number, node in enumerate(nodes) for name in node.outputs}
    return [
        _known_function(nodes, number, positions, constants) or node
        if node.op_type in _LAST_OPERATORS
        else node
        for number, node in enumerate(nodes)
    ]


def _known_function(
    nodes: list[Node], last: int, positions: Mapping[str, int], constants: Constants
) -> Node | None:
    """The node that does the same as the chain of elementwise operators that ends in node `last`."""
    chain: set[int] = set()
    frontier: set[str] = set()
    following: int | None = last
    while following is not None and len(chain) < _LONGEST_CHAIN:
        node = nodes[following]
        chain.add(following)
        frontier.discard(node.outputs[0])
        frontier.update(name for name in node.inputs if name and name not in constants)
        if len(frontier) == 1 and len(chain) > 1:
            (argument,) = frontier
            values = _evaluate([nodes[number] for number in sorted(chain)], argument, constants)
            if values is None:
                return None
            for function, op_type, attributes in _KNOWN:
                if np.allclose(values, function(_SAMPLES), rtol=_TOLERANCE, atol=_TOLERANCE):
                    return replace(nodes[last], op_type=op_type, inputs=(argument,), attributes=attributes)
        inner = [positions[name] for name in frontier if name in positions]
        following = max((number for number in inner if nodes[number].op_type in _ELEMENTWISE), default=None)
    return None


def _evaluate(chain: list[Node], argument: str, constants: Constants) -> Reals | None:
    """The chain's last result over the samples; None when a constant is no single number."""
    values: dict[str, Reals] = {argument: _SAMPLES}
    for node in chain:
        operands = []
        for name in node.inputs:
            constant = constants.get(name)
            if constant is not None and constant.size != 1:
                return None
            if name:
                operands.append(values[name] if constant is None else constant.reshape(()).astype(np.float64))
        with np.errstate(all="ignore"):
            values[node.outputs[0]] = np.asarray(_ELEMENTWISE[node.op_type](node, operands), np.float64)
    return values[chain[-1].outputs[0]]


def _erf(x: Reals) -> Reals:
    return np.array([math.erf(value) for value in x.reshape(-1)]).reshape(x.shape)


_HARD_SIGMOID = {"alpha": 0.2, "beta": 0.5}


def _hard_sigmoid_values(node: Node, operands: list[Reals]) -> Reals:
    alpha, beta = (node.attributes.get(name, default) for name, default in _HARD_SIGMOID.items())
    return np.asarray(np.clip(alpha * operands[0] + beta, 0.0, 1.0))


def _clip_values(node: Node, operands: list[Reals]) -> Reals:
    limits = [float(limit) for limit in operands[1:]]
    if len(node.inputs) > 1 and not node.inputs[1]:
        limits.insert(0, -np.inf)
    low = limits[0] if limits else node.attributes.get("min", -np.inf)
    high = limits[1] if len(limits) > 1 else node.attributes.get("max", np.inf)
    return np.asarray(np.clip(operands[0], low, high))


_ELEMENTWISE: dict[str, Callable[[Node, list[Reals]], Reals]] = {
    "Add": lambda _, operands: operands[0] + operands[1],
    "Sub": lambda _, operands: operands[0] - operands[1],
    "Mul": lambda _, operands: operands[0] * operands[1],
    "Div": lambda _, operands: operands[0] / operands[1],
    "Pow": lambda _, operands: operands[0] ** operands[1],
    "Neg": lambda _, operands: -operands[0],
    "Erf": lambda _, operands: _erf(operands[0]),
    "Tanh": lambda _, operands: np.tanh(operands[0]),
    "Relu": lambda _, operands: np.maximum(operands[0], 0.0),
    "Min": lambda _, operands: np.asarray(np.minimum.reduce(np.broadcast_arrays(*operands))),
    "Max": lambda _, operands: np.asarray(np.maximum.reduce(np.broadcast_arrays(*operands))),
    "HardSigmoid": _hard_sigmoid_values,
    "Clip": _clip_values,
    "Identity": lambda _, operands: operands[0],
}

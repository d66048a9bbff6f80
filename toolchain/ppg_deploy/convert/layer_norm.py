"""Layer normalisation: the operator of opset 17, and its spelling in single operators.

int8 form: MEAN, SUB, L2_NORMALIZATION, 1x1 DEPTHWISE_CONV_2D. (x - mean) / sqrt(variance + epsilon) is
sqrt(n) * d / sqrt(sum of d^2 + n * epsilon) with d = x - mean. L2_NORMALIZATION sums the squares of d's codes in 32
bits for each position, so the variance is never rounded to 8 bits; a chain of SQUARED_DIFFERENCE, MEAN, RSQRT and MUL
would round it three times.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.builder import GraphBuilder, Node
from ppg_deploy.graph.operators import L2Normalization, Mean, Sub

Constants = Mapping[str, NDArray[np.generic]]
# Attribute of nodes made from single operators: exactly one axis, no scale.
_FUSED = "fused"


def convert_layer_normalization(node: Node, builder: GraphBuilder) -> None:
    """LayerNormalization over the last axis, or a fused chain over any one axis."""
    value = builder.value(node, 0)
    rank = len(value.shape)
    axis = int(node.attributes.get("axis", -1)) % rank
    if _FUSED not in node.attributes and math.prod(value.shape[axis:]) != value.shape[-1]:
        raise node.unsupported(
            f"it normalises axes {axis} to {rank - 1} together",
            "use nn.LayerNorm over the last axis only, or nn.BatchNorm1d, which costs nothing in int8",
        )
    axis = axis if _FUSED in node.attributes else rank - 1
    size = value.shape[axis]
    if size < 2:
        raise node.unsupported("it normalises single values", "leave it out: it always answers with its bias")
    scale = np.ones(1) if _FUSED in node.attributes else builder.required_constant(node, 1, "weights")
    offset = builder.constant(node, 2)
    source, layout = builder.rows(value, axis)
    name = node.outputs[0]
    positions = builder.tensors[source].shape[2]
    mean = builder.new_tensor(f"{name}/mean", (1, 1, positions, 1))
    builder.emit(Mean(inputs=(source,), outputs=(mean,), axes=(3,)))
    difference = builder.new_tensor(f"{name}/centred", (1, 1, positions, size))
    builder.emit(Sub(inputs=(source, mean), outputs=(difference,)))
    normalised = builder.new_tensor(f"{name}/normalised", (1, 1, positions, size))
    epsilon = size * float(node.attributes.get("epsilon", 1e-5))
    builder.emit(L2Normalization(inputs=(difference,), outputs=(normalised,), epsilon=epsilon))
    output = builder.affine(
        name,
        normalised,
        (np.broadcast_to(scale.astype(np.float64).reshape(-1), (size,)) * math.sqrt(size)).astype(np.float32),
        np.zeros(size, np.float32) if offset is None else offset.astype(np.float32).reshape(-1),
    )
    builder.define(name, output, layout)


def fuse_layer_normalizations(nodes: list[Node], constants: Constants) -> list[Node]:
    """The nodes with every ReduceMean-Sub-Pow-ReduceMean-Add-Sqrt-Div chain as one LayerNormalization.

    A scale and an offset behind the division stay Mul and Add.
    """
    finder = _Finder(nodes, constants)
    return [finder.match(node) or node for node in nodes]


class _Finder:
    """Walks from a division back to the signal that it normalises."""

    def __init__(self, nodes: list[Node], constants: Constants) -> None:
        self._producers = {name: node for node in nodes for name in node.outputs}
        self._constants = constants

    def _producer(self, name: str, *kinds: str) -> Node | None:
        node = self._producers.get(name)
        return node if node is not None and node.op_type in kinds else None

    def _scalar(self, node: Node) -> tuple[float, str] | None:
        """(constant operand, the other operand) of a node with one constant number."""
        for position in (0, 1):
            constant = self._constants.get(node.inputs[position])
            if constant is not None and constant.size == 1:
                return float(constant.reshape(-1)[0]), node.inputs[1 - position]
        return None

    def _mean_of(self, name: str) -> tuple[str, int] | None:
        """(signal, axis) of a mean over one axis with kept dimensions."""
        node = self._producer(name, "ReduceMean")
        if node is None or not node.attributes.get("keepdims", 1):
            return None
        axes = node.attributes.get("axes")
        if axes is None and len(node.inputs) > 1 and node.inputs[1] in self._constants:
            axes = self._constants[node.inputs[1]].reshape(-1).tolist()
        return (node.inputs[0], int(axes[0])) if axes is not None and len(axes) == 1 else None

    def match(self, node: Node) -> Node | None:
        """The LayerNormalization that ends in this division, or None."""
        if node.op_type != "Div":
            return None
        centred, root = self._producer(node.inputs[0], "Sub"), self._producer(node.inputs[1], "Sqrt")
        shifted = None if root is None else self._producer(root.inputs[0], "Add")
        found = None if shifted is None else self._scalar(shifted)
        mean = None if centred is None else self._mean_of(centred.inputs[1])
        if centred is None or found is None or mean is None or mean[0] != centred.inputs[0]:
            return None
        epsilon, variance = found
        squares = self._mean_of(variance)
        if squares is None or squares[1] != mean[1] or not self._is_square(squares[0], centred, mean):
            return None
        return Node(
            op_type="LayerNormalization",
            name=node.name,
            inputs=(centred.inputs[0],),
            outputs=node.outputs,
            attributes={"axis": mean[1], "epsilon": epsilon, _FUSED: 1},
        )

    def _is_square(self, name: str, centred: Node, mean: tuple[str, int]) -> bool:
        node = self._producer(name, "Pow", "Mul")
        if node is None:
            return False
        bases = (node.inputs[0], node.inputs[1])
        if node.op_type == "Pow":
            exponent = self._constants.get(node.inputs[1])
            if exponent is None or exponent.size != 1 or float(exponent.reshape(-1)[0]) != 2.0:
                return False
            bases = (node.inputs[0], node.inputs[0])
        return all(self._is_same_difference(base, centred, mean) for base in bases)

    def _is_same_difference(self, name: str, centred: Node, mean: tuple[str, int]) -> bool:
        """True for the centred signal itself or for a second subtraction of the same mean."""
        node = self._producer(name, "Sub")
        return node is not None and (
            node is centred or (node.inputs[0] == mean[0] and self._mean_of(node.inputs[1]) == mean)
        )

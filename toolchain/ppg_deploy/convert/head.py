"""Cutting softmax heads: the decoder runs in float instead, on host and device alike.

A model that ends in softmax, or in the softmax-weighted mean of evenly spaced bins, is cut in front of the softmax
and answers with logits. TFLM's int8 softmax has a fixed scale of 1/256, in which most of the mass of 180 bins
rounds to zero; an int8 head costs about 5 BPM.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.convert.builder import Node

_VIEWS = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"}


@dataclass(frozen=True)
class HeadCut:
    """What was cut off.

    Attributes:
        logits: ONNX value in front of the softmax, the new output.
        first_bin_bpm: value of the first bin when the head was an expectation, else None.
        bin_width_bpm: distance between bins, or None.
    """

    logits: str
    first_bin_bpm: float | None
    bin_width_bpm: float | None

    @property
    def is_expectation(self) -> bool:
        """True when the head computed the softmax-weighted mean of its bins."""
        return self.first_bin_bpm is not None


def find_head(nodes: list[Node], constants: Mapping[str, NDArray[np.generic]], output: str) -> HeadCut | None:
    """The softmax head that produces the graph output, if there is one that can be cut."""
    producers = {name: node for node in nodes for name in node.outputs}
    scale, offset = 1.0, 0.0
    name = output
    while name in producers:
        node = producers[name]
        constant = _scalar_constant(node, constants)
        if node.op_type in _VIEWS:
            name = node.inputs[0]
        elif node.op_type in ("Add", "Mul") and constant is not None:
            # y = scale * (x * constant) + offset, or scale * (x + constant) + offset
            if node.op_type == "Mul":
                scale *= constant
            else:
                offset += scale * constant
            name = next(source for source in node.inputs if source not in constants)
        else:
            break
    node_or_none = producers.get(name)
    if node_or_none is None:
        return None
    if node_or_none.op_type == "Softmax":
        return HeadCut(node_or_none.inputs[0], None, None) if (scale, offset) == (1.0, 0.0) else None
    found = _weighted_softmax(node_or_none, producers, constants)
    if found is None:
        return None
    logits, bins, bias = found
    # The weights of a softmax add up to one, so a bias shifts every bin.
    values = scale * (bins.astype(np.float64).reshape(-1) + bias) + offset
    steps = np.diff(values)
    if len(values) < 2 or steps[0] <= 0 or not np.allclose(steps, steps[0], rtol=1e-4):
        return None
    return HeadCut(logits, float(values[0]), float((values[-1] - values[0]) / (len(values) - 1)))


def _scalar_constant(node: Node, constants: Mapping[str, NDArray[np.generic]]) -> float | None:
    found = [constants[name] for name in node.inputs if name in constants]
    if len(found) == 1 and found[0].size == 1 and found[0].dtype.kind == "f":
        return float(found[0].reshape(-1)[0])
    return None


def _weighted_softmax(
    node: Node, producers: Mapping[str, Node], constants: Mapping[str, NDArray[np.generic]]
) -> tuple[str, NDArray[np.generic], float] | None:
    """(logits, bins, bias) of ReduceSum(Softmax * bins) or Softmax @ bins + bias."""
    product: Node | None = None
    bias = 0.0
    if node.op_type == "MatMul":
        product = node
    elif node.op_type == "Gemm" and _is_plain(node):
        added = constants.get(node.inputs[2]) if len(node.inputs) > 2 else np.zeros(1)
        if added is not None and added.size == 1:
            product, bias = node, float(added.reshape(-1)[0])
    elif node.op_type == "ReduceSum":
        factor = producers.get(node.inputs[0])
        product = factor if factor is not None and factor.op_type == "Mul" else None
    if product is None:
        return None
    bins = next((constants[name] for name in product.inputs[:2] if name in constants), None)
    softmax = next((producers[name] for name in product.inputs if name in producers), None)
    if bins is None or softmax is None or softmax.op_type != "Softmax" or bins.size != max(bins.shape):
        return None
    return softmax.inputs[0], bins, bias


def _is_plain(node: Node) -> bool:
    return all(node.attributes.get(name, 1.0) == 1.0 for name in ("alpha", "beta"))

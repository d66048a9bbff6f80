"""Operators that compute a function of one code, and chains of them, as tables of 256 codes.

x * LOGISTIC(x), ELU followed by LEAKY_RELU or a clamp between two equal scalings are all functions of one code: the
whole region becomes one table, computed by the operators' own int8 arithmetic over all 256 codes and therefore exact.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.steps import LookupStep, SoftmaxStep
from ppg_deploy.graph import DType, Graph
from ppg_deploy.graph.int8_ops.activations import softmax_exponentials
from ppg_deploy.graph.operators import Add, DepthwiseConv2D, Mul, Operator, Pool2D, Softmax, Unary
from ppg_deploy.graph.quantized_reference import run_quantized_operator
from ppg_deploy.graph.shapes import multiply_accumulates

Codes = NDArray[np.int8]
# More operators than any activation function is spelt with.
_LONGEST_REGION = 16


@dataclass(frozen=True)
class Region:
    """Operators whose last one's output is, code by code, a function of the tensor `root` alone."""

    root: str
    operators: tuple[int, ...]

    @property
    def last(self) -> int:
        """The operator that writes the result."""
        return self.operators[-1]


def find_regions(graph: Graph, needed: Collection[int]) -> Mapping[int, Region]:
    """The regions worth a table, by their last operator; no operator is in two.

    Args:
        graph: a graph that passed `check_compilable`.
        needed: numbers of the operators that the output depends on.
    """
    search = _Search(graph, needed)
    regions: dict[int, Region] = {}
    taken: set[int] = set()
    for number in sorted(needed, reverse=True):
        region = None if number in taken else search.largest_region(number)
        if region is not None:
            regions[number] = region
            taken.update(region.operators)
    return regions


class _Search:
    def __init__(self, graph: Graph, needed: Collection[int]) -> None:
        self._graph = graph
        self._producers = {graph.operators[number].output: number for number in needed}
        self._readers: dict[str, set[int]] = {}
        for number in needed:
            for name in graph.operators[number].inputs:
                self._readers.setdefault(name, set()).add(number)

    def largest_region(self, last: int) -> Region | None:
        """The largest region that ends in operator `last`, or None."""
        graph = self._graph
        numbers: set[int] = set()
        frontier: set[str] = set()
        found: Region | None = None
        following = last if _is_pointwise(graph, last) else None
        while following is not None and len(numbers) < _LONGEST_REGION:
            operator = graph.operators[following]
            numbers.add(following)
            frontier.discard(operator.output)
            frontier.update(name for name in operator.inputs if name and not graph.tensors[name].is_constant)
            if len(frontier) == 1 and _is_worth_it(graph, numbers) and self._is_private(numbers, last):
                found = Region(next(iter(frontier)), tuple(sorted(numbers)))
            # The latest one first: nothing that is still to come reads its output.
            inner = [self._producers[name] for name in frontier if name in self._producers]
            following = max((number for number in inner if _is_pointwise(graph, number)), default=None)
        return found

    def _is_private(self, numbers: set[int], last: int) -> bool:
        """True when nobody outside reads what the region computes on the way."""
        inner = [self._graph.operators[number].output for number in numbers if number != last]
        return all(self._readers[name] <= numbers and name not in self._graph.outputs for name in inner)


def _is_worth_it(graph: Graph, numbers: set[int]) -> bool:
    """A lone sum, product or clamp has a kernel of its own, which needs no 256 bytes."""
    return len(numbers) > 1 or any(isinstance(graph.operators[number], Unary) for number in numbers)


def _is_pointwise(graph: Graph, number: int) -> bool:
    operator = graph.operators[number]
    if any(graph.tensors[name].dtype is not DType.INT8 for name in (operator.inputs[0], operator.output)):
        # A table of 65,536 codes would not pay.
        return False
    if isinstance(operator, Unary):
        return True
    if isinstance(operator, Add | Mul):
        shape = graph.tensors[operator.output].shape
        tensors = [graph.tensors[name] for name in operator.inputs]
        return all(t.size == 1 if t.is_constant else t.shape == shape for t in tensors)
    if isinstance(operator, Pool2D):
        return operator.filter == (1, 1) and operator.stride == (1, 1)
    return isinstance(operator, DepthwiseConv2D) and _is_uniform(graph, operator)


def _is_uniform(graph: Graph, operator: DepthwiseConv2D) -> bool:
    """True for a 1x1 convolution that does the same to every channel."""
    weights = graph.tensors[operator.inputs[1]]
    if weights.shape[1:3] != (1, 1) or operator.depth_multiplier != 1 or operator.stride != (1, 1):
        return False
    constants = [graph.tensors[name] for name in operator.inputs[1:] if name]
    assert weights.quantization is not None
    return len(set(weights.quantization.scale)) == 1 and all(
        np.unique(np.asarray(tensor.data)).size == 1 for tensor in constants
    )


def table_of(graph: Graph, region: Region) -> Codes:
    """The region's output code for each of the codes -128 to 127 of its root."""
    shape = graph.tensors[region.root].shape
    codes = np.arange(-128, 128).astype(np.int8)
    if len(shape) > 1:
        codes = np.broadcast_to(
            codes.reshape(-1, *(1,) * (len(shape) - 1)), (256, *(1,) * (len(shape) - 2), shape[-1])
        )
    values = {region.root: codes}
    for number in region.operators:
        operator = graph.operators[number]
        values[operator.output] = run_quantized_operator(graph, operator, values)
    return np.ascontiguousarray(values[graph.operators[region.last].output].reshape(256, -1)[:, 0])


def lookup_step(graph: Graph, region: Region, source: str) -> LookupStep:
    """The step of a region; `source` names its root's storage."""
    operator = graph.operators[region.last]
    return LookupStep(
        operators=region.operators,
        kind=operator.kind,
        name=operator.output,
        inputs=(source,),
        output=operator.output,
        output_bytes=graph.tensors[operator.output].byte_size,
        macs=sum(multiply_accumulates(graph, graph.operators[number]) for number in region.operators),
        table=table_of(graph, region),
    )


def softmax_step(graph: Graph, number: int, operator: Operator, source: str) -> SoftmaxStep:
    """The step of a SOFTMAX; `source` names its input's storage."""
    assert isinstance(operator, Softmax)
    tensor = graph.tensors[operator.inputs[0]]
    return SoftmaxStep(
        operators=(number,),
        kind=operator.kind,
        name=operator.output,
        inputs=(source,),
        output=operator.output,
        output_bytes=tensor.byte_size,
        rows=tensor.size // tensor.shape[-1],
        columns=tensor.shape[-1],
        exponentials=softmax_exponentials(tensor.scale, operator.beta),
    )

"""STRIDED_SLICE, CONCATENATION and LSTM -> the steps of `sequence_steps`."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ppg_deploy.compile.sequence_steps import ConcatenateStep, LstmStep, SliceStep
from ppg_deploy.compile.steps import Step
from ppg_deploy.graph import Graph
from ppg_deploy.graph.lstm import lstm_factors
from ppg_deploy.graph.operators import (
    Concatenation,
    Operator,
    Reshape,
    StridedSlice,
    UnidirectionalSequenceLstm,
)
from ppg_deploy.graph.shapes import multiply_accumulates
from ppg_deploy.graph.slices import piece, slice_walk

if TYPE_CHECKING:
    from ppg_deploy.compile.lower import Lowering


def views(graph: Graph) -> dict[str, tuple[str, int]]:
    """Slices that lie in their input in one piece: output -> (input, first byte). They need no step.

    A slice that leads to the graph's output through reshapes and slices only is none: the caller's buffer holds
    nothing but the output.
    """
    computed = set()
    name = graph.outputs[0]
    while isinstance(producer := graph.producer(name), Reshape | StridedSlice):
        computed.add(name)
        name = producer.inputs[0]
    found = {}
    for operator in graph.operators:
        if isinstance(operator, StridedSlice) and operator.output not in computed:
            lies = piece(graph, operator)
            if lies is not None:
                found[operator.output] = (operator.inputs[0], lies[0])
    return found


def strided_slice(context: "Lowering", number: int, operator: Operator) -> Step:
    """STRIDED_SLICE that is no view."""
    assert isinstance(operator, StridedSlice)
    start, axes = slice_walk(context.graph, operator)
    return SliceStep(**_common(context, number, operator), start=start, axes=axes)


def concatenation(context: "Lowering", number: int, operator: Operator) -> Step:
    """CONCATENATION."""
    assert isinstance(operator, Concatenation)
    output = context.tensor(operator.output)
    parts = []
    for name in operator.inputs:
        tensor = context.tensor(name)
        codes = None if tensor.data is None else np.asarray(tensor.data).astype(np.int8)
        parts.append((math.prod(tensor.shape[operator.axis :]), codes))
    return ConcatenateStep(
        **_common(context, number, operator),
        rows=math.prod(output.shape[: operator.axis]),
        parts=tuple(parts),
    )


def lstm(context: "Lowering", number: int, operator: Operator) -> Step:
    """UNIDIRECTIONAL_SEQUENCE_LSTM."""
    assert isinstance(operator, UnidirectionalSequenceLstm)

    def stacked(names: tuple[str, ...]) -> "np.ndarray[tuple[int, ...], np.dtype[Any]]":
        return np.stack([np.asarray(context.tensor(name).data) for name in names])

    source = context.tensor(operator.inputs[0])
    return LstmStep(
        **_common(context, number, operator),
        steps=source.shape[1],
        weights=stacked(operator.input_weights).astype(np.int8),
        recurrent_weights=stacked(operator.recurrent_weights).astype(np.int8),
        biases=stacked(operator.biases).astype(np.int64),
        input_zero=source.zero_point,
        hidden_zero=context.tensor(operator.output).zero_point,
        factors=lstm_factors(context.graph, operator),
    )


def _common(context: "Lowering", number: int, operator: Operator) -> dict[str, Any]:
    return {
        "operators": (number,),
        "kind": operator.kind,
        "name": operator.output,
        "inputs": tuple(
            context.storage(name) for name in operator.inputs if not context.tensor(name).is_constant
        ),
        "output": operator.output,
        "output_bytes": context.tensor(operator.output).byte_size,
        "macs": multiply_accumulates(context.graph, operator),
    }

"""What the compiler accepts of slices, concatenations and LSTMs."""

import math
from typing import TYPE_CHECKING

import numpy as np

from ppg_deploy.graph import DType
from ppg_deploy.graph.lstm import SMALLEST_CELL_POWER, cell_power, lstm_factors
from ppg_deploy.graph.operators import Concatenation, StridedSlice, UnidirectionalSequenceLstm

if TYPE_CHECKING:
    from ppg_deploy.compile.place import Place

_HINT = "export the model again"
_MAX_RANK = 4
_LARGEST_SHIFT = 30
_LARGEST_CELL_POWER = 0
# Features and units up to here keep every sum of products within 31 bits.
_LARGEST_DEPTH = 1 << 16


def _check_same_parameters(place: "Place", name: str) -> None:
    tensor, output = place.tensor(name), place.tensor(place.operator.output)
    if (tensor.scale, tensor.zero_point) != (output.scale, output.zero_point):
        raise place.refuse(name, f"has other quantisation parameters than {output.name}")


def check_slice(place: "Place") -> None:
    """STRIDED_SLICE within its input; axes of size 1 may be missing in the output."""
    operator = place.operator
    assert isinstance(operator, StridedSlice)
    source, output = place.tensor(operator.inputs[0]), place.tensor(operator.output)
    if source.is_constant:
        raise place.refuse(source.name, "is a constant where an activation is expected", "fold the constants")
    rank = len(source.shape)
    bounds = (operator.begin, operator.end, operator.strides)
    if rank > _MAX_RANK or any(len(bound) != rank for bound in bounds):
        raise place.refuse(output.name, f"is sliced along {len(operator.begin)} of {rank} axes", _HINT)
    within = all(
        0 <= begin < end <= size and stride > 0
        for begin, end, stride, size in zip(*bounds, source.shape, strict=True)
    )
    if not within:
        raise place.refuse(output.name, f"reaches beyond its input of shape {source.shape}", _HINT)
    sizes = [len(range(*bound)) for bound in zip(*bounds, strict=True)]
    if any(axis >= rank or sizes[axis] != 1 for axis in operator.dropped):
        raise place.refuse(output.name, "lacks an axis longer than 1", _HINT)
    kept = tuple(size for axis, size in enumerate(sizes) if axis not in operator.dropped)
    place.require_shape(output.name, kept)
    _check_same_parameters(place, source.name)


def check_concatenation(place: "Place") -> None:
    """CONCATENATION of int8 tensors that agree in everything but one size."""
    operator = place.operator
    assert isinstance(operator, Concatenation)
    output = place.tensor(operator.output)
    axis, rank = operator.axis, len(output.shape)
    if not 0 < axis < rank:
        raise place.refuse(
            output.name, f"is put together along axis {axis}", "concatenate the signal, not batches"
        )
    total = 0
    for name in operator.inputs:
        tensor = place.tensor(name)
        shape = tensor.shape
        if len(shape) != rank or (*shape[:axis], output.shape[axis], *shape[axis + 1 :]) != output.shape:
            raise place.refuse(name, f"of shape {shape} does not fit into {output.shape}", _HINT)
        if tensor.dtype is not DType.INT8 or tensor.quantization is None or tensor.quantization.per_channel:
            raise place.refuse(name, "is not int8 with one scale")
        _check_same_parameters(place, name)
        total += shape[axis]
    if total != output.shape[axis]:
        raise place.refuse(
            output.name, f"holds {output.shape[axis]} instead of {total} along axis {axis}", _HINT
        )


def check_lstm(place: "Place") -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM with int8 weights of one scale each and an int16 cell."""
    operator = place.operator
    assert isinstance(operator, UnidirectionalSequenceLstm)
    source, output = place.tensor(operator.inputs[0]), place.tensor(operator.output)
    units = place.tensor(operator.biases[0]).size
    if source.is_constant or len(source.shape) != 3 or source.shape[0] != 1:
        raise place.refuse(source.name, f"of shape {source.shape} is not one sequence of activations", _HINT)
    _, steps, features = source.shape
    if max(features, units) > _LARGEST_DEPTH:
        raise place.refuse(source.name, "has too many features for sums in 32 bits", "use a smaller layer")
    place.require_shape(output.name, (1, steps, units))
    for names, depth in ((operator.input_weights, features), (operator.recurrent_weights, units)):
        for name in names:
            place.require_shape(name, (units, depth))
            weights = place.tensor(name)
            if not weights.is_constant or weights.dtype is not DType.INT8 or weights.quantization is None:
                raise place.refuse(name, "is not a constant of int8 weights")
            if weights.quantization.per_channel or weights.zero_point != 0:
                raise place.refuse(name, "is not symmetric with one scale", "quantise the LSTM per tensor")
    for name in operator.biases:
        place.require_shape(name, (units,))
        if not place.tensor(name).is_constant or place.tensor(name).dtype is not DType.INT32:
            raise place.refuse(name, "is not an int32 constant")
    _check_cell(place, operator)
    factors = lstm_factors(place.graph, operator)
    every = (*factors.input, *factors.recurrent, factors.enter, factors.expose)
    if any(shift > _LARGEST_SHIFT for _, shift in every):
        raise place.refuse(output.name, "has a scale far too small for its inputs")
    sums = _largest_sums(place, operator)
    for largest, (_, shift) in zip(sums, (*factors.input, *factors.recurrent), strict=True):
        if math.ldexp(largest, max(shift, 0)) >= 1 << 31:
            raise place.refuse(output.name, "has sums beyond 32 bits", "quantise the model again")


def _check_cell(place: "Place", operator: UnidirectionalSequenceLstm) -> None:
    cell = place.tensor(operator.cell)
    if cell.dtype is not DType.INT16 or cell.quantization is None or cell.quantization.per_channel:
        raise place.refuse(cell.name, "is not an int16 cell state with one scale")
    power = cell_power(cell.scale)
    if power is None or cell.zero_point != 0 or not SMALLEST_CELL_POWER <= power <= _LARGEST_CELL_POWER:
        raise place.refuse(
            cell.name, f"has the scale {cell.scale:g}", "the cell's scale must be a power of two, 2^-12 to 1"
        )


def _largest_sums(place: "Place", operator: UnidirectionalSequenceLstm) -> list[int]:
    """Largest size of the sums in front of the gates: of the sequence, then of the hidden state."""

    def products(names: tuple[str, ...], zero: int) -> list[int]:
        largest = max(127 - zero, zero + 128)
        weights = (np.asarray(place.tensor(name).data).astype(np.int64) for name in names)
        return [largest * int(np.abs(codes).sum(axis=1).max()) for codes in weights]

    of_input = products(operator.input_weights, place.tensor(operator.inputs[0]).zero_point)
    biases = [
        int(np.abs(np.asarray(place.tensor(name).data).astype(np.int64)).max()) for name in operator.biases
    ]
    of_hidden = products(operator.recurrent_weights, place.tensor(operator.output).zero_point)
    return [total + bias for total, bias in zip(of_input, biases, strict=True)] + of_hidden

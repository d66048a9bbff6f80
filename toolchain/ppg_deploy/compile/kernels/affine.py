"""Functions that are a straight line per channel: ppg_affine.h."""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ppg_deploy.compile.kernels.base import Array, Code, Kernel, Structure
from ppg_deploy.compile.kernels.costs import clamp_cycles
from ppg_deploy.compile.kernels.depthwise import is_pointwise
from ppg_deploy.compile.kernels.elementwise import full_size_inputs
from ppg_deploy.compile.lines import CODES, lines_through
from ppg_deploy.compile.steps import AddStep, DepthwiseStep, ElementwiseStep, MulStep, Operand, Step
from ppg_deploy.graph.arithmetic import ADD_LEFT_SHIFT, multiply_by_quantized_multiplier

_LARGEST_HALF = 0xFFFF
# Channels that are no multiple of 4 are repeated until they are one, up to this many.
_LARGEST_REPEATED = 64
_INT32 = 1 << 31
Wide = NDArray[np.int64]


class Affine(Kernel):
    """Batch normalisation, ADD or MUL with a constant that repeats: 4 channels at a time, all positions."""

    name = "affine"
    header = "ppg_affine.h"
    files = ("ppg_affine.c", "ppg_affine.h")
    code_bytes = 490

    def matches(self, step: Step) -> bool:
        """True for batch normalisation, and ADD or MUL with a constant that repeats."""
        return _fitted(step) is not None

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input: each word is read before it is written."""
        return full_size_inputs(step) if isinstance(step, ElementwiseStep) else step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Words of 4 codes, channels that are left over, tables, and the second pass of a clamp."""
        fitted = _fitted(step)
        assert fitted is not None
        channels = len(fitted.lines)
        positions = step.output_bytes // channels
        words, rest = divmod(channels, 4)
        tables = len(fitted.tabled) * (30 + 8 * positions)
        return round(
            60 + words * (55 + 20 * positions) + rest * (30 + 12 * positions) + tables + clamp_cycles(step)
        )

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_affine."""
        del in_place
        fitted = _fitted(step)
        assert fitted is not None
        some = bool(fitted.tabled)
        parameters = Structure(
            "ppg_affine_t",
            {
                "lines": Array("lines", fitted.lines.reshape(-1)),
                "channels": len(fitted.lines),
                "positions": step.output_bytes // len(fitted.lines),
                "tabled": Array("tabled", np.array(fitted.tabled, np.int32)) if some else 0,
                "tables": Array("tables", fitted.tables.reshape(-1)) if some else 0,
                "tabled_count": len(fitted.tabled),
                "low": step.low,
                "high": step.high,
            },
        )
        return Code("ppg_affine", parameters)


@dataclass(frozen=True, eq=False)
class _Fitted:
    """Lines int32 (channels, 2); channels that have none, and their codes int8 (count, 256) in the order of C."""

    lines: NDArray[np.int32]
    tabled: tuple[int, ...]
    tables: NDArray[np.int8]


@functools.lru_cache(maxsize=32)
def _fitted(step: Step) -> _Fitted | None:
    """Channels, repeated where that fills words; None when the kernel does not match."""
    function = _function(step)
    if function is None:
        return None
    outputs, slopes = function
    lines, found = _searched(outputs.tobytes(), np.ascontiguousarray(slopes).tobytes())
    channels = len(lines)
    repeated = math.lcm(channels, 4)
    if found.all() and repeated <= _LARGEST_REPEATED and step.output_bytes % repeated == 0:
        lines = np.tile(lines, (repeated // channels, 1))
    if len(lines) > _LARGEST_HALF or step.output_bytes // len(lines) > _LARGEST_HALF:
        return None
    tables = np.roll(outputs[~found], 128, axis=1).astype(np.int8)
    return _Fitted(lines, tuple(int(channel) for channel in np.flatnonzero(~found)), tables)


# All pieces of a step share one search.
@functools.lru_cache(maxsize=64)
def _searched(outputs: bytes, slopes: bytes) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    codes = np.frombuffer(outputs, np.int64).reshape(-1, len(CODES))
    return lines_through(codes, np.frombuffer(slopes, np.float64))


def _function(step: Step) -> tuple[Wide, NDArray[np.float64]] | None:
    """Output codes (channels, 256) and slopes (channels,) of a function of one code and the channel."""
    if isinstance(step, DepthwiseStep):
        return _batch_normalisation(step) if is_pointwise(step) else None
    if not isinstance(step, AddStep | MulStep):
        return None
    constants = [operand for operand in (step.left, step.right) if operand.data is not None]
    variables = [operand for operand in (step.left, step.right) if operand.data is None]
    if len(constants) != 1 or variables[0].shape != step.shape or not _repeats(constants[0], step.shape):
        return None
    swapped = constants[0] is step.left
    data = np.asarray(constants[0].data, np.int64).reshape(-1, 1)
    if isinstance(step, MulStep):
        return _product(step, data - constants[0].zero, variables[0].zero)
    return _sum(step, data - constants[0].zero, variables[0].zero, swapped)


def _repeats(operand: Operand, shape: tuple[int, ...]) -> bool:
    """True when the operand's codes lie side by side and repeat along all axes before them."""
    started = False
    for own, whole in zip(operand.shape, shape, strict=True):
        started = started or own != 1
        if started and own != whole:
            return False
    return True


def _batch_normalisation(step: DepthwiseStep) -> tuple[Wide, NDArray[np.float64]] | None:
    weights = step.weights.reshape(-1, 1).astype(np.int64)
    sums = step.bias[:, None] + weights * (CODES - step.input_zero)
    factors = np.array(step.multipliers, np.int64)
    return _scaled(sums, factors[:, :1], factors[:, 1:], weights, step.output_zero)


def _product(step: MulStep, constants: Wide, zero: int) -> tuple[Wide, NDArray[np.float64]] | None:
    multiplier, shift = (np.full((1, 1), word, np.int64) for word in step.factor)
    return _scaled(constants * (CODES - zero), multiplier, shift, constants, step.output_zero)


def _sum(step: AddStep, constants: Wide, zero: int, swapped: bool) -> tuple[Wide, NDArray[np.float64]] | None:
    of_variable, of_constant = step.factors[:2][:: -1 if swapped else 1]
    # TFLM's factors of the operands are at most 1/2, so the sum stays below 2^28.
    sums = multiply_by_quantized_multiplier((CODES - zero) << ADD_LEFT_SHIFT, *of_variable)
    sums = sums + multiply_by_quantized_multiplier(constants << ADD_LEFT_SHIFT, *of_constant)
    multiplier, shift = (np.full((1, 1), word, np.int64) for word in step.factors[2])
    growth = np.full((len(constants), 1), (1 << ADD_LEFT_SHIFT) * _real(*of_variable))
    return _scaled(sums, multiplier, shift, growth, step.output_zero)


def _real(multiplier: int, shift: int) -> float:
    return math.ldexp(multiplier, shift - 31)


def _scaled(
    sums: Wide, multiplier: Wide, shift: Wide, growth: NDArray[np.generic], zero: int
) -> tuple[Wide, NDArray[np.float64]] | None:
    """Codes of sums (channels, 256) that grow by `growth` (channels, 1) from code to code."""
    if np.abs(sums << np.maximum(shift, 0)).max() >= _INT32:
        return None
    codes = np.clip(multiply_by_quantized_multiplier(sums, multiplier, shift) + zero, -128, 127)
    slopes = growth.astype(np.float64) * np.ldexp(multiplier.astype(np.float64), shift - 31)
    return codes, np.broadcast_to(slopes, (len(sums), 1))[:, 0]

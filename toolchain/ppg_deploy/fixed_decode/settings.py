"""Every constant of the integer decoders, computed once from the card and the output's quantisation.

All roundings here are of exact fractions, so every machine gets the same integers. docs/decoders.md derives the
limits, with which no intermediate result leaves 64 bits.
"""

import decimal
from dataclasses import dataclass
from fractions import Fraction

from ppg_deploy.card import ClassesOutput, ClipFilter, OutputCard
from ppg_deploy.errors import InputError
from ppg_deploy.graph import DType, Tensor

BPM_BITS = 16
SCALE_BITS = 32
WIDTH_BITS = 24
WEIGHT_BITS = 30
FRACTION_BITS = 24
TABLE_SIZE = 256

LARGEST_BPM = 1024
LARGEST_SCALE = 4096
LARGEST_BINS = 4096
LARGEST_WIDTH_BPM = 128
LARGEST_FRACTION = 16

_HINT = "such a card cannot be decoded on the device; correct it"


@dataclass(frozen=True)
class DecoderSettings:
    """From output codes to heart rate.

    Attributes:
        outputs: codes a window; 1 for a scalar output.
        code_bytes: 1 for int8 codes, 2 for int16.
        zero_point: of the output.
        scale_q32: BPM a code of a scalar output, else 0.
        first_q16: centre of bin 0 in BPM; `width_q24` the distance of two bins. 0 for a scalar output.
        radius: bins on either side of the peak that count; 0 is the argmax, outputs - 1 the whole expectation.
        low_q16: smallest answer in BPM; `high_q16` the largest.
        fine: weight exp(-d * scale) with 30 fraction bits of a logit d codes below the peak, d in 0..255; empty
            when no softmax is needed.
        coarse: the same for multiples of 256 codes; empty for int8.
    """

    outputs: int
    code_bytes: int
    zero_point: int
    scale_q32: int
    first_q16: int
    width_q24: int
    radius: int
    low_q16: int
    high_q16: int
    fine: tuple[int, ...]
    coarse: tuple[int, ...]

    @property
    def is_scalar(self) -> bool:
        """True when the model's only output is the heart rate."""
        return self.outputs == 1


@dataclass(frozen=True)
class FilterSettings:
    """The clip filter: `history` answers, +-`fraction_q24` of their mean."""

    history: int
    fraction_q24: int


def decoder_settings(card: OutputCard, output: Tensor) -> DecoderSettings:
    """Settings for one card and the model's int8 or int16 output tensor.

    Raises:
        InputError: a number of the card or the output is beyond what the fixed-point formats hold.
    """
    scale = output.scale
    outputs = output.size
    _require(
        output.dtype in (DType.INT8, DType.INT16), f"the output is {output.dtype.value}, not int8 or int16"
    )
    _require(card.valid_bpm[1] < LARGEST_BPM, f"field output.valid_bpm: above {LARGEST_BPM} BPM")
    _require(scale < LARGEST_SCALE, f"the output's scale {scale:g} is {LARGEST_SCALE} or more")
    low, high = (_fixed(limit, BPM_BITS) for limit in card.valid_bpm)
    code_bytes = output.dtype.itemsize
    if not isinstance(card, ClassesOutput):
        _require(outputs == 1, f"field output.decode: scalar, but the model has {outputs} outputs")
        return DecoderSettings(
            outputs, code_bytes, output.zero_point, _fixed(scale, SCALE_BITS), 0, 0, 0, low, high, (), ()
        )
    _require(2 <= outputs <= LARGEST_BINS, f"{outputs} outputs; 2 to {LARGEST_BINS} bins can be decoded")
    _require(card.first_bin_bpm < LARGEST_BPM, f"field output.first_bin_bpm: above {LARGEST_BPM} BPM")
    _require(
        card.bin_width_bpm < LARGEST_WIDTH_BPM, f"field output.bin_width_bpm: above {LARGEST_WIDTH_BPM} BPM"
    )
    radius = {"argmax": 0, "expectation": outputs - 1, "local_expectation": card.half_width_bins}[card.decode]
    radius = min(radius, outputs - 1)
    return DecoderSettings(
        outputs=outputs,
        code_bytes=code_bytes,
        zero_point=output.zero_point,
        scale_q32=0,
        first_q16=_fixed(card.first_bin_bpm, BPM_BITS),
        width_q24=_fixed(card.bin_width_bpm, WIDTH_BITS),
        radius=radius,
        low_q16=low,
        high_q16=high,
        fine=_weights(scale, 1) if radius else (),
        coarse=_weights(scale, TABLE_SIZE) if radius and code_bytes == 2 else (),
    )


def filter_settings(card: ClipFilter) -> FilterSettings:
    """Settings of the post-filter.

    Raises:
        InputError: the fraction is beyond its fixed-point format.
    """
    _require(card.fraction < LARGEST_FRACTION, f"field post_filter.fraction: {LARGEST_FRACTION} or more")
    return FilterSettings(card.history, _fixed(card.fraction, FRACTION_BITS))


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise InputError(problem, hint=_HINT)


def _fixed(value: float, bits: int) -> int:
    """`value` with `bits` fraction bits, halves rounded up; exact, because a float is a fraction."""
    return int((Fraction(value) * (1 << bits) + Fraction(1, 2)).__floor__())


def _weights(scale: float, step: int) -> tuple[int, ...]:
    """exp(-index * step * scale) with 30 fraction bits for 256 indices.

    In 50 decimal digits: the platform's exp() may differ in the last bit from one machine to the next.
    """
    with decimal.localcontext(decimal.Context(prec=50)) as context:
        exact = decimal.Decimal(scale) * step
        one = decimal.Decimal(1 << WEIGHT_BITS)
        weights = []
        for index in range(TABLE_SIZE):
            exponent = index * exact
            # exp(-40) is less than half a unit; larger exponents need not be computed.
            weight = decimal.Decimal(0) if exponent > 40 else context.exp(-exponent) * one
            weights.append(int(weight.to_integral_value(decimal.ROUND_HALF_UP)))
    return tuple(weights)

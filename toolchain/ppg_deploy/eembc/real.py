"""Output codes as real numbers with three decimals, in integers, as firmware/eembc/ppg_eembc_print.c prints them."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from ppg_deploy.errors import InputError

_MANTISSA_BITS = 36
_SHIFTS = 64
_DECIMALS = 1000


@dataclass(frozen=True)
class ExactScale:
    """mantissa / 2**shift; mantissa < 2**36, shift < 64."""

    mantissa: int
    shift: int


def exact_scale(scale: float) -> ExactScale:
    """The scale of a .tflite file, which is a float32, without any rounding.

    A scale below 2**-63 becomes 0: no code then reaches 0.0005.

    Raises:
        InputError: the scale is 2**36 or more, or not a positive number.
    """
    if not 0 < scale < 2**_MANTISSA_BITS:
        raise InputError(
            f"the scale {scale} of the model's output cannot be printed by an EEMBC firmware",
            hint="quantise the model again, or build without --dialect",
        )
    mantissa, denominator = scale.as_integer_ratio()
    shift = denominator.bit_length() - 1
    return ExactScale(mantissa, shift) if shift < _SHIFTS else ExactScale(0, 0)


def as_printed(codes: Iterable[int], *, scale: float, zero_point: int) -> tuple[str, ...]:
    """What the firmware prints for output codes: scale * (code - zero_point), rounded half to even."""
    texts = []
    for code in codes:
        thousandths = round(Fraction(scale) * (int(code) - zero_point) * _DECIMALS)
        whole, rest = divmod(abs(thousandths), _DECIMALS)
        texts.append(f"{'-' if thousandths < 0 else ''}{whole}.{rest:03d}")
    return tuple(texts)

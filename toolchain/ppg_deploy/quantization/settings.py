"""What the user may choose about quantisation."""

from dataclasses import dataclass
from typing import Literal, get_args

from ppg_deploy.errors import InputError

Method = Literal["min-max", "percentile", "mse"]
METHODS: tuple[Method, ...] = get_args(Method)
OutputRange = tuple[float, float] | Literal["card", "calibrated"]
DEFAULT_PERCENTILE = 99.99


@dataclass(frozen=True)
class QuantizeSettings:
    """Calibration method and its options.

    Attributes:
        method: how the range of an activation follows from its values.
        percentile: of method "percentile": upper percentile; as much is cut off at the lower end.
        bias_correction: fold the mean error of each weighted operator into its bias.
        input_clip: limit the input to this many standard deviations of the normalised input; None for no limit.
        output_range: forced range of the output; "card" takes 0 to valid_bpm[1] for a scalar head and the
            calibrated range for logits; "calibrated" forces nothing.
        int16x8: int16 activations instead of int8 ones.

    Raises:
        InputError: a value is out of bounds.
    """

    method: Method = "min-max"
    percentile: float = DEFAULT_PERCENTILE
    bias_correction: bool = False
    input_clip: float | None = None
    output_range: OutputRange = "card"
    int16x8: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"option --method: {self.method!r} is unknown", hint=f"use {', '.join(METHODS)}")
        if not 50.0 < self.percentile <= 100.0:
            raise InputError(
                f"option --percentile: {self.percentile:g} is not above 50 and at most 100",
                hint="99.99 is the default; 100 is the same as --method min-max",
            )
        if self.input_clip is not None and not 0.0 < self.input_clip < float("inf"):
            raise InputError(
                f"option --clip-input: {self.input_clip:g} standard deviations are no limit",
                hint="4 is a common choice",
            )
        if not isinstance(self.output_range, str):
            low, high = self.output_range
            if not (-float("inf") < low < high < float("inf")) or low > 0.0 or high < 0.0:
                raise InputError(
                    f"option --output-range: {low:g} to {high:g} is not a range that holds zero",
                    hint="give the lowest and highest answer, for example 0,220; int8 always represents zero",
                )

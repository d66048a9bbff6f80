"""Pools of neighbouring columns: ppg_pool_rows.h. Pools and sums over all positions: ppg_totals.h."""

from ppg_deploy.compile.kernels.base import Code, Kernel, Structure, Value
from ppg_deploy.compile.kernels.costs import clamp_cycles
from ppg_deploy.compile.requantize import general_factor
from ppg_deploy.compile.steps import Pooling, PoolStep, Step
from ppg_deploy.compile.tensor_steps import ReduceStep

# C function, cycles per word of 4 channels, cycles per column.
_FUNCTIONS = {
    (Pooling.AVERAGE, 2): ("ppg_average_of_2", 12.5, 18),
    (Pooling.AVERAGE, 4): ("ppg_average_of_4", 29.0, 14),
    (Pooling.MAX, 2): ("ppg_max_of_2", 9.5, 18),
}


class PoolRows(Kernel):
    """Averages of 2 or 4 columns, largest of 2, in channels that fill words."""

    name = "pool_rows"
    header = "ppg_pool_rows.h"
    files = ("ppg_pool_rows.c", "ppg_pool_rows.h")
    code_bytes = 520

    def matches(self, step: Step) -> bool:
        """True for windows of one row without padding."""
        if not isinstance(step, PoolStep) or step.window.is_padded or step.window.kernel[0] != 1:
            return False
        return (step.pooling, step.window.kernel[1]) in _FUNCTIONS and step.source.channels % 4 == 0

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input: every window starts at or behind its output."""
        return step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Columns of words."""
        assert isinstance(step, PoolStep)
        _, per_word, per_column = _FUNCTIONS[(step.pooling, step.window.kernel[1])]
        columns = step.target.rows * step.target.columns
        words = columns * step.source.channels // 4
        return round(
            60 + 60 * step.target.rows + per_word * words + per_column * columns + clamp_cycles(step)
        )

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of the three functions."""
        assert isinstance(step, PoolStep)
        del in_place
        parameters = Structure(
            "ppg_pool_rows_t",
            {
                "channels": step.source.channels,
                "rows": step.target.rows,
                "row_step": step.window.stride[0] * step.source.columns * step.source.channels,
                "out_columns": step.target.columns,
                "stride": step.window.stride[1],
                "low": step.low,
                "high": step.high,
            },
        )
        return Code(_FUNCTIONS[(step.pooling, step.window.kernel[1])][0], parameters)


class Totals(Kernel):
    """An average pool over the whole image, MEAN and SUM over all positions: 4 channels at a time."""

    name = "totals"
    header = "ppg_totals.h"
    files = ("ppg_totals.c", "ppg_totals.h")
    code_bytes = 880

    def matches(self, step: Step) -> bool:
        """True when every output is the sum of one channel."""
        return _image(step) is not None

    def in_place_inputs(self, step: Step) -> tuple[str, ...]:
        """The input: a channel is written behind its sum, where the first position was."""
        return step.inputs

    def predicted_cycles(self, step: Step) -> int:
        """Words of 4 values, and the end of each channel."""
        image = _image(step)
        assert image is not None
        positions, channels = image
        words, rest = divmod(channels, 4)
        per_word = 45 + 25 * (positions // 252 + 1) + 4.5 * positions
        return round(60 + words * per_word + rest * (20 + 5 * positions) + 30 * channels)

    def code(self, step: Step, in_place: bool) -> Code:
        """Parameters of ppg_total_average or ppg_total."""
        del in_place
        image = _image(step)
        assert image is not None
        size: dict[str, Value] = {"positions": image[0], "channels": image[1]}
        if isinstance(step, PoolStep):
            fields = {**size, "low": step.low, "high": step.high}
            return Code("ppg_total_average", Structure("ppg_total_average_t", fields))
        assert isinstance(step, ReduceStep)
        parameters = Structure(
            "ppg_total_t",
            {
                **size,
                "input_zero": step.input_zero,
                "output_zero": step.output_zero,
                "factor": general_factor(*step.factor).fields,
            },
        )
        return Code("ppg_total", parameters)


def _image(step: Step) -> tuple[int, int] | None:
    """Positions and channels, when the step sums each channel over all positions."""
    if isinstance(step, PoolStep):
        source, window = step.source, step.window
        whole = window.kernel == (source.rows, source.columns) and not window.is_padded
        if not whole or step.pooling is not Pooling.AVERAGE:
            return None
        return source.rows * source.columns, source.channels
    if not isinstance(step, ReduceStep):
        return None
    kept = [axis for axis in step.kept if axis[0] != 1]
    if len(kept) != 1 or kept[0][1] != 1:
        return None
    channels, positions = kept[0][0], 1
    for size, distance in sorted(step.summed, key=lambda axis: axis[1]):
        if size != 1 and distance != positions * channels:
            return None
        positions *= size
    return positions, channels
